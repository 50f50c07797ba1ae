-- Which of two keys was met first must be known of those that one transaction has met, too.

ALTER TABLE xref ALTER COLUMN first_seen SET DEFAULT clock_timestamp();
