-- Which of two keys was met first must be known of those that one transaction has met, too.

ALTER TABLE xref ALTER COLUMN first_seen SET DEFAULT clock_timestamp();
COMMENT ON COLUMN xref.first_seen IS 'When the key was first met as one of this record.';

-- Pages of a table are compared with the keys known between two others. Numbers without zeros in
-- front are found by the primary key.
CREATE INDEX xref_padded
    ON xref (system, entity, (CASE WHEN external_id ~ '^[0-9]+$' THEN external_id::numeric END))
    WHERE external_id ~ '^0[0-9]+$';

-- What is left to bill of work is what neither invoices have taken nor anybody has given up.

ALTER TABLE hub.time_price ADD COLUMN written_off_share numeric(12,10) NOT NULL DEFAULT 0;
ALTER TABLE hub.expense_price ADD COLUMN written_off_share numeric(12,10) NOT NULL DEFAULT 0;
COMMENT ON COLUMN hub.time_price.written_off_share IS 'How much of it was given up: 0 to 1; the rest of it, and of billed_share, is to be billed.';
DROP INDEX IF EXISTS projection.time_entry_board;  -- made anew, with what boards read by now

CREATE FUNCTION hub.is_all_in(allocations jsonb, currency text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT coalesce(bool_and(share ->> 'currency' = currency), true)
    FROM jsonb_array_elements(allocations) AS share);

-- What is there already is not refused, and must not keep a hold from standing on its event: only
-- who changes allocations is told of it.

CREATE FUNCTION hub.refuse_currencies() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'event % is allocated in another currency than its own, %', NEW.id, NEW.currency
        USING ERRCODE = 'check_violation', CONSTRAINT = 'allocated_in_its_currency',
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER allocated_in_its_currency BEFORE INSERT ON hub.billing_event
    FOR EACH ROW WHEN (NOT hub.is_all_in(NEW.allocations, NEW.currency))
    EXECUTE FUNCTION hub.refuse_currencies();
CREATE TRIGGER allocated_in_its_currency_again BEFORE UPDATE ON hub.billing_event
    FOR EACH ROW WHEN (
        (OLD.allocations, OLD.currency) IS DISTINCT FROM (NEW.allocations, NEW.currency)
        AND NOT hub.is_all_in(NEW.allocations, NEW.currency))
    EXECUTE FUNCTION hub.refuse_currencies();

-- A share is 0 to 1, also where events of opposite signs come to less than one of them: who has
-- taken more than there is has taken all of it, and who has given back has taken nothing.

CREATE FUNCTION hub.share(part numeric, whole numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN part <> 0 AND sign(part) <> sign(whole) THEN (part > 0)::int
    WHEN whole <> 0 THEN least(part / whole, 1) END;
COMMENT ON FUNCTION hub.share IS 'Null where there is nothing to be shared.';

-- What invoices have taken comes first: work that was billed is billed, whatever is said of it
-- afterwards. Amounts are added up within a currency; of work that events bill in several, each
-- currency's shares count by the quantity that its events bill.

DROP FUNCTION hub.billed(text, text[]);
CREATE FUNCTION hub.billed(work text, entries text[])
RETURNS TABLE (entry text, state text, billed_share numeric, written_off_share numeric)
LANGUAGE plpgsql AS $$
DECLARE
    told text := CASE work WHEN 'time_entries' THEN 'time_entry' ELSE 'expense_item' END;
BEGIN
    RETURN QUERY EXECUTE format($sql$
        WITH event AS (
            SELECT one.entry, e.currency, coalesce(e.amount, 0) AS amount, e.quantity,
                hub.allocated(e.allocations) AS taken,
                e.status = 'written_off' AS is_given_up,
                CASE e.status WHEN 'written_off' THEN 0
                    ELSE jsonb_array_length(e.allocations) END AS shares
            FROM unnest($1) AS one (entry)
            JOIN hub.billing_event e ON e.%I @> ARRAY[one.entry] AND e.status <> 'cancelled'
        ), in_currency AS (
            SELECT event.entry, bool_and(is_given_up) AS is_given_up, sum(shares) AS shares,
                sum(taken) AS taken, sum(amount) AS amount,
                coalesce(sum(amount) FILTER (WHERE is_given_up), 0) AS lost,
                sum(amount) FILTER (WHERE NOT is_given_up) AS due,
                coalesce(abs(sum(quantity)) / nullif(sum(abs(sum(quantity))) OVER one_work, 0),
                    1.0 / count(*) OVER one_work) AS weight
            FROM event GROUP BY event.entry, currency
            WINDOW one_work AS (PARTITION BY event.entry)
        ), worked AS (
            SELECT in_currency.entry, bool_and(is_given_up) AS is_given_up,
                sum(shares) AS shares, bool_or(taken <> 0) AS is_taken,
                bool_and(taken = coalesce(due, 0)) AS is_all_taken,
                sum(weight * coalesce(hub.share(taken, amount), least(shares, 1))) AS billed,
                sum(weight * coalesce(hub.share(lost, amount), is_given_up::int)) AS lost
            FROM in_currency GROUP BY in_currency.entry
        )
        SELECT one.entry, CASE
            WHEN shares > 0 AND is_all_taken THEN 'billed'
            WHEN is_taken THEN 'partly_billed'
            WHEN w.is_billable IS false THEN 'non_billable'
            WHEN is_given_up THEN 'written_off'
            WHEN shares > 0 THEN 'credited'
            ELSE 'unbilled' END,
            coalesce(round(billed, 10), 0),
            coalesce(least(round(lost, 10), 1 - round(billed, 10)), 0)
        FROM unnest($1) AS one (entry)
        LEFT JOIN worked USING (entry)
        LEFT JOIN public.xref own
            ON (own.system, own.entity, own.external_id) = ('psa', %L, one.entry)
        LEFT JOIN projection.%I w ON w.id = own.record_id
        $sql$, work, told, told) USING entries;
END $$;

-- A row is made as it is to be, and only those that were there before are looked at again: whoever
-- writes an event meanwhile waits for the rows made here, and finds these events after its wait.

CREATE OR REPLACE FUNCTION hub.derive_billed(work text, prices text, key text, entries text[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    kept text[];
    made text[];
BEGIN
    EXECUTE format('SELECT array_agg(%2$I) FROM hub.%1$I WHERE %2$I = ANY ($1)', prices, key)
        INTO kept USING entries;
    EXECUTE format($sql$
        WITH made AS (
            INSERT INTO hub.%1$I (%2$I, billing_state, billed_share, written_off_share)
            SELECT * FROM hub.billed($1, ARRAY(
                SELECT DISTINCT unnest($2) EXCEPT SELECT unnest($3) ORDER BY 1)) ORDER BY 1
            ON CONFLICT DO NOTHING RETURNING %2$I)
        SELECT array_agg(%2$I) FROM made
        $sql$, prices, key) INTO made USING work, entries, kept;
    kept := ARRAY(SELECT unnest(entries) EXCEPT SELECT unnest(made));
    EXECUTE format('SELECT FROM hub.%I WHERE %I = ANY ($1) ORDER BY %2$I FOR UPDATE', prices, key)
        USING kept;
    EXECUTE format($sql$
        UPDATE hub.%I p SET billing_state = b.state, billed_share = b.billed_share,
            written_off_share = b.written_off_share, version = p.version + 1, updated_at = now()
        FROM hub.billed($1, $2) b
        WHERE p.%I = b.entry AND (p.billing_state, p.billed_share, p.written_off_share)
            <> (b.state, b.billed_share, b.written_off_share)
        $sql$, prices, key) USING work, kept;
END $$;

DO $$
BEGIN
    IF to_regclass('projection.time_entry') IS NOT NULL THEN
        PERFORM hub.derive_billed('time_entries', 'time_price', 'time_entry', ARRAY(
            SELECT unnest(time_entries) FROM hub.billing_event WHERE status = 'written_off'
            UNION SELECT time_entry FROM hub.time_price WHERE billed_share NOT BETWEEN 0 AND 1));
        PERFORM hub.derive_billed('expenses', 'expense_price', 'expense', ARRAY(
            SELECT unnest(expenses) FROM hub.billing_event WHERE status = 'written_off'
            UNION SELECT expense FROM hub.expense_price WHERE billed_share NOT BETWEEN 0 AND 1));
    END IF;
END $$;

-- What the reconciliation has to look at.

ALTER TABLE replica_state ADD COLUMN edited_at timestamptz, ADD COLUMN enforced_at timestamptz;
COMMENT ON COLUMN replica_state.edited_at IS 'When a row was captured that held other copies than were known; null once they were compared.';
COMMENT ON COLUMN replica_state.enforced_at IS 'When a difference was last owed to the system again.';
CREATE INDEX replica_state_edited ON replica_state (system, entity, record_id)
    WHERE edited_at IS NOT NULL;

-- A list of references is a set in the order of ids. In a projection made before this, one that was
-- filled in late stands last.

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'projection' AND data_type = 'ARRAY' AND column_name LIKE '%\_ids'
    LOOP
        EXECUTE format($sql$
            UPDATE projection.%1$I t
            SET %2$I = ARRAY(SELECT DISTINCT unnest(t.%2$I) COLLATE "C" ORDER BY 1)
            WHERE cardinality(t.%2$I) > 1
              AND t.%2$I <> ARRAY(SELECT DISTINCT unnest(t.%2$I) COLLATE "C" ORDER BY 1)
            $sql$, one.table_name, one.column_name);
    END LOOP;
END $$;
