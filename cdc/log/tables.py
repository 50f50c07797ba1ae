"""The tables of the Postgres log, and the identity of whichever log is applied here."""

from __future__ import annotations

CHANNEL = "log_record"
"""Notified once per transaction that appended something."""

LOG_TABLES = """
CREATE TABLE IF NOT EXISTS log_partition (
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);

CREATE TABLE IF NOT EXISTS log_record (
    topic       text        NOT NULL,
    partition   integer     NOT NULL,
    "offset"    bigint      NOT NULL,
    key         bytea,
    value       bytea,
    headers     jsonb,
    appended_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    PRIMARY KEY (topic, partition, "offset")
);
COMMENT ON COLUMN log_record.headers IS 'name to base64 of the value; null when there are none';
CREATE INDEX IF NOT EXISTS log_record_appended_at ON log_record USING brin (appended_at);

CREATE TABLE IF NOT EXISTS log_group_offset (
    group_name   text        NOT NULL,
    topic        text        NOT NULL,
    partition    integer     NOT NULL,
    next_offset  bigint      NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (group_name, topic, partition)
);

CREATE TABLE IF NOT EXISTS log_identity (
    is_only  boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    identity text    NOT NULL
);
COMMENT ON TABLE log_identity IS 'the log whose positions are stored in this database';
"""
"""For the migration. Running it again changes nothing."""
