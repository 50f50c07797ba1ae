"""What each system knows of the firm: its own records, and its copies of the others'."""
