-- Tables that are read again at their owners, and what was then found to be gone there.

CREATE TABLE resnapshot (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system     text NOT NULL,
    "table"    text NOT NULL,
    low        text,
    high       text,
    state      text NOT NULL DEFAULT 'asked'
               CHECK (state IN ('asked', 'reading', 'read', 'done', 'failed')),
    asked_at   timestamptz NOT NULL DEFAULT now(),
    asked_by   text NOT NULL,
    asked_why  text NOT NULL,
    begun_at   timestamptz,
    begun_lsn  bigint,
    starts     jsonb,
    reached    text[],
    rows_read  bigint NOT NULL DEFAULT 0,
    ends       jsonb,
    deleted    bigint NOT NULL DEFAULT 0,
    failure    text,
    settled_at timestamptz
);
COMMENT ON TABLE resnapshot IS 'Tables, or ranges of their keys, that are to be read again at their owner.';
COMMENT ON COLUMN resnapshot.begun_lsn IS 'Where the owner''s own history stood when it began.';
COMMENT ON COLUMN resnapshot.starts IS 'partition to the offset from which on the log holds what was read';
COMMENT ON COLUMN resnapshot.reached IS 'The primary key of the last row that is in the log.';
COMMENT ON COLUMN resnapshot.ends IS 'partition to the offset before which the log holds all that was read';
CREATE INDEX resnapshot_open ON resnapshot (system, id) WHERE state IN ('asked', 'reading', 'read');

CREATE TABLE absence (
    system    text NOT NULL,
    entity    text NOT NULL,
    record_id text COLLATE "C" NOT NULL,
    key       text NOT NULL,
    partition integer NOT NULL,
    "offset"  bigint NOT NULL,
    found_at  timestamptz NOT NULL,
    PRIMARY KEY (system, entity, record_id)
);
COMMENT ON TABLE absence IS 'Records that were gone at their owner without the log saying so, and the last position that told of them.';
