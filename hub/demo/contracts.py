"""The CRM stand-in's contract side: price books, statements of work and their change orders."""

from hub.demo.contract_rules import (
    check_change_order,
    check_contract,
    check_contract_part,
    check_price_book,
    check_price_line,
    refuse_published,
)
from hub.demo.kinds import (
    COUNT,
    CURRENCY,
    DATE,
    FLAG,
    FRACTION,
    INSTANT,
    MONEY,
    RATE,
    TEXT,
    document,
)
from hub.demo.tables import (
    EXACT,
    LIKE,
    RANGE,
    Table,
    anchor,
    choice,
    given,
    optional,
    own,
    text_key,
)

PRICE_BOOKS = Table(
    name="price_books",
    key=text_key("id"),
    prefix="PB-",
    digits=5,
    check=check_price_book,
    columns=(
        own("book_name", by=LIKE),
        own("currency_iso", CURRENCY, by=EXACT),
        optional("account_id", by=EXACT, references="accounts"),
    ),
)

PRICE_BOOK_VERSIONS = Table(
    name="price_book_versions",
    key=text_key("id"),
    prefix="PBV-",
    digits=5,
    guard=refuse_published,
    columns=(
        own("price_book_id", by=EXACT, references="price_books"),
        own("version_no", COUNT),
        own("effective_date", DATE, by=RANGE),
        given("status", by=EXACT, default="'WORKING'"),
        given("published_at", INSTANT),
    ),
)

PRICE_LINES = Table(
    name="price_lines",
    key=text_key("id"),
    prefix="PBL-",
    digits=6,
    check=check_price_line,
    columns=(
        own("price_book_version_id", by=EXACT, references="price_book_versions"),
        optional("job_role", by=EXACT),
        optional("job_grade", by=EXACT),
        optional("region", by=EXACT),
        optional("entity_code", by=EXACT),
        optional("service_line", by=EXACT),
        optional("worker_no", by=EXACT),
        own("unit_price", RATE),
        own("currency_iso", CURRENCY),
        choice("price_unit", "HOURLY", "DAILY", "MONTHLY", "PER_UNIT", default="HOURLY"),
        own("billing_step_minutes", COUNT, default="15"),
        choice("billing_step_rule", "STARTED", "NEAREST", default="STARTED"),
        own("overtime_multiplier", FRACTION, default="1"),
        optional("ceiling_amount", MONEY),
    ),
)

STATEMENTS_OF_WORK = Table(
    name="statements_of_work",
    key=text_key("id"),
    prefix="SOW-",
    digits=5,
    check=check_contract,
    columns=(
        own("opportunity_id", by=EXACT, references="opportunities"),
        own("contract_no", by=EXACT),
        own("revision", COUNT, default="1"),
        own("subject", by=LIKE),
        choice("pricing_model", "TM", "FIXED", "MILESTONES", "RETAINER", "MIXED"),
        given("status", by=EXACT, default="'DRAFT'"),
        optional("ceiling_amount", MONEY),
        own("currency_iso", CURRENCY),
        own("valid_from", DATE, by=RANGE),
        optional("valid_to", DATE, by=RANGE),
        optional("price_book_version_id", references="price_book_versions"),
        optional("payment_days", COUNT),
        optional("customer_po", by=EXACT),
        given("approved_at", INSTANT),
        given("approver_email"),
        given("decider_email"),
        given("decision_note"),
        optional("document_sha256"),
        optional("external_ref", by=EXACT),
    ),
)

CHANGED_TERMS = document(
    {"term": TEXT, "old_value": TEXT, "new_value": TEXT},
    is_list=True,
)

CHANGE_ORDERS = Table(
    name="change_orders",
    key=text_key("id"),
    prefix="CHG-",
    digits=5,
    check=check_change_order,
    columns=(
        own("sow_id", by=EXACT, references="statements_of_work"),
        own("sequence_no", COUNT),
        choice("change_type", "RATE", "SCOPE", "CEILING", "PERIOD", "TERMS"),
        given("status", by=EXACT, default="'DRAFT'"),
        own("effective_date", DATE, by=RANGE),
        optional("signed_at", INSTANT),
        own("changed_terms", CHANGED_TERMS, default="'[]'"),
        optional("rationale"),
        optional("replaces_id", references="change_orders"),
        optional("external_ref", by=EXACT),
        given("approver_email"),
        given("decider_email"),
        given("decision_note"),
    ),
)

DELIVERABLES = Table(
    name="deliverables",
    key=text_key("id"),
    prefix="DLV-",
    digits=5,
    check=check_contract_part,
    columns=(
        own("sow_id", by=EXACT, references="statements_of_work"),
        anchor("erp_project_no", is_nullable=True),
        own("position_no", COUNT),
        own("deliverable_name", by=LIKE),
        given("status", by=EXACT, default="'PLANNED'"),
        own("due_date", DATE, by=RANGE),
        own("fee_amount", MONEY),
        own("currency_iso", CURRENCY),
        own("needs_acceptance", FLAG, by=EXACT, default="true"),
        optional("external_ref", by=EXACT),
        given("accepted_at", INSTANT),
        given("accepted_by"),
        given("acceptance_link"),
    ),
)

RETAINER_PLANS = Table(
    name="retainer_plans",
    key=text_key("id"),
    prefix="RTP-",
    digits=5,
    check=check_contract_part,
    columns=(
        own("sow_id", by=EXACT, references="statements_of_work"),
        choice("billing_period", "MONTHLY", "QUARTERLY", "YEARLY"),
        own("first_day", DATE, by=RANGE),
        own("period_fee", MONEY),
        own("currency_iso", CURRENCY),
        own("included_hours", COUNT, default="0"),
        choice("unused_rule", "FORFEIT", "CARRY_ONE", "CARRY_ALL", default="FORFEIT"),
        optional("remaining_amount", MONEY),
        optional("remaining_hours", COUNT),
        optional("expires_on", DATE, by=RANGE),
    ),
)

CONTRACT_TABLES = (
    PRICE_BOOKS,
    PRICE_BOOK_VERSIONS,
    PRICE_LINES,
    STATEMENTS_OF_WORK,
    CHANGE_ORDERS,
    DELIVERABLES,
    RETAINER_PLANS,
)
