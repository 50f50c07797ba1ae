-- What the hub itself owns: records like those of any other owner, with keys and versions of their
-- own. They are read, written and captured through `sync.connectors.hub`. References are the
-- anchors' own keys, as in every other system.

CREATE SCHEMA hub;

CREATE SEQUENCE hub.billing_hold_serial;
CREATE TABLE hub.billing_hold (
    id             text COLLATE "C" PRIMARY KEY
                   DEFAULT 'H' || lpad(nextval('hub.billing_hold_serial')::text, 7, '0'),
    hub_reference  text UNIQUE,
    crm_account    text,
    crm_engagement text,
    project_no     text,
    invoice        text,
    effect         text NOT NULL CHECK (effect IN ('block_event', 'block_invoice', 'block_send')),
    status         text NOT NULL DEFAULT 'placed'
                   CHECK (status IN ('placed', 'extended', 'released', 'expired_to_review')),
    reason         text NOT NULL CHECK (reason <> ''),
    placed_by      text,
    placed_at      timestamptz NOT NULL DEFAULT now(),
    review_by      date NOT NULL,
    released_by    text,
    released_at    timestamptz,
    version        integer NOT NULL DEFAULT 1,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT one_scope CHECK (num_nonnulls(crm_account, crm_engagement, project_no, invoice) = 1)
);
COMMENT ON TABLE hub.billing_hold IS 'Reasons not to bill something yet.';
CREATE INDEX billing_hold_account ON hub.billing_hold (crm_account);
CREATE INDEX billing_hold_engagement ON hub.billing_hold (crm_engagement);
CREATE INDEX billing_hold_project ON hub.billing_hold (project_no);
CREATE INDEX billing_hold_invoice ON hub.billing_hold (invoice);

CREATE SEQUENCE hub.billing_event_serial;
CREATE TABLE hub.billing_event (
    id            text COLLATE "C" PRIMARY KEY
                  DEFAULT 'B' || lpad(nextval('hub.billing_event_serial')::text, 10, '0'),
    hub_reference text UNIQUE,
    project_no    text NOT NULL,
    kind          text NOT NULL,
    status        text NOT NULL DEFAULT 'pending',
    time_entries  text[],
    expenses      text[],
    milestone     text,
    retainer      text,
    service_from  date NOT NULL,
    service_to    date NOT NULL,
    quantity      numeric(20,6) NOT NULL,
    rate          numeric(20,6),
    rate_unit     text,
    amount        numeric(20,6),
    currency      text NOT NULL,
    tax_code      text,
    holds         text[] NOT NULL DEFAULT '{}',
    allocations   jsonb NOT NULL DEFAULT '[]',
    version       integer NOT NULL DEFAULT 1,
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT days_in_order CHECK (service_from <= service_to)
);
COMMENT ON TABLE hub.billing_event IS 'Amounts that may be invoiced, and which invoice lines took them.';
CREATE INDEX billing_event_project ON hub.billing_event (project_no);

CREATE TABLE hub.time_price (
    time_entry    text COLLATE "C" PRIMARY KEY,
    rate          numeric(20,6),
    currency      text,
    rate_unit     text,
    rate_line     text,
    rate_source   text,
    billing_state text NOT NULL DEFAULT 'unbilled',
    version       integer NOT NULL DEFAULT 1,
    updated_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hub.time_price IS 'The price of a time entry, frozen when it was approved.';

CREATE TABLE hub.expense_price (
    expense       text COLLATE "C" PRIMARY KEY,
    billing_state text NOT NULL DEFAULT 'unbilled',
    version       integer NOT NULL DEFAULT 1,
    updated_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE hub.expense_price IS 'How far an expense has been billed.';
