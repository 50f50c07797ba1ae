-- The ledgers: what Concord must remember beside the projection. The projection's own tables are
-- derived from the canon (sync/store/projection_tables.py).

CREATE TABLE xref (
    system      text NOT NULL,
    entity      text NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    record_id   text COLLATE "C" NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (system, entity, external_id)
);
COMMENT ON TABLE xref IS 'Which canonical record a system means by one of its own ids.';
CREATE INDEX xref_record ON xref (entity, record_id, system);

CREATE TABLE pending_reference (
    entity      text NOT NULL,
    record_id   text COLLATE "C" NOT NULL,
    field       text NOT NULL,
    system      text NOT NULL,
    ref_entity  text NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    is_read     boolean NOT NULL,
    PRIMARY KEY (entity, record_id, field, external_id)
);
COMMENT ON TABLE pending_reference IS 'References whose target has not been captured yet; filled when it is.';
CREATE INDEX pending_reference_target ON pending_reference (system, ref_entity, external_id);

CREATE TABLE consumer_offset (
    consumer    text NOT NULL,
    topic       text NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint NOT NULL,
    moved_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, partition)
);
COMMENT ON TABLE consumer_offset IS 'The next offset to apply, moved by compare-and-set in the transaction that applies.';

CREATE TABLE source_epoch (
    system text PRIMARY KEY,
    epoch  integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE source_epoch IS 'Raised by an operator when a source starts a new history (failover, restore, new slot).';

CREATE TABLE reject (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text NOT NULL,
    partition integer NOT NULL,
    "offset"  bigint NOT NULL,
    key       bytea,
    value     bytea,
    headers   jsonb NOT NULL DEFAULT '{}',
    reason    text NOT NULL,
    detail    text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (topic, partition, "offset")
);
COMMENT ON TABLE reject IS 'Envelopes nobody could decode, with their bytes, position and reason.';

CREATE TABLE replica_state (
    system    text NOT NULL,
    entity    text NOT NULL,
    record_id text COLLATE "C" NOT NULL,
    key       text COLLATE "C" NOT NULL,
    copies    jsonb NOT NULL,
    version   bigint,
    as_of     timestamptz,
    PRIMARY KEY (system, entity, record_id)
);
COMMENT ON TABLE replica_state IS 'What a system holds of fields it does not own, as last captured or written.';

CREATE TABLE delivery (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target     text NOT NULL,
    entity     text NOT NULL,
    record_id  text COLLATE "C" NOT NULL,
    fields     text[] NOT NULL,
    state      text NOT NULL DEFAULT 'pending'
               CHECK (state IN ('pending', 'sending', 'delivered', 'dead')),
    cause      text NOT NULL,
    caused_at  timestamptz NOT NULL,
    attempts   integer NOT NULL DEFAULT 0,
    due_at     timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    settled_at timestamptz
);
COMMENT ON TABLE delivery IS 'Outbox: one changed record x one target. Unsent changes of a record coalesce into one row.';
CREATE UNIQUE INDEX delivery_unsent ON delivery (target, entity, record_id) WHERE state = 'pending';
CREATE INDEX delivery_due ON delivery (target, due_at) WHERE state = 'pending';
CREATE INDEX delivery_in_flight ON delivery (target, entity, record_id) WHERE state = 'sending';

CREATE TABLE write_ledger (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    target    text NOT NULL,
    entity    text NOT NULL,
    record_id text COLLATE "C" NOT NULL,
    key       text NOT NULL,
    version   bigint,
    copies    jsonb NOT NULL,
    sent_at   timestamptz NOT NULL DEFAULT now(),
    echoed_at timestamptz
);
COMMENT ON TABLE write_ledger IS 'What Concord wrote to a replica; the captured echo of it closes the row and goes no further.';
CREATE INDEX write_ledger_open ON write_ledger (target, entity, record_id) WHERE echoed_at IS NULL;

CREATE TABLE idempotency (
    scope       text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    state       text NOT NULL CHECK (state IN ('started', 'done')),
    answer      jsonb,
    started_at  timestamptz NOT NULL DEFAULT now(),
    done_at     timestamptz,
    PRIMARY KEY (scope, key)
);
COMMENT ON TABLE idempotency IS 'One effect per key: the first answer is kept and given again.';

CREATE TABLE feed_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    next_id  bigint NOT NULL DEFAULT 1
);
INSERT INTO feed_head DEFAULT VALUES;
COMMENT ON TABLE feed_head IS 'Locked while events are appended, so that event order is commit order.';

CREATE TABLE feed_event (
    id        bigint PRIMARY KEY,
    entity    text NOT NULL,
    record_id text COLLATE "C" NOT NULL,
    before    text,
    after     text,
    subject   jsonb NOT NULL,
    at        timestamptz NOT NULL
);
COMMENT ON TABLE feed_event IS 'Status transitions for subscribers, in commit order; id is the resume cursor.';
CREATE INDEX feed_event_at ON feed_event (at);
