-- What owners have and no binding reads is kept in the projection (<system>_extra); here are the names.

CREATE TABLE extra_column (
    system         text NOT NULL,
    captured_table text NOT NULL,
    name           text NOT NULL,
    is_kept        boolean NOT NULL,
    seen_since     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (system, captured_table, name)
);
COMMENT ON TABLE extra_column IS 'Columns of captured tables that no binding read when they were seen.';
COMMENT ON COLUMN extra_column.is_kept IS 'Whether the cells are kept, or the name alone.';

CREATE TABLE torn_transaction (
    system  text NOT NULL,
    why     text NOT NULL,
    times   bigint NOT NULL DEFAULT 1,
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (system, why)
);
COMMENT ON TABLE torn_transaction IS 'How often transactions that should be seen as wholes were applied in pieces.';

ALTER TABLE delivery
    DROP CONSTRAINT delivery_state_check,
    ADD CONSTRAINT delivery_state_check
        CHECK (state IN ('pending', 'sending', 'delivered', 'dead', 'discarded')),
    ADD COLUMN handled_at timestamptz,
    ADD COLUMN handled_by text,
    ADD COLUMN handled_why text;
COMMENT ON COLUMN delivery.handled_by IS 'Who sent a dead delivery again, or gave it up.';
CREATE INDEX delivery_dead ON delivery (id) WHERE state = 'dead';
