-- What could not be applied is a dead letter until somebody settles it; what comes after it for the
-- same key waits for it.

ALTER TABLE reject RENAME TO dead_letter;
ALTER TABLE dead_letter
    ADD COLUMN class text NOT NULL DEFAULT 'poison'
        CHECK (class IN ('poison', 'business', 'contract_break')),
    ADD COLUMN state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'waiting', 'applied', 'superseded', 'discarded')),
    ADD COLUMN epoch integer NOT NULL DEFAULT 1,
    ADD COLUMN edited bytea,
    ADD COLUMN attempts integer NOT NULL DEFAULT 0,
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN settled_by text,
    ADD COLUMN settled_why text;
COMMENT ON TABLE dead_letter IS 'Records of the log that could not be applied, with bytes, position, class and reason.';
COMMENT ON COLUMN dead_letter.state IS 'open: needs somebody; waiting: behind an open one of its key; the others are settled.';
COMMENT ON COLUMN dead_letter.epoch IS 'The history of the source that it is of, for the fence.';
COMMENT ON COLUMN dead_letter.edited IS 'The value that is applied instead of the original, which stays as it came.';
COMMENT ON COLUMN dead_letter.headers IS 'name to base64 of the value';
CREATE INDEX dead_letter_unsettled ON dead_letter (topic, partition, "offset")
    WHERE state IN ('open', 'waiting');

CREATE TABLE parked_topic (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       text NOT NULL,
    partition   integer NOT NULL,
    "offset"    bigint NOT NULL,
    reason      text NOT NULL,
    parked_at   timestamptz NOT NULL DEFAULT now(),
    resumed_at  timestamptz,
    resumed_by  text,
    resumed_why text
);
COMMENT ON TABLE parked_topic IS 'Topics whose rows broke the contract of their binding: nothing of them is read until somebody resumes.';
CREATE UNIQUE INDEX parked_topic_now ON parked_topic (topic) WHERE resumed_at IS NULL;

ALTER TABLE source_epoch
    ADD COLUMN bumped_at timestamptz,
    ADD COLUMN bumped_by text,
    ADD COLUMN bumped_why text;

ALTER TABLE consumer_offset
    ADD COLUMN committed_at timestamptz,
    ADD COLUMN appended_at timestamptz;
COMMENT ON COLUMN consumer_offset.committed_at IS 'When the last applied record was committed at its owner, by the owner''s clock.';
COMMENT ON COLUMN consumer_offset.appended_at IS 'When that record reached the log.';

CREATE TABLE capture_state (
    system       text PRIMARY KEY,
    caught_up_at timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL,
    held_bytes   bigint
);
COMMENT ON TABLE capture_state IS 'How far each capture is: when it last had all its owner had committed, and what WAL it holds back.';
