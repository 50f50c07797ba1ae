"""From bytes to what a capture says, whichever Debezium connector, transform or converter wrote it.

Start in `reader`; `kinds` is what comes out. Rows leave here in one spelling, that of our own WAL
reader: decimals as text, days since 1970, microseconds, and no placeholder.
"""
