CREATE SCHEMA IF NOT EXISTS projection;

CREATE TABLE projection.client (
	id TEXT COLLATE "C" NOT NULL,
	name TEXT,
	segment TEXT,
	account_manager TEXT,
	bill_to TEXT,
	tax_id TEXT,
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
	erp_key TEXT COLLATE "C",
	erp_version BIGINT,
	erp_as_of TIMESTAMP WITH TIME ZONE,
	erp_partition INTEGER,
	erp_offset BIGINT,
	erp_epoch INTEGER,
	erp_lsn BIGINT,
	erp_deleted_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (id)
);

ALTER TABLE projection.client SET (fillfactor = 50);

CREATE INDEX client_crm_key ON projection.client (crm_key);

CREATE TABLE projection.engagement (
	id TEXT COLLATE "C" NOT NULL,
	client_id TEXT COLLATE "C",
	name TEXT,
	stage TEXT,
	expected_value_amount NUMERIC(20, 6),
	expected_value_currency TEXT,
	starts_on DATE,
	ends_on DATE,
	account_manager TEXT,
	legal_entity TEXT,
	crm_key TEXT COLLATE "C",
	crm_version BIGINT,
	crm_as_of TIMESTAMP WITH TIME ZONE,
	crm_partition INTEGER,
	crm_offset BIGINT,
	crm_epoch INTEGER,
	crm_lsn BIGINT,
	crm_deleted_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (id)
);

ALTER TABLE projection.engagement SET (fillfactor = 50);

CREATE INDEX engagement_client_id ON projection.engagement (client_id);

CREATE INDEX engagement_crm_key ON projection.engagement (crm_key);

CREATE TABLE projection.project (
	id TEXT COLLATE "C" NOT NULL,
	code TEXT,
	name TEXT,
	client_id TEXT COLLATE "C",
	engagement_id TEXT COLLATE "C",
	legal_entity TEXT,
	currency TEXT,
	status TEXT,
	starts_on DATE,
	ends_on DATE,
	budget_amount NUMERIC(20, 6),
	budget_currency TEXT,
	budget_minutes BIGINT,
	percent_complete BIGINT,
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
	psa_key TEXT COLLATE "C",
	psa_version BIGINT,
	psa_as_of TIMESTAMP WITH TIME ZONE,
	psa_partition INTEGER,
	psa_offset BIGINT,
	psa_epoch INTEGER,
	psa_lsn BIGINT,
	psa_deleted_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (id)
);

ALTER TABLE projection.project SET (fillfactor = 50);

CREATE INDEX project_client_id ON projection.project (client_id);

CREATE INDEX project_engagement_id ON projection.project (engagement_id);

CREATE INDEX project_erp_key ON projection.project (erp_key);

CREATE TABLE projection.resource (
	id TEXT COLLATE "C" NOT NULL,
	name TEXT,
	email TEXT,
	worker_type TEXT,
	employment_status TEXT,
	country TEXT,
	time_zone TEXT,
	legal_entity TEXT,
	employed_from DATE,
	employed_to DATE,
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
	psa_key TEXT COLLATE "C",
	psa_version BIGINT,
	psa_as_of TIMESTAMP WITH TIME ZONE,
	psa_partition INTEGER,
	psa_offset BIGINT,
	psa_epoch INTEGER,
	psa_lsn BIGINT,
	psa_deleted_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (id)
);

ALTER TABLE projection.resource SET (fillfactor = 50);

CREATE INDEX resource_hr_key ON projection.resource (hr_key);

CREATE TABLE projection.invoice (
	id TEXT COLLATE "C" NOT NULL,
	client_id TEXT COLLATE "C",
	project_id TEXT COLLATE "C",
	legal_entity TEXT,
	description TEXT,
	net_amount NUMERIC(20, 6),
	net_currency TEXT,
	issued_on DATE,
	due_on DATE,
	draft_status TEXT,
	number TEXT,
	ledger_status TEXT,
	posted_on DATE,
	tax_amount NUMERIC(20, 6),
	tax_currency TEXT,
	gross_amount NUMERIC(20, 6),
	gross_currency TEXT,
	status TEXT GENERATED ALWAYS AS (coalesce(ledger_status, draft_status)) STORED,
	billing_key TEXT COLLATE "C",
	billing_version BIGINT,
	billing_as_of TIMESTAMP WITH TIME ZONE,
	billing_partition INTEGER,
	billing_offset BIGINT,
	billing_epoch INTEGER,
	billing_lsn BIGINT,
	billing_deleted_at TIMESTAMP WITH TIME ZONE,
	erp_key TEXT COLLATE "C",
	erp_version BIGINT,
	erp_as_of TIMESTAMP WITH TIME ZONE,
	erp_partition INTEGER,
	erp_offset BIGINT,
	erp_epoch INTEGER,
	erp_lsn BIGINT,
	erp_deleted_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (id)
);

ALTER TABLE projection.invoice SET (fillfactor = 50);

CREATE INDEX invoice_billing_key ON projection.invoice (billing_key);

CREATE INDEX invoice_client_id ON projection.invoice (client_id);

CREATE INDEX invoice_project_id ON projection.invoice (project_id);

CREATE TABLE projection.payment_status (
	id TEXT COLLATE "C" NOT NULL,
	invoice_id TEXT COLLATE "C",
	state TEXT,
	paid_amount NUMERIC(20, 6),
	paid_currency TEXT,
	balance_amount NUMERIC(20, 6),
	balance_currency TEXT,
	last_payment_on DATE,
	erp_key TEXT COLLATE "C",
	erp_version BIGINT,
	erp_as_of TIMESTAMP WITH TIME ZONE,
	erp_partition INTEGER,
	erp_offset BIGINT,
	erp_epoch INTEGER,
	erp_lsn BIGINT,
	erp_deleted_at TIMESTAMP WITH TIME ZONE,
	PRIMARY KEY (id)
);

ALTER TABLE projection.payment_status SET (fillfactor = 50);

CREATE INDEX payment_status_erp_key ON projection.payment_status (erp_key);

CREATE INDEX payment_status_invoice_id ON projection.payment_status (invoice_id);
