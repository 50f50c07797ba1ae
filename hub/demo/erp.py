"""ERP stand-in: owns projects, the accounting side of clients and the ledger; speaks OData."""

from collections.abc import Mapping, Sequence

from hub.demo.dialect import Action, Json, System, Write, read_version
from hub.demo.entities import ENTITIES, ENTITY_CODES
from hub.demo.kinds import COUNT, COUNTRY, CURRENCY, DATE, MONEY, PERCENT
from hub.demo.ledger import (
    OWN_DDL,
    cancel,
    number_project,
    pay,
    post,
    refuse_unless_draft,
)
from hub.demo.odata import read_options
from hub.demo.periods import list_periods, set_period
from hub.demo.query import ListQuery, Parameters
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
    given,
    number_key,
    optional,
    own,
    text_key,
)

CUSTOMERS = Table(
    name="customers",
    key=text_key("customer_no"),
    prefix="C",
    digits=5,
    first=10001,
    columns=(
        anchor("crm_account"),
        copied("customer_name", by=LIKE),
        copied("customer_group", by=EXACT),
        copied("rep_email", by=EXACT),
        own("invoice_address", default="''"),
        optional("vat_id"),
        own("terms_days", COUNT, default="30"),
        choice("credit_block", "NONE", "WATCH", "BLOCKED", default="NONE"),
    ),
)

PROJECTS = Table(
    name="projects",
    key=text_key("project_no"),
    new_key=number_project,
    columns=(
        own("customer_no", by=EXACT, references="customers"),
        anchor("crm_opportunity", is_nullable=True),
        own("description", by=LIKE),
        choice("entity_code", *ENTITY_CODES),
        own("currency", CURRENCY),
        choice("project_status", "PLANNED", "OPEN", "ON_HOLD", "CLOSED", default="PLANNED"),
        own("budget_hours", COUNT, default="0"),
        own("budget_amount", MONEY, default="0"),
        own("start_on", DATE, by=RANGE),
        optional("end_on", DATE),
        optional("hub_reference", by=EXACT),
        copied("delivery_percent", PERCENT),
        copied("delivery_health", by=EXACT),
        copied("delivery_manager", by=EXACT),
    ),
)

EMPLOYEES = Table(
    name="employees",
    key=number_key("id"),
    columns=(
        anchor("hr_number"),
        copied("full_name", by=LIKE),
        copied("email", by=EXACT),
        copied("status", by=EXACT),
        copied("country", COUNTRY),
    ),
)

AR_INVOICES = Table(
    name="ar_invoices",
    key=number_key("doc_id"),
    guard=refuse_unless_draft,
    columns=(
        anchor("billing_ref"),
        copied("customer_no", by=EXACT, references="customers"),
        copied("project_no", by=EXACT, references="projects"),
        choice("entity_code", *ENTITY_CODES),
        own("currency", CURRENCY),
        own("net_amount", MONEY),
        copied("due_on", DATE, by=RANGE),
        given("document_no", by=LIKE | EXACT),
        given("document_status", by=EXACT, default="'DRAFT'"),
        given("posted_on", DATE, by=RANGE),
        given("tax_amount", MONEY),
        given("gross_amount", MONEY),
        given("paid_amount", MONEY, default="0"),
        given("open_amount", MONEY),
        given("last_payment_on", DATE),
    ),
)


class ODataish:
    """Records are bare, lists sit in `value`, versions travel in If-Match."""

    def list_query(self, table: Table, parameters: Parameters) -> ListQuery:
        return read_options(table, parameters)

    def write(self, body: dict[str, Json], headers: Mapping[str, str]) -> Write:
        return Write(fields=body, expected_version=read_version(headers.get("if-match")))

    def page(self, table: Table, rows: Sequence[Row], has_more: bool) -> Json:
        """The link says only that there is more: go on with `key gt 'last'` in $filter."""
        return {
            "value": [self.record(row) for row in rows],
            "@odata.nextLink": True if has_more else None,
        }

    def record(self, row: Row) -> Json:
        return dict(row)

    def refusal(self, refusal: Refusal) -> tuple[int, Json]:
        code = refusal.rule or refusal.reason.name
        status = 412 if refusal.reason is Reason.STALE else STATUS[refusal.reason]
        return status, {"error": {"code": code, "message": {"value": refusal.message}}}


ERP = System(
    name="erp",
    base="/erp",
    dialect=ODataish(),
    tables=(CUSTOMERS, PROJECTS, EMPLOYEES, AR_INVOICES, ENTITIES),
    actions=(
        Action(method="POST", path="/ar-invoices/{doc_id}/post", perform=post),
        Action(method="POST", path="/ar-invoices/{doc_id}/payments", perform=pay),
        Action(method="POST", path="/ar-invoices/{doc_id}/cancel", perform=cancel),
        Action(method="GET", path="/periods", perform=list_periods),
        Action(method="POST", path="/periods/{entity_code}/{period}/{state}", perform=set_period),
    ),
    own_ddl=OWN_DDL,
)
