-- Owners that are not read from their write-ahead log: asked for changes, or heard of by webhooks.

CREATE TABLE capture_way (
    system text PRIMARY KEY,
    way    text NOT NULL CHECK (way IN ('wal', 'poll', 'webhook')),
    epoch  integer NOT NULL
);
COMMENT ON TABLE capture_way IS 'How each owner is captured, and in which of its histories: another way counts positions in other terms.';
INSERT INTO capture_way (system, way, epoch)
SELECT system, 'wal', coalesce(epoch, 1) FROM capture_state LEFT JOIN source_epoch USING (system);

CREATE TABLE poll_mark (
    system     text NOT NULL,
    collection text NOT NULL,
    changed_at timestamptz,
    filled_at  timestamptz,
    PRIMARY KEY (system, collection)
);
COMMENT ON TABLE poll_mark IS 'How far a collection has been read through its API: all that changed before changed_at is in the log.';
COMMENT ON COLUMN poll_mark.filled_at IS 'When it had been read once from end to end; what was met before is no event.';

CREATE TABLE sweep (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system       text NOT NULL,
    collection   text NOT NULL,
    began_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    completed_at timestamptz,
    settled_at   timestamptz,
    missing      bigint
);
CREATE INDEX sweep_of ON sweep (system, collection, began_at);
COMMENT ON TABLE sweep IS 'A reading of every key of a collection. Only a completed one says that what it did not see may be gone.';
COMMENT ON COLUMN sweep.settled_at IS 'When the log knew what was missing.';

CREATE TABLE sweep_seen (
    sweep bigint NOT NULL REFERENCES sweep ON DELETE CASCADE,
    key   text COLLATE "C" NOT NULL,
    PRIMARY KEY (sweep, key)
);
COMMENT ON TABLE sweep_seen IS 'The keys that a sweep met; forgotten when it is settled.';

CREATE TABLE webhook_seen (
    system  text NOT NULL,
    id      text COLLATE "C" NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (system, id)
);
CREATE INDEX webhook_seen_at ON webhook_seen USING brin (seen_at);
COMMENT ON TABLE webhook_seen IS 'The events that are in the log already; one that is sent again adds nothing.';
