"""ERP stand-in: owns projects, the accounting side of clients and the ledger; speaks OData."""

from collections.abc import Mapping, Sequence

from hub.demo.cancellations import CANCELLATIONS
from hub.demo.costs import COMMITMENTS, EXPENSE_COSTS, LABOUR_COSTS
from hub.demo.customers import CUSTOMERS
from hub.demo.dialect import Action, Json, System, Write, read_version
from hub.demo.documents import AR_INVOICES
from hub.demo.entities import ENTITIES
from hub.demo.erp_contracts import CONTRACT_TABLES
from hub.demo.erp_projects import PROJECTS, set_status
from hub.demo.kinds import COUNTRY
from hub.demo.ledger import OWN_DDL, post
from hub.demo.odata import read_options
from hub.demo.payments import pay
from hub.demo.periods import list_periods, set_period
from hub.demo.query import ListQuery, Parameters
from hub.demo.receivables import cancel, dispatch, remind, write_off
from hub.demo.refusals import STATUS, Reason, Refusal
from hub.demo.tables import (
    EXACT,
    LIKE,
    Row,
    Table,
    anchor,
    copied,
    number_key,
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
    tables=(
        *(CUSTOMERS, PROJECTS, *CONTRACT_TABLES, EMPLOYEES, AR_INVOICES, CANCELLATIONS, ENTITIES),
        *(COMMITMENTS, LABOUR_COSTS, EXPENSE_COSTS),
    ),
    actions=(
        Action(method="POST", path="/ar-invoices/{doc_id}/post", perform=post),
        Action(method="POST", path="/ar-invoices/{doc_id}/payments", perform=pay),
        Action(method="POST", path="/ar-invoices/{doc_id}/dispatch", perform=dispatch),
        Action(method="POST", path="/ar-invoices/{doc_id}/cancel", perform=cancel),
        Action(method="POST", path="/ar-invoices/{doc_id}/write-off", perform=write_off),
        Action(method="POST", path="/ar-invoices/{doc_id}/dunning", perform=remind),
        Action(method="POST", path="/projects/{project_no}/set-status", perform=set_status),
        Action(method="GET", path="/periods", perform=list_periods),
        Action(method="POST", path="/periods/{entity_code}/{period}/{state}", perform=set_period),
    ),
    own_ddl=OWN_DDL,
)
