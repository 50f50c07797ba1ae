"""CRM stand-in: owns accounts (commercial side), opportunities and contracts; Salesforce-like."""

from collections.abc import Mapping, Sequence

from hub.demo.contract_actions import CONTRACT_ACTIONS
from hub.demo.contracts import CONTRACT_TABLES
from hub.demo.dialect import Json, System, Write, read_version
from hub.demo.kinds import COUNT, COUNTRY, CURRENCY, DATE, MONEY, PERCENT
from hub.demo.query import ListQuery, Parameters, Spelling
from hub.demo.refusals import STATUS, Reason, Refusal
from hub.demo.tables import (
    EXACT,
    LIKE,
    RANGE,
    Row,
    Table,
    anchor,
    choice,
    copied,
    number_key,
    optional,
    own,
    text_key,
)

ACCOUNTS = Table(
    name="accounts",
    key=text_key("id"),
    prefix="ACC-",
    digits=5,
    columns=(
        own("account_name", by=LIKE),
        choice("segment", "ENTERPRISE", "MIDMARKET", "SMB"),
        own("owner_email", by=EXACT),
        own("billing_country", COUNTRY),
        optional("trading_as", by=LIKE),
        optional("language_code"),
        optional("parent_account_id", by=EXACT, references="accounts"),
        anchor("erp_customer_no", is_nullable=True),
        copied("payment_terms_days", COUNT),
        copied("credit_status", by=EXACT),
        copied("bill_to"),
        copied("tax_id"),
        copied("invoice_currency", CURRENCY),
    ),
)

STAGES = ("QUALIFYING", "PROPOSED", "CLOSED_WON", "CLOSED_LOST")

OPPORTUNITIES = Table(
    name="opportunities",
    key=text_key("id"),
    prefix="OPP-",
    digits=5,
    columns=(
        own("account_id", by=EXACT, references="accounts"),
        own("title", by=LIKE),
        choice("stage", *STAGES, default=STAGES[0]),
        own("amount", MONEY),
        own("currency", CURRENCY),
        optional("win_chance", PERCENT),
        own("starts_on", DATE, by=RANGE),
        optional("ends_on", DATE, by=RANGE),
        own("owner_email", by=EXACT),
        choice("entity_code", "NL01", "UK01", "US01"),
        optional("external_ref", by=EXACT),
    ),
)

PROJECTS = Table(
    name="projects",
    key=number_key("id"),
    columns=(
        anchor("erp_project_no"),
        copied("account_id", by=EXACT, references="accounts"),
        copied("project_name", by=LIKE),
        copied("project_status", by=EXACT),
        copied("region", by=EXACT),
        copied("po_number"),
        copied("delivery_health", by=EXACT),
        copied("percent_complete", PERCENT),
        copied("manager_no", by=EXACT),
    ),
)

INVOICES = Table(
    name="invoices",
    key=number_key("id"),
    columns=(
        anchor("billing_invoice_id"),
        copied("account_id", by=EXACT, references="accounts"),
        copied("invoice_number", by=LIKE),
        copied("ledger_status", by=EXACT),
        copied("posted_on", DATE, by=RANGE),
        copied("sent_on", DATE),
        copied("tax_amount", MONEY),
        copied("currency", CURRENCY),
        copied("amount_paid", MONEY),
        copied("balance", MONEY),
        copied("payment_status", by=EXACT),
        copied("reminders_sent", COUNT),
        copied("last_payment_on", DATE),
    ),
)

ENTITIES = Table(
    name="entities",
    key=number_key("id"),
    columns=(
        anchor("erp_entity"),
        copied("entity_name", by=LIKE),
        copied("country", COUNTRY),
        copied("base_currency", CURRENCY),
    ),
)

SPELLING = Spelling(
    ids="ids",
    after="after",
    before="before",
    limit="limit",
    order={("desc", "true"): True, ("desc", "false"): False},
    exact="{}",
    contains="{}.contains",
    at_least="{}.from",
    at_most="{}.to",
    has_any="{}.any",
    changed_since="updated_at.from",
    changed_after="after",
    changed_order=("sort", "updated_at"),
)


class Salesforceish:
    """Records are bare, errors come in a list, versions travel in If-Match."""

    def list_query(self, table: Table, parameters: Parameters) -> ListQuery:
        return SPELLING.read(table, parameters)

    def write(self, body: dict[str, Json], headers: Mapping[str, str]) -> Write:
        return Write(fields=body, expected_version=read_version(headers.get("if-match")))

    def page(self, table: Table, rows: Sequence[Row], has_more: bool) -> Json:
        return {"records": [self.record(row) for row in rows], "hasMore": has_more}

    def record(self, row: Row) -> Json:
        return dict(row)

    def refusal(self, refusal: Refusal) -> tuple[int, Json]:
        is_stale = refusal.reason is Reason.STALE
        code = "STALE_VERSION" if is_stale else refusal.rule or refusal.reason.name
        status = 412 if is_stale else STATUS[refusal.reason]
        return status, [{"errorCode": code, "message": refusal.message}]


CRM = System(
    name="crm",
    base="/services",
    dialect=Salesforceish(),
    tables=(ACCOUNTS, OPPORTUNITIES, *CONTRACT_TABLES, PROJECTS, INVOICES, ENTITIES),
    actions=CONTRACT_ACTIONS,
)
