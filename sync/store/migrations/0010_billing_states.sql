-- Every billing state follows from rows: NON_BILLABLE from what the PSA says of the work, WRITTEN_OFF
-- from events that were given up. Nobody sets a state, so nobody can forget to.

ALTER TABLE hub.billing_event
    ADD COLUMN written_off_by text,
    ADD COLUMN written_off_at timestamptz,
    ADD COLUMN write_off_reason text,
    DROP CONSTRAINT known_status,
    ADD CONSTRAINT known_status CHECK (status IN ('pending', 'priced', 'ready', 'held', 'allocated',
        'invoiced', 'settled', 'written_off', 'cancelled')),
    ADD CONSTRAINT written_off_untaken CHECK (
        status <> 'written_off' OR hub.allocated(allocations) = 0),
    ADD CONSTRAINT written_off_for_a_reason CHECK (
        (status = 'written_off') = (coalesce(write_off_reason, '') <> ''));

CREATE OR REPLACE FUNCTION hub.settle_event() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.invoices := ARRAY(SELECT DISTINCT share ->> 'invoice'
        FROM jsonb_array_elements(NEW.allocations) AS share ORDER BY 1);
    IF NEW.status IN ('invoiced', 'settled', 'written_off', 'cancelled') THEN
        NEW.holds := '{}';
    ELSE
        NEW.holds := hub.holds_on(NEW);
    END IF;
    IF NEW.status IN ('ready', 'held') THEN
        NEW.status := CASE WHEN NEW.holds = '{}' THEN 'ready' ELSE 'held' END;
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION hub.settle_events_under() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE hub.billing_event e SET version = e.version + 1, updated_at = now()
    WHERE e.status NOT IN ('invoiced', 'settled', 'written_off', 'cancelled')
      AND (e.holds @> ARRAY[NEW.id]) <> (NEW.status <> 'released')
      AND (e.holds @> ARRAY[NEW.id] OR e.id = NEW.billing_event
          OR e.invoices @> ARRAY[NEW.invoice]
          OR e.project_no IN (SELECT hub.projects_under(NEW)));
    RETURN NULL;
END $$;

-- What invoices have taken comes first: work that was billed is billed, whatever is said of it
-- afterwards. `due` is what is still to be billed or was; events that were given up are not in it.

CREATE OR REPLACE FUNCTION hub.billed(work text, entries text[])
RETURNS TABLE (entry text, state text, share numeric)
LANGUAGE plpgsql AS $$
DECLARE
    told text := CASE work WHEN 'time_entries' THEN 'time_entry' ELSE 'expense_item' END;
BEGIN
    RETURN QUERY EXECUTE format($sql$
        SELECT entry, CASE
            WHEN shares > 0 AND taken = due THEN 'billed'
            WHEN taken <> 0 THEN 'partly_billed'
            WHEN NOT is_billable THEN 'non_billable'
            WHEN is_given_up THEN 'written_off'
            WHEN shares > 0 THEN 'credited'
            ELSE 'unbilled' END,
            coalesce(round(taken / nullif(amount, 0), 10), least(shares, 1))
        FROM (
            SELECT one.entry, coalesce(bool_and(w.is_billable), true) AS is_billable,
                coalesce(bool_and(e.status = 'written_off'), false) AS is_given_up,
                coalesce(sum(jsonb_array_length(e.allocations))
                    FILTER (WHERE e.status <> 'written_off'), 0) AS shares,
                coalesce(sum(hub.allocated(e.allocations)), 0) AS taken,
                coalesce(sum(e.amount) FILTER (WHERE e.status <> 'written_off'), 0) AS due,
                coalesce(sum(e.amount), 0) AS amount
            FROM unnest($1) AS one (entry)
            LEFT JOIN hub.billing_event e ON e.%I @> ARRAY[one.entry] AND e.status <> 'cancelled'
            LEFT JOIN public.xref own
                ON (own.system, own.entity, own.external_id) = ('psa', %L, one.entry)
            LEFT JOIN projection.%I w ON w.id = own.record_id
            GROUP BY one.entry
        ) told $sql$, work, told, told) USING entries;
END $$;

CREATE OR REPLACE FUNCTION hub.derive_billed(work text, prices text, key text, entries text[])
RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO hub.%I (%I) SELECT unnest($1) ORDER BY 1 ON CONFLICT DO NOTHING',
        prices, key) USING entries;
    EXECUTE format('SELECT FROM hub.%I WHERE %I = ANY ($1) ORDER BY %2$I FOR UPDATE', prices, key)
        USING entries;
    EXECUTE format($sql$
        UPDATE hub.%I p SET billing_state = b.state, billed_share = b.share,
            version = p.version + 1, updated_at = now()
        FROM hub.billed($1, $2) b
        WHERE p.%I = b.entry AND (p.billing_state, p.billed_share) <> (b.state, b.share)
        $sql$, prices, key) USING work, entries;
END $$;

-- Whether work is billable is the PSA's word. The projection hears it, and in the same transaction
-- the state follows; a projection that is being rebuilt beside the live one tells nothing new.
-- Inserts come in thousands and are looked at together; that the word changes is rare.

CREATE FUNCTION hub.hear_of_billable() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    entries text[];
BEGIN
    IF TG_TABLE_SCHEMA <> 'projection' THEN
        RETURN NULL;
    ELSIF TG_LEVEL = 'ROW' THEN
        entries := ARRAY[NEW.psa_key];
    ELSE
        entries := ARRAY(SELECT psa_key FROM told
            WHERE psa_key IS NOT NULL AND is_billable IS false);
    END IF;
    IF entries <> '{}' THEN
        PERFORM hub.derive_billed(TG_ARGV[0], TG_ARGV[1], TG_ARGV[2], entries);
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hub.hear_of_billable IS 'After what the PSA says of work was applied to the projection.';

DO $$
BEGIN
    IF to_regclass('projection.time_entry') IS NOT NULL THEN
        PERFORM hub.derive_billed('time_entries', 'time_price', 'time_entry', ARRAY(
            SELECT psa_key FROM projection.time_entry
            WHERE psa_key IS NOT NULL AND is_billable IS false
            UNION SELECT time_entry FROM hub.time_price
            WHERE billing_state IN ('non_billable', 'written_off')));
        PERFORM hub.derive_billed('expenses', 'expense_price', 'expense', ARRAY(
            SELECT psa_key FROM projection.expense_item
            WHERE psa_key IS NOT NULL AND is_billable IS false
            UNION SELECT expense FROM hub.expense_price
            WHERE billing_state IN ('non_billable', 'written_off')));
    END IF;
END $$;
