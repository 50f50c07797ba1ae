"""Five stand-in systems with their own databases and APIs, and the firm that uses them."""
