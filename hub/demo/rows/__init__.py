"""What each system knows of the firm: its own records, and copies in the words of their owner."""
