CREATE SCHEMA IF NOT EXISTS projection;

CREATE TABLE projection.client (
	id TEXT COLLATE "C" NOT NULL,
	name TEXT,
	segment TEXT,
	account_manager TEXT,
	trading_name TEXT,
	language TEXT,
	parent_id TEXT COLLATE "C",
	bill_to TEXT,
	tax_id TEXT,
	addresses JSONB,
	tax_ids JSONB,
	default_currency TEXT,
	payment_terms_days BIGINT,
	credit_status TEXT,
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	crm_extra JSONB,
	erp_key TEXT COLLATE "C",
	erp_version BIGINT,
	erp_as_of TIMESTAMP WITH TIME ZONE,
	erp_partition INTEGER,
	erp_offset BIGINT,
	erp_epoch INTEGER,
	erp_lsn BIGINT,
	erp_deleted_at TIMESTAMP WITH TIME ZONE,
	erp_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.client SET (fillfactor = 50);

CREATE INDEX client_crm_key_order ON projection.client ((CASE WHEN (crm_key ~ '^[0-9]+$') THEN length(crm_key) ELSE 0 END), crm_key);

CREATE INDEX client_name_search ON projection.client (lower(name) text_pattern_ops);

CREATE INDEX client_parent_id ON projection.client (parent_id);

CREATE INDEX client_trading_name_search ON projection.client (lower(trading_name) text_pattern_ops);

CREATE TABLE projection.legal_entity (
	id TEXT COLLATE "C" NOT NULL,
	code TEXT,
	name TEXT,
	country TEXT,
	functional_currency TEXT,
	time_zone TEXT,
	tax_registrations JSONB,
	rounding JSONB,
	fiscal_year_start_month BIGINT,
	invoice_series TEXT,
	periods JSONB,
	erp_key TEXT COLLATE "C",
	erp_version BIGINT,
	erp_as_of TIMESTAMP WITH TIME ZONE,
	erp_partition INTEGER,
	erp_offset BIGINT,
	erp_epoch INTEGER,
	erp_lsn BIGINT,
	erp_deleted_at TIMESTAMP WITH TIME ZONE,
	erp_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.legal_entity SET (fillfactor = 50);

CREATE INDEX legal_entity_code_search ON projection.legal_entity (lower(code) text_pattern_ops);

CREATE INDEX legal_entity_erp_key_order ON projection.legal_entity ((CASE WHEN (erp_key ~ '^[0-9]+$') THEN length(erp_key) ELSE 0 END), erp_key);

CREATE INDEX legal_entity_name_search ON projection.legal_entity (lower(name) text_pattern_ops);

CREATE TABLE projection.engagement (
	id TEXT COLLATE "C" NOT NULL,
	client_id TEXT COLLATE "C",
	name TEXT,
	stage TEXT,
	expected_value_amount NUMERIC(20, 6),
	expected_value_currency TEXT,
	probability NUMERIC(24, 10),
	starts_on DATE,
	ends_on DATE,
	account_manager TEXT,
	legal_entity_id TEXT COLLATE "C",
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	crm_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.engagement SET (fillfactor = 50);

CREATE INDEX engagement_client_id ON projection.engagement (client_id);

CREATE INDEX engagement_crm_key_order ON projection.engagement ((CASE WHEN (crm_key ~ '^[0-9]+$') THEN length(crm_key) ELSE 0 END), crm_key);

CREATE INDEX engagement_legal_entity_id_list ON projection.engagement (legal_entity_id, id);

CREATE INDEX engagement_name_search ON projection.engagement (lower(name) text_pattern_ops);

CREATE TABLE projection.sow (
	id TEXT COLLATE "C" NOT NULL,
	engagement_id TEXT COLLATE "C",
	number TEXT,
	version BIGINT,
	title TEXT,
	method TEXT,
	status TEXT,
	cap_amount NUMERIC(20, 6),
	cap_currency TEXT,
	currency TEXT,
	starts_on DATE,
	ends_on DATE,
	rate_card_version_id TEXT COLLATE "C",
	payment_terms_days BIGINT,
	po_number TEXT,
	approved_at TIMESTAMP WITH TIME ZONE,
	approved_by TEXT,
	decided_by TEXT,
	decision_reason TEXT,
	document_hash TEXT,
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	crm_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.sow SET (fillfactor = 50);

CREATE INDEX sow_crm_key_order ON projection.sow ((CASE WHEN (crm_key ~ '^[0-9]+$') THEN length(crm_key) ELSE 0 END), crm_key);

CREATE INDEX sow_engagement_id ON projection.sow (engagement_id);

CREATE INDEX sow_number_search ON projection.sow (lower(number) text_pattern_ops);

CREATE INDEX sow_title_search ON projection.sow (lower(title) text_pattern_ops);

CREATE TABLE projection.amendment (
	id TEXT COLLATE "C" NOT NULL,
	sow_id TEXT COLLATE "C",
	sequence BIGINT,
	kind TEXT,
	status TEXT,
	effective_from DATE,
	signed_at TIMESTAMP WITH TIME ZONE,
	approved_by TEXT,
	voided_by TEXT,
	void_reason TEXT,
	changes JSONB,
	reason TEXT,
	supersedes_id TEXT COLLATE "C",
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	crm_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.amendment SET (fillfactor = 50);

CREATE INDEX amendment_crm_key_order ON projection.amendment ((CASE WHEN (crm_key ~ '^[0-9]+$') THEN length(crm_key) ELSE 0 END), crm_key);

CREATE INDEX amendment_sow_id ON projection.amendment (sow_id);

CREATE TABLE projection.rate_card (
	id TEXT COLLATE "C" NOT NULL,
	name TEXT,
	currency TEXT,
	client_id TEXT COLLATE "C",
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	crm_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.rate_card SET (fillfactor = 50);

CREATE INDEX rate_card_client_id ON projection.rate_card (client_id);

CREATE INDEX rate_card_crm_key_order ON projection.rate_card ((CASE WHEN (crm_key ~ '^[0-9]+$') THEN length(crm_key) ELSE 0 END), crm_key);

CREATE INDEX rate_card_name_search ON projection.rate_card (lower(name) text_pattern_ops);

CREATE TABLE projection.rate_card_version (
	id TEXT COLLATE "C" NOT NULL,
	rate_card_id TEXT COLLATE "C",
	number BIGINT,
	effective_from DATE,
	published_at TIMESTAMP WITH TIME ZONE,
	status TEXT,
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	crm_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.rate_card_version SET (fillfactor = 50);

CREATE INDEX rate_card_version_crm_key_order ON projection.rate_card_version ((CASE WHEN (crm_key ~ '^[0-9]+$') THEN length(crm_key) ELSE 0 END), crm_key);

CREATE INDEX rate_card_version_rate_card_id ON projection.rate_card_version (rate_card_id);

CREATE TABLE projection.rate_line (
	id TEXT COLLATE "C" NOT NULL,
	version_id TEXT COLLATE "C",
	role TEXT,
	grade TEXT,
	region TEXT,
	legal_entity_id TEXT COLLATE "C",
	service TEXT,
	resource_id TEXT COLLATE "C",
	rate_amount NUMERIC(20, 6),
	rate_currency TEXT,
	rate_per TEXT,
	min_increment BIGINT,
	increment_rule TEXT,
	overtime_factor NUMERIC(24, 10),
	cap_amount NUMERIC(20, 6),
	cap_currency TEXT,
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	crm_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.rate_line SET (fillfactor = 50);

CREATE INDEX rate_line_crm_key_order ON projection.rate_line ((CASE WHEN (crm_key ~ '^[0-9]+$') THEN length(crm_key) ELSE 0 END), crm_key);

CREATE INDEX rate_line_version_id ON projection.rate_line (version_id);

CREATE TABLE projection.project (
	id TEXT COLLATE "C" NOT NULL,
	code TEXT,
	name TEXT,
	client_id TEXT COLLATE "C",
	engagement_id TEXT COLLATE "C",
	sow_id TEXT COLLATE "C",
	legal_entity_id TEXT COLLATE "C",
	method TEXT,
	cost_centre TEXT,
	region TEXT,
	tax_region TEXT,
	po_number TEXT,
	currency TEXT,
	status TEXT,
	starts_on DATE,
	ends_on DATE,
	budget_amount NUMERIC(20, 6),
	budget_currency TEXT,
	budget_minutes BIGINT,
	completed_share NUMERIC(24, 10),
	health TEXT,
	manager_id TEXT COLLATE "C",
	team_ids TEXT[] COLLATE "C",
	erp_key TEXT COLLATE "C",
	erp_version BIGINT,
	erp_as_of TIMESTAMP WITH TIME ZONE,
	erp_partition INTEGER,
	erp_offset BIGINT,
	erp_epoch INTEGER,
	erp_lsn BIGINT,
	erp_deleted_at TIMESTAMP WITH TIME ZONE,
	erp_extra JSONB,
	psa_key TEXT COLLATE "C",
	psa_version BIGINT,
	psa_as_of TIMESTAMP WITH TIME ZONE,
	psa_partition INTEGER,
	psa_offset BIGINT,
	psa_epoch INTEGER,
	psa_lsn BIGINT,
	psa_deleted_at TIMESTAMP WITH TIME ZONE,
	psa_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.project SET (fillfactor = 50);

CREATE INDEX project_client_id ON projection.project (client_id);

CREATE INDEX project_code_search ON projection.project (lower(code) text_pattern_ops);

CREATE INDEX project_engagement_id ON projection.project (engagement_id);

CREATE INDEX project_erp_key_order ON projection.project ((CASE WHEN (erp_key ~ '^[0-9]+$') THEN length(erp_key) ELSE 0 END), erp_key);

CREATE INDEX project_legal_entity_id_list ON projection.project (legal_entity_id, id);

CREATE INDEX project_manager_id_list ON projection.project (manager_id, id);

CREATE INDEX project_name_search ON projection.project (lower(name) text_pattern_ops);

CREATE INDEX project_sow_id ON projection.project (sow_id);

CREATE TABLE projection.milestone (
	id TEXT COLLATE "C" NOT NULL,
	sow_id TEXT COLLATE "C",
	project_id TEXT COLLATE "C",
	sequence BIGINT,
	name TEXT,
	status TEXT,
	due_on DATE,
	amount_amount NUMERIC(20, 6),
	amount_currency TEXT,
	requires_acceptance BOOLEAN,
	accepted_at TIMESTAMP WITH TIME ZONE,
	accepted_by TEXT,
	evidence TEXT,
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	crm_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.milestone SET (fillfactor = 50);

CREATE INDEX milestone_crm_key_order ON projection.milestone ((CASE WHEN (crm_key ~ '^[0-9]+$') THEN length(crm_key) ELSE 0 END), crm_key);

CREATE INDEX milestone_name_search ON projection.milestone (lower(name) text_pattern_ops);

CREATE INDEX milestone_project_id ON projection.milestone (project_id);

CREATE INDEX milestone_sow_id ON projection.milestone (sow_id);

CREATE TABLE projection.retainer (
	id TEXT COLLATE "C" NOT NULL,
	sow_id TEXT COLLATE "C",
	period TEXT,
	starts_on DATE,
	amount_amount NUMERIC(20, 6),
	amount_currency TEXT,
	included BIGINT,
	rollover TEXT,
	balance_amount NUMERIC(20, 6),
	balance_currency TEXT,
	balance_minutes BIGINT,
	expires_on DATE,
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	crm_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.retainer SET (fillfactor = 50);

CREATE INDEX retainer_crm_key_order ON projection.retainer ((CASE WHEN (crm_key ~ '^[0-9]+$') THEN length(crm_key) ELSE 0 END), crm_key);

CREATE INDEX retainer_sow_id ON projection.retainer (sow_id);

CREATE TABLE projection.resource (
	id TEXT COLLATE "C" NOT NULL,
	name TEXT,
	email TEXT,
	worker_type TEXT,
	employment_status TEXT,
	country TEXT,
	time_zone TEXT,
	legal_entity_id TEXT COLLATE "C",
	grade TEXT,
	manager_id TEXT COLLATE "C",
	calendar JSONB,
	employed_from DATE,
	employed_to DATE,
	cost_rates JSONB,
	role TEXT,
	skills TEXT[],
	hr_key TEXT COLLATE "C",
	hr_version BIGINT,
	hr_as_of TIMESTAMP WITH TIME ZONE,
	hr_partition INTEGER,
	hr_offset BIGINT,
	hr_epoch INTEGER,
	hr_lsn BIGINT,
	hr_deleted_at TIMESTAMP WITH TIME ZONE,
	hr_extra JSONB,
	psa_key TEXT COLLATE "C",
	psa_version BIGINT,
	psa_as_of TIMESTAMP WITH TIME ZONE,
	psa_partition INTEGER,
	psa_offset BIGINT,
	psa_epoch INTEGER,
	psa_lsn BIGINT,
	psa_deleted_at TIMESTAMP WITH TIME ZONE,
	psa_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.resource SET (fillfactor = 50);

CREATE INDEX resource_email_search ON projection.resource (lower(email) text_pattern_ops);

CREATE INDEX resource_hr_key_order ON projection.resource ((CASE WHEN (hr_key ~ '^[0-9]+$') THEN length(hr_key) ELSE 0 END), hr_key);

CREATE INDEX resource_legal_entity_id_list ON projection.resource (legal_entity_id, id);

CREATE INDEX resource_manager_id ON projection.resource (manager_id);

CREATE INDEX resource_name_search ON projection.resource (lower(name) text_pattern_ops);

CREATE TABLE projection.assignment (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C",
	resource_id TEXT COLLATE "C",
	role TEXT,
	status TEXT,
	starts_on DATE,
	ends_on DATE,
	minutes_per_day BIGINT,
	total BIGINT,
	is_billable BOOLEAN,
	rate_override_amount NUMERIC(20, 6),
	rate_override_currency TEXT,
	rate_override_per TEXT,
	replaced_by_id TEXT COLLATE "C",
	psa_key TEXT COLLATE "C",
	psa_version BIGINT,
	psa_as_of TIMESTAMP WITH TIME ZONE,
	psa_partition INTEGER,
	psa_offset BIGINT,
	psa_epoch INTEGER,
	psa_lsn BIGINT,
	psa_deleted_at TIMESTAMP WITH TIME ZONE,
	psa_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.assignment SET (fillfactor = 50);

CREATE INDEX assignment_project_id_list ON projection.assignment (project_id, id);

CREATE INDEX assignment_psa_key_order ON projection.assignment ((CASE WHEN (psa_key ~ '^[0-9]+$') THEN length(psa_key) ELSE 0 END), psa_key);

CREATE INDEX assignment_resource_id_list ON projection.assignment (resource_id, id);

CREATE TABLE projection.time_entry (
	id TEXT COLLATE "C" NOT NULL,
	resource_id TEXT COLLATE "C",
	project_id TEXT COLLATE "C",
	assignment_id TEXT COLLATE "C",
	task TEXT,
	work_date DATE,
	time_zone TEXT,
	worked BIGINT,
	billable BIGINT,
	is_billable BOOLEAN,
	activity TEXT,
	note TEXT,
	status TEXT,
	approved_by TEXT,
	approved_at TIMESTAMP WITH TIME ZONE,
	rejected_by TEXT,
	rejection_reason TEXT,
	locked_reason TEXT,
	rate_amount NUMERIC(20, 6),
	rate_currency TEXT,
	rate_per TEXT,
	rate_line_id TEXT COLLATE "C",
	rate_source TEXT,
	rate_version BIGINT,
	cost_snapshot_amount NUMERIC(20, 6),
	cost_snapshot_currency TEXT,
	cost_snapshot_per TEXT,
	billing_state TEXT,
	billed_share NUMERIC(24, 10),
	written_off_share NUMERIC(24, 10),
	psa_key TEXT COLLATE "C",
	psa_version BIGINT,
	psa_as_of TIMESTAMP WITH TIME ZONE,
	psa_partition INTEGER,
	psa_offset BIGINT,
	psa_epoch INTEGER,
	psa_lsn BIGINT,
	psa_deleted_at TIMESTAMP WITH TIME ZONE,
	psa_extra JSONB,
	hub_key TEXT COLLATE "C",
	hub_version BIGINT,
	hub_as_of TIMESTAMP WITH TIME ZONE,
	hub_partition INTEGER,
	hub_offset BIGINT,
	hub_epoch INTEGER,
	hub_lsn BIGINT,
	hub_deleted_at TIMESTAMP WITH TIME ZONE,
	hub_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.time_entry SET (fillfactor = 50);

CREATE INDEX time_entry_assignment_id_list ON projection.time_entry (assignment_id, id);

CREATE INDEX time_entry_board ON projection.time_entry (project_id, status) INCLUDE (worked, billable, is_billable, work_date, billing_state, billed_share, written_off_share, rate_amount, rate_currency, rate_per, psa_as_of, psa_deleted_at, hub_as_of);

CREATE INDEX time_entry_project_id_list ON projection.time_entry (project_id, id);

CREATE INDEX time_entry_psa_key_order ON projection.time_entry ((CASE WHEN (psa_key ~ '^[0-9]+$') THEN length(psa_key) ELSE 0 END), psa_key);

CREATE INDEX time_entry_resource_id_list ON projection.time_entry (resource_id, id);

CREATE OR REPLACE TRIGGER hear_of_billable_on_insert
  AFTER INSERT ON projection.time_entry REFERENCING NEW TABLE AS told
  FOR EACH STATEMENT
  EXECUTE FUNCTION hub.hear_of_billable('time_entries', 'time_price', 'time_entry');

CREATE OR REPLACE TRIGGER hear_of_billable_on_change
  AFTER UPDATE ON projection.time_entry
  FOR EACH ROW WHEN (NEW.psa_key IS NOT NULL
    AND (OLD.is_billable IS false) <> (NEW.is_billable IS false))
  EXECUTE FUNCTION hub.hear_of_billable('time_entries', 'time_price', 'time_entry');

CREATE TABLE projection.expense_item (
	id TEXT COLLATE "C" NOT NULL,
	resource_id TEXT COLLATE "C",
	project_id TEXT COLLATE "C",
	incurred_on DATE,
	category TEXT,
	amount_amount NUMERIC(20, 6),
	amount_currency TEXT,
	tax_amount NUMERIC(20, 6),
	tax_currency TEXT,
	is_tax_recoverable BOOLEAN,
	fx_to_functional_rate NUMERIC,
	fx_to_functional_base TEXT,
	fx_to_functional_quote TEXT,
	fx_to_functional_on DATE,
	fx_to_functional_source TEXT,
	billing_fx_rate NUMERIC,
	billing_fx_base TEXT,
	billing_fx_quote TEXT,
	billing_fx_on DATE,
	billing_fx_source TEXT,
	is_billable BOOLEAN,
	markup NUMERIC(24, 10),
	receipt_hash TEXT,
	is_reimbursable BOOLEAN,
	status TEXT,
	approved_by TEXT,
	rejected_by TEXT,
	rejection_reason TEXT,
	billing_state TEXT,
	billed_share NUMERIC(24, 10),
	written_off_share NUMERIC(24, 10),
	psa_key TEXT COLLATE "C",
	psa_version BIGINT,
	psa_as_of TIMESTAMP WITH TIME ZONE,
	psa_partition INTEGER,
	psa_offset BIGINT,
	psa_epoch INTEGER,
	psa_lsn BIGINT,
	psa_deleted_at TIMESTAMP WITH TIME ZONE,
	psa_extra JSONB,
	hub_key TEXT COLLATE "C",
	hub_version BIGINT,
	hub_as_of TIMESTAMP WITH TIME ZONE,
	hub_partition INTEGER,
	hub_offset BIGINT,
	hub_epoch INTEGER,
	hub_lsn BIGINT,
	hub_deleted_at TIMESTAMP WITH TIME ZONE,
	hub_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.expense_item SET (fillfactor = 50);

CREATE INDEX expense_item_project_id_list ON projection.expense_item (project_id, id);

CREATE INDEX expense_item_psa_key_order ON projection.expense_item ((CASE WHEN (psa_key ~ '^[0-9]+$') THEN length(psa_key) ELSE 0 END), psa_key);

CREATE INDEX expense_item_resource_id_list ON projection.expense_item (resource_id, id);

CREATE OR REPLACE TRIGGER hear_of_billable_on_insert
  AFTER INSERT ON projection.expense_item REFERENCING NEW TABLE AS told
  FOR EACH STATEMENT
  EXECUTE FUNCTION hub.hear_of_billable('expenses', 'expense_price', 'expense');

CREATE OR REPLACE TRIGGER hear_of_billable_on_change
  AFTER UPDATE ON projection.expense_item
  FOR EACH ROW WHEN (NEW.psa_key IS NOT NULL
    AND (OLD.is_billable IS false) <> (NEW.is_billable IS false))
  EXECUTE FUNCTION hub.hear_of_billable('expenses', 'expense_price', 'expense');

CREATE TABLE projection.billing_event (
	id TEXT COLLATE "C" NOT NULL,
	project_id TEXT COLLATE "C",
	kind TEXT,
	status TEXT,
	time_entry_ids TEXT[] COLLATE "C",
	expense_item_ids TEXT[] COLLATE "C",
	milestone_id TEXT COLLATE "C",
	retainer_id TEXT COLLATE "C",
	service_from DATE,
	service_to DATE,
	quantity NUMERIC(24, 10),
	rate_amount NUMERIC(20, 6),
	rate_currency TEXT,
	rate_per TEXT,
	amount_amount NUMERIC(20, 6),
	amount_currency TEXT,
	tax_code TEXT,
	billing_hold_ids TEXT[] COLLATE "C",
	allocations JSONB,
	invoice_ids TEXT[] COLLATE "C",
	written_off_by TEXT,
	written_off_at TIMESTAMP WITH TIME ZONE,
	write_off_reason TEXT,
	hub_key TEXT COLLATE "C",
	hub_version BIGINT,
	hub_as_of TIMESTAMP WITH TIME ZONE,
	hub_partition INTEGER,
	hub_offset BIGINT,
	hub_epoch INTEGER,
	hub_lsn BIGINT,
	hub_deleted_at TIMESTAMP WITH TIME ZONE,
	hub_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.billing_event SET (fillfactor = 50);

CREATE INDEX billing_event_expense_item_ids ON projection.billing_event USING gin (expense_item_ids);

CREATE INDEX billing_event_hub_key_order ON projection.billing_event ((CASE WHEN (hub_key ~ '^[0-9]+$') THEN length(hub_key) ELSE 0 END), hub_key);

CREATE INDEX billing_event_invoice_ids ON projection.billing_event USING gin (invoice_ids);

CREATE INDEX billing_event_milestone_id ON projection.billing_event (milestone_id);

CREATE INDEX billing_event_project_id_list ON projection.billing_event (project_id, id);

CREATE INDEX billing_event_retainer_id ON projection.billing_event (retainer_id);

CREATE INDEX billing_event_time_entry_ids ON projection.billing_event USING gin (time_entry_ids);

CREATE TABLE projection.billing_hold (
	id TEXT COLLATE "C" NOT NULL,
	client_id TEXT COLLATE "C",
	engagement_id TEXT COLLATE "C",
	project_id TEXT COLLATE "C",
	invoice_id TEXT COLLATE "C",
	billing_event_id TEXT COLLATE "C",
	effect TEXT,
	status TEXT,
	reason TEXT,
	placed_by TEXT,
	placed_at TIMESTAMP WITH TIME ZONE,
	review_by DATE,
	released_by TEXT,
	released_at TIMESTAMP WITH TIME ZONE,
	hub_key TEXT COLLATE "C",
	hub_version BIGINT,
	hub_as_of TIMESTAMP WITH TIME ZONE,
	hub_partition INTEGER,
	hub_offset BIGINT,
	hub_epoch INTEGER,
	hub_lsn BIGINT,
	hub_deleted_at TIMESTAMP WITH TIME ZONE,
	hub_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.billing_hold SET (fillfactor = 50);

CREATE INDEX billing_hold_billing_event_id ON projection.billing_hold (billing_event_id);

CREATE INDEX billing_hold_client_id ON projection.billing_hold (client_id);

CREATE INDEX billing_hold_engagement_id ON projection.billing_hold (engagement_id);

CREATE INDEX billing_hold_hub_key_order ON projection.billing_hold ((CASE WHEN (hub_key ~ '^[0-9]+$') THEN length(hub_key) ELSE 0 END), hub_key);

CREATE INDEX billing_hold_invoice_id ON projection.billing_hold (invoice_id);

CREATE INDEX billing_hold_project_id ON projection.billing_hold (project_id);

CREATE TABLE projection.invoice (
	id TEXT COLLATE "C" NOT NULL,
	client_id TEXT COLLATE "C",
	project_id TEXT COLLATE "C",
	legal_entity_id TEXT COLLATE "C",
	kind TEXT,
	refers_to_id TEXT COLLATE "C",
	currency TEXT,
	description TEXT,
	lines JSONB,
	net_amount NUMERIC(20, 6),
	net_currency TEXT,
	issued_on DATE,
	due_on DATE,
	draft_status TEXT,
	approved_by TEXT,
	void_reason TEXT,
	is_disputed BOOLEAN,
	disputes JSONB,
	number TEXT,
	ledger_status TEXT,
	posted_on DATE,
	sent_on DATE,
	cancellation_number TEXT,
	closing_reason TEXT,
	tax_amount NUMERIC(20, 6),
	tax_currency TEXT,
	tax_lines JSONB,
	fx_to_functional_rate NUMERIC,
	fx_to_functional_base TEXT,
	fx_to_functional_quote TEXT,
	fx_to_functional_on DATE,
	fx_to_functional_source TEXT,
	rounding_adjustment_amount NUMERIC(20, 6),
	rounding_adjustment_currency TEXT,
	gross_amount NUMERIC(20, 6),
	gross_currency TEXT,
	standing_holds JSONB,
	status TEXT GENERATED ALWAYS AS (coalesce(ledger_status, draft_status)) STORED,
	billing_key TEXT COLLATE "C",
	billing_version BIGINT,
	billing_as_of TIMESTAMP WITH TIME ZONE,
	billing_partition INTEGER,
	billing_offset BIGINT,
	billing_epoch INTEGER,
	billing_lsn BIGINT,
	billing_deleted_at TIMESTAMP WITH TIME ZONE,
	billing_extra JSONB,
	erp_key TEXT COLLATE "C",
	erp_version BIGINT,
	erp_as_of TIMESTAMP WITH TIME ZONE,
	erp_partition INTEGER,
	erp_offset BIGINT,
	erp_epoch INTEGER,
	erp_lsn BIGINT,
	erp_deleted_at TIMESTAMP WITH TIME ZONE,
	erp_extra JSONB,
	hub_key TEXT COLLATE "C",
	hub_version BIGINT,
	hub_as_of TIMESTAMP WITH TIME ZONE,
	hub_partition INTEGER,
	hub_offset BIGINT,
	hub_epoch INTEGER,
	hub_lsn BIGINT,
	hub_deleted_at TIMESTAMP WITH TIME ZONE,
	hub_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.invoice SET (fillfactor = 50);

CREATE INDEX invoice_billing_key_order ON projection.invoice ((CASE WHEN (billing_key ~ '^[0-9]+$') THEN length(billing_key) ELSE 0 END), billing_key);

CREATE INDEX invoice_client_id ON projection.invoice (client_id);

CREATE INDEX invoice_legal_entity_id_list ON projection.invoice (legal_entity_id, id);

CREATE INDEX invoice_number_search ON projection.invoice (lower(number) text_pattern_ops);

CREATE INDEX invoice_project_id ON projection.invoice (project_id);

CREATE TABLE projection.payment_status (
	id TEXT COLLATE "C" NOT NULL,
	invoice_id TEXT COLLATE "C",
	status TEXT,
	paid_amount NUMERIC(20, 6),
	paid_currency TEXT,
	balance_amount NUMERIC(20, 6),
	balance_currency TEXT,
	applications JSONB,
	written_off_amount NUMERIC(20, 6),
	written_off_currency TEXT,
	dunning_level BIGINT,
	last_payment_on DATE,
	erp_key TEXT COLLATE "C",
	erp_version BIGINT,
	erp_as_of TIMESTAMP WITH TIME ZONE,
	erp_partition INTEGER,
	erp_offset BIGINT,
	erp_epoch INTEGER,
	erp_lsn BIGINT,
	erp_deleted_at TIMESTAMP WITH TIME ZONE,
	erp_extra JSONB,
	PRIMARY KEY (id)
);

ALTER TABLE projection.payment_status SET (fillfactor = 50);

CREATE INDEX payment_status_erp_key_order ON projection.payment_status ((CASE WHEN (erp_key ~ '^[0-9]+$') THEN length(erp_key) ELSE 0 END), erp_key);

CREATE INDEX payment_status_invoice_id ON projection.payment_status (invoice_id);
