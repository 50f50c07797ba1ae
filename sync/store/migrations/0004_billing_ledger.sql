-- The billing ledger keeps itself true: which holds stand on an event, what its allocations add up
-- to, and how far the work behind it is billed follow from the rows alone, whoever writes them.

ALTER TABLE hub.billing_hold
    ADD COLUMN billing_event text,
    DROP CONSTRAINT one_scope,
    ADD CONSTRAINT one_scope CHECK (
        num_nonnulls(crm_account, crm_engagement, project_no, invoice, billing_event) = 1);
CREATE INDEX billing_hold_event ON hub.billing_hold (billing_event);

CREATE FUNCTION hub.allocated(allocations jsonb) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT coalesce(sum((share ->> 'amount')::numeric), 0)
    FROM jsonb_array_elements(allocations) AS share);

ALTER TABLE hub.billing_event
    ADD COLUMN invoices text[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT known_kind CHECK (
        kind IN ('time', 'expense', 'milestone', 'retainer', 'adjustment')),
    ADD CONSTRAINT known_status CHECK (status IN ('pending', 'priced', 'ready', 'held', 'allocated',
        'invoiced', 'settled', 'cancelled')),
    ADD CONSTRAINT allocated_within_amount CHECK (hub.allocated(allocations)
        BETWEEN least(coalesce(amount, 0), 0) AND greatest(coalesce(amount, 0), 0));
COMMENT ON COLUMN hub.billing_event.invoices IS 'The invoices of its allocations, each once.';
CREATE INDEX billing_event_time_entries ON hub.billing_event USING gin (time_entries);
CREATE INDEX billing_event_expenses ON hub.billing_event USING gin (expenses);
CREATE INDEX billing_event_invoices ON hub.billing_event USING gin (invoices);
CREATE INDEX billing_event_holds ON hub.billing_event USING gin (holds);
CREATE INDEX billing_event_milestone ON hub.billing_event (milestone);
CREATE INDEX billing_event_retainer ON hub.billing_event (retainer);

ALTER TABLE hub.time_price
    ADD COLUMN rate_version integer NOT NULL DEFAULT 1,
    ADD COLUMN cost numeric(20,6),
    ADD COLUMN cost_currency text,
    ADD COLUMN cost_unit text,
    ADD COLUMN billed_share numeric(12,10) NOT NULL DEFAULT 0,
    ADD CONSTRAINT known_source CHECK (
        rate_source IN ('person', 'assignment', 'role_grade_region', 'role', 'default')),
    ADD CONSTRAINT known_state CHECK (billing_state IN (
        'unbilled', 'partly_billed', 'billed', 'credited', 'written_off', 'non_billable'));
ALTER TABLE hub.expense_price
    ADD COLUMN billed_share numeric(12,10) NOT NULL DEFAULT 0,
    ADD CONSTRAINT known_state CHECK (billing_state IN (
        'unbilled', 'partly_billed', 'billed', 'credited', 'written_off', 'non_billable'));
COMMENT ON COLUMN hub.time_price.billed_share IS 'How much of it invoices have taken: 0 to 1.';

-- A share of work done is a fraction, like every other share; the projection is made after this.
ALTER TABLE IF EXISTS projection.project
    ALTER COLUMN percent_complete TYPE numeric(24,10) USING percent_complete / 100.0;

-- Scopes. A hold names a client or an engagement by the CRM's key; which projects are theirs is
-- known from the projection, whose tables come after this migration: hence PL/pgSQL, bound late.

CREATE FUNCTION hub.projects_under(hold hub.billing_hold) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
    IF hold.project_no IS NOT NULL THEN
        RETURN NEXT hold.project_no;
    ELSIF hold.crm_account IS NOT NULL OR hold.crm_engagement IS NOT NULL THEN
        RETURN QUERY
        SELECT own.external_id
        FROM public.xref scope
        JOIN projection.project p ON scope.record_id = CASE scope.entity
            WHEN 'client' THEN p.client_id ELSE p.engagement_id END
        JOIN public.xref own ON (own.system, own.entity, own.record_id) = ('erp', 'project', p.id)
        WHERE (scope.system, scope.entity, scope.external_id) IN (
            ('crm', 'client', hold.crm_account), ('crm', 'engagement', hold.crm_engagement));
    END IF;
END $$;

CREATE FUNCTION hub.accounts_of(project text, OUT account text, OUT engagement text)
LANGUAGE plpgsql AS $$
BEGIN
    SELECT client.external_id, sold.external_id INTO account, engagement
    FROM public.xref own
    JOIN projection.project p ON p.id = own.record_id
    LEFT JOIN public.xref client
        ON (client.system, client.entity, client.record_id) = ('crm', 'client', p.client_id)
    LEFT JOIN public.xref sold
        ON (sold.system, sold.entity, sold.record_id) = ('crm', 'engagement', p.engagement_id)
    WHERE (own.system, own.entity, own.external_id) = ('erp', 'project', project);
END $$;

-- Holds nest: an event is free only when the set of its holds is empty. The functions that read
-- holds are volatile, so that after the wait for the lock they see what was committed meanwhile.

CREATE FUNCTION hub.holds_on(event hub.billing_event) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    place record;
BEGIN
    place := hub.accounts_of(event.project_no);
    RETURN coalesce((
        SELECT array_agg(h.id ORDER BY h.id) FROM hub.billing_hold h
        WHERE h.status <> 'released' AND h.effect = 'block_event' AND (
            h.billing_event = event.id OR h.project_no = event.project_no
            OR h.invoice = ANY (event.invoices) OR h.crm_account = place.account
            OR h.crm_engagement = place.engagement)), '{}');
END $$;

CREATE FUNCTION hub.take_turn() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'billing_hold' THEN
        PERFORM pg_advisory_xact_lock(hashtext('hub.billing_hold'));
    ELSE
        PERFORM pg_advisory_xact_lock_shared(hashtext('hub.billing_hold'));
    END IF;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION hub.take_turn IS 'Whoever changes a hold waits for the writers of events, and they for it.';
CREATE TRIGGER take_turn BEFORE INSERT OR UPDATE ON hub.billing_hold
    FOR EACH STATEMENT EXECUTE FUNCTION hub.take_turn();
CREATE TRIGGER take_turn BEFORE INSERT OR UPDATE ON hub.billing_event
    FOR EACH STATEMENT EXECUTE FUNCTION hub.take_turn();

CREATE FUNCTION hub.settle_event() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    NEW.invoices := ARRAY(SELECT DISTINCT share ->> 'invoice'
        FROM jsonb_array_elements(NEW.allocations) AS share ORDER BY 1);
    IF NEW.status IN ('invoiced', 'settled', 'cancelled') THEN
        NEW.holds := '{}';
    ELSE
        NEW.holds := hub.holds_on(NEW);
    END IF;
    IF NEW.status IN ('ready', 'held') THEN
        NEW.status := CASE WHEN NEW.holds = '{}' THEN 'ready' ELSE 'held' END;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER settle_event BEFORE INSERT OR UPDATE ON hub.billing_event
    FOR EACH ROW EXECUTE FUNCTION hub.settle_event();

CREATE FUNCTION hub.settle_events_under() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE hub.billing_event e SET version = e.version + 1, updated_at = now()
    WHERE e.status NOT IN ('invoiced', 'settled', 'cancelled')
      AND (e.holds @> ARRAY[NEW.id]) <> (NEW.status <> 'released')
      AND (e.holds @> ARRAY[NEW.id] OR e.id = NEW.billing_event
          OR e.invoices @> ARRAY[NEW.invoice]
          OR e.project_no IN (SELECT hub.projects_under(NEW)));
    RETURN NULL;
END $$;
CREATE TRIGGER settle_events_under AFTER INSERT OR UPDATE ON hub.billing_hold
    FOR EACH ROW WHEN (NEW.effect = 'block_event')
    EXECUTE FUNCTION hub.settle_events_under();

CREATE FUNCTION hub.standing_holds(asked text[])
RETURNS TABLE (invoice text, standing jsonb, version integer, updated_at timestamptz)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    SELECT one.key, coalesce(held.standing, '[]'), coalesce(held.version, 0), held.updated_at
    FROM unnest(asked) AS one (key)
    LEFT JOIN public.xref own
        ON (own.system, own.entity, own.external_id) = ('billing', 'invoice', one.key)
    LEFT JOIN projection.invoice i ON i.id = own.record_id
    LEFT JOIN projection.project p ON p.id = i.project_id
    LEFT JOIN public.xref project
        ON (project.system, project.entity, project.record_id) = ('erp', 'project', p.id)
    LEFT JOIN public.xref client ON (client.system, client.entity, client.record_id)
        = ('crm', 'client', i.client_id)
    LEFT JOIN public.xref sold ON (sold.system, sold.entity, sold.record_id)
        = ('crm', 'engagement', p.engagement_id)
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('hold', h.id, 'effect', h.effect, 'reason', h.reason)
                ORDER BY h.id) AS standing,
            sum(h.version)::integer AS version, max(h.updated_at) AS updated_at
        FROM hub.billing_hold h
        WHERE h.status <> 'released' AND h.effect <> 'block_event' AND (
            h.invoice = one.key OR h.project_no = project.external_id
            OR h.crm_account = client.external_id OR h.crm_engagement = sold.external_id
            OR h.billing_event IN (
                SELECT e.id FROM hub.billing_event e WHERE e.invoices @> ARRAY[one.key]))
    ) held;
END $$;
COMMENT ON FUNCTION hub.standing_holds IS 'Of each invoice, the holds that keep it from being approved, posted or sent.';

-- How far work is billed follows from the allocations of the events that bill it. Written off and
-- not billable are decisions: they stay until an allocation says otherwise.

CREATE FUNCTION hub.billed(work text, entries text[])
RETURNS TABLE (entry text, state text, share numeric)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format($sql$
        SELECT entry, CASE
            WHEN shares = 0 THEN 'unbilled'
            WHEN taken = amount THEN 'billed'
            WHEN taken = 0 THEN 'credited'
            ELSE 'partly_billed' END,
            coalesce(round(taken / nullif(amount, 0), 10), least(shares, 1))
        FROM (
            SELECT one.entry, coalesce(sum(jsonb_array_length(e.allocations)), 0) AS shares,
                coalesce(sum(hub.allocated(e.allocations)), 0) AS taken,
                coalesce(sum(e.amount), 0) AS amount
            FROM unnest($1) AS one (entry)
            LEFT JOIN hub.billing_event e ON e.%I @> ARRAY[one.entry] AND e.status <> 'cancelled'
            GROUP BY one.entry
        ) told $sql$, work) USING entries;
END $$;

CREATE FUNCTION hub.derive_billed(work text, prices text, key text, entries text[]) RETURNS void
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
          AND NOT (b.state = 'unbilled' AND p.billing_state IN ('written_off', 'non_billable'))
        $sql$, prices, key) USING work, entries;
END $$;

CREATE FUNCTION hub.derive_billed_of_event() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    was hub.billing_event := CASE TG_OP WHEN 'UPDATE' THEN OLD END;
    worked text[] := ARRAY(SELECT DISTINCT unnest(was.time_entries || NEW.time_entries));
    spent text[] := ARRAY(SELECT DISTINCT unnest(was.expenses || NEW.expenses));
BEGIN
    IF worked <> '{}' THEN
        PERFORM hub.derive_billed('time_entries', 'time_price', 'time_entry', worked);
    END IF;
    IF spent <> '{}' THEN
        PERFORM hub.derive_billed('expenses', 'expense_price', 'expense', spent);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER derive_billed AFTER INSERT ON hub.billing_event
    FOR EACH ROW EXECUTE FUNCTION hub.derive_billed_of_event();
CREATE TRIGGER derive_billed_again AFTER UPDATE ON hub.billing_event
    FOR EACH ROW WHEN (
        (OLD.allocations, OLD.amount, OLD.status, OLD.time_entries, OLD.expenses)
        IS DISTINCT FROM (NEW.allocations, NEW.amount, NEW.status, NEW.time_entries, NEW.expenses))
    EXECUTE FUNCTION hub.derive_billed_of_event();
