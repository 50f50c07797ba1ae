-- A system may give a record another key, and later use the former key for another record.

ALTER TABLE xref
    ADD COLUMN is_former boolean NOT NULL DEFAULT false,
    ADD COLUMN since_epoch integer NOT NULL DEFAULT 0,
    ADD COLUMN since_lsn bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN xref.is_former IS 'The record has left this key; references by it still mean the record, a new row does not.';
COMMENT ON COLUMN xref.since_lsn IS 'With since_epoch: where in the source''s history a key change last touched the link; 0, 0: never.';

CREATE TABLE key_change (
    system      text NOT NULL,
    entity      text NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    epoch       integer NOT NULL,
    lsn         bigint NOT NULL,
    record_id   text COLLATE "C" NOT NULL,
    PRIMARY KEY (system, entity, external_id, epoch, lsn)
);
COMMENT ON TABLE key_change IS 'Which record takes this key, told by the lane of its former key; the lane of the new key may be behind.';

CREATE TABLE xref_version (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version  bigint NOT NULL DEFAULT 0
);
INSERT INTO xref_version DEFAULT VALUES;
COMMENT ON TABLE xref_version IS 'Raised, under its lock, by every transaction that changes a link; caches of another version are void.';

COMMENT ON TABLE reject IS 'Envelopes that nobody could decode or that belong to no record, with bytes, position and reason.';
