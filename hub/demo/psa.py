"""PSA stand-in: owns delivery, teams, skills, plans, time and expenses; speaks JSON:API."""

from collections.abc import Mapping, Sequence

from hub.demo.allocations import ALLOCATION_STEPS, ALLOCATIONS
from hub.demo.approvals import Step, take_step
from hub.demo.dialect import Action, Json, System, Write, read_version
from hub.demo.expenses import EXPENSE_LINES, EXPENSE_STEPS
from hub.demo.kinds import (
    COUNT,
    COUNTRY,
    CURRENCY,
    DATE,
    FRACTION,
    ID,
    IDS,
    MONEY,
    PERCENT,
    TEXTS,
    document,
    list_of,
)
from hub.demo.psa_contracts import AGREEMENTS, CONTRACT_IDS, MILESTONES
from hub.demo.query import ListQuery, Parameters, Spelling
from hub.demo.quota import Quota
from hub.demo.refusals import STATUS, Reason, Refusal
from hub.demo.tables import (
    EXACT,
    HAS_ANY,
    LIKE,
    RANGE,
    Connection,
    Row,
    Table,
    anchor,
    choice,
    copied,
    number_key,
    optional,
    own,
)
from hub.demo.timesheets import TIME_ENTRIES, TIME_STEPS

CLIENTS = Table(
    name="clients",
    key=number_key("id"),
    columns=(
        anchor("crm_account_id"),
        copied("title", by=LIKE),
        copied("market_segment", by=EXACT),
        copied("account_owner", by=EXACT),
        copied("parent_client_id", ID, by=EXACT, references="clients"),
    ),
)

ENGAGEMENTS = Table(
    name="engagements",
    key=number_key("id"),
    columns=(
        anchor("crm_opportunity_id"),
        copied("client_id", ID, by=EXACT, references="clients"),
        copied("title", by=LIKE),
        copied("phase", by=EXACT),
        copied("planned_amount", MONEY),
        copied("planned_currency", CURRENCY),
        copied("win_probability", FRACTION),
        copied("start_date", DATE, by=RANGE),
        copied("finish_date", DATE),
    ),
)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKING_HOURS = {**dict.fromkeys(DAYS, COUNT), "days_off": list_of(DATE)}

USERS = Table(
    name="users",
    key=number_key("id"),
    columns=(
        anchor("hr_number"),
        copied("display_name", by=LIKE),
        copied("email", by=EXACT),
        copied("employment_state", by=EXACT),
        copied("grade", by=EXACT),
        copied("working_hours", document(WORKING_HOURS)),
        copied("country", COUNTRY),
        choice(
            "job_role",
            "Analyst",
            "Consultant",
            "Senior Consultant",
            "Manager",
            "Partner",
            default="Consultant",
        ),
        own("skills", TEXTS, by=HAS_ANY, default="'{}'"),
    ),
)

PROJECTS = Table(
    name="projects",
    key=number_key("id"),
    columns=(
        anchor("erp_code"),
        copied("client_id", ID, by=EXACT, references="clients"),
        copied("name", by=LIKE),
        copied("state", by=EXACT),
        copied("billing_method", by=EXACT),
        copied("region", by=EXACT),
        copied("budget_hours", COUNT),
        copied("budget_amount", MONEY),
        copied("budget_currency", CURRENCY),
        optional("manager_user_id", ID, by=EXACT, references="users"),
        own("percent_done", PERCENT, default="0"),
        choice("health", "green", "amber", "red", default="green"),
        own("member_ids", IDS, by=HAS_ANY, default="'{}'"),
    ),
)

RECEIVABLES = Table(
    name="receivables",
    key=number_key("id"),
    columns=(
        anchor("billing_invoice_id"),
        anchor("erp_code", is_nullable=True),
        copied("paid_amount", MONEY),
        copied("open_amount", MONEY),
        copied("currency", CURRENCY),
        copied("payment_state", by=EXACT),
        copied("last_payment_on", DATE, by=RANGE),
    ),
)

ENTITIES = Table(
    name="entities",
    key=number_key("id"),
    columns=(
        anchor("erp_entity"),
        copied("title", by=LIKE),
        copied("country", COUNTRY),
        copied("default_currency", CURRENCY),
    ),
)

SPELLING = Spelling(
    ids="filter[ids]",
    after="page[after]",
    before="page[before]",
    limit="page[size]",
    order={("sort", "-id"): True, ("sort", "id"): False},
    exact="filter[{}]",
    contains="filter[{}][like]",
    at_least="filter[{}][gte]",
    at_most="filter[{}][lte]",
    has_any="filter[{}][any]",
    changed_since="filter[updated_at][gte]",
    changed_after="page[after]",
    changed_order=("sort", "updated_at,id"),
)

ID_COLUMNS = (
    *("id", "client_id", "manager_user_id", "parent_client_id"),
    *("user_id", "project_id", "allocation_id", "successor_id"),
    *CONTRACT_IDS,
)


class JsonApiish:
    """Everything sits in `data`, ids are digits in text, the version stands beside `data`."""

    def list_query(self, table: Table, parameters: Parameters) -> ListQuery:
        return SPELLING.read(table, parameters)

    def write(self, body: dict[str, Json], headers: Mapping[str, str]) -> Write:
        fields = fields_of(body)
        return Write(fields=fields, expected_version=read_version(body.get("version")))

    def page(self, table: Table, rows: Sequence[Row], has_more: bool) -> Json:
        cursor = str(rows[-1]["id"]) if has_more else None
        return {"data": [id_texts(row) for row in rows], "links": {"next": cursor}}

    def record(self, row: Row) -> Json:
        return {"data": id_texts(row)}

    def refusal(self, refusal: Refusal) -> tuple[int, Json]:
        code = "conflict" if refusal.reason is Reason.STALE else refusal.reason.value
        code = refusal.rule or code
        return STATUS[refusal.reason], {"errors": [{"code": code, "detail": refusal.message}]}


def fields_of(body: dict[str, Json]) -> dict[str, Json]:
    fields = body.get("data")
    unknown = body.keys() - {"data", "version"}
    if unknown or not isinstance(fields, dict):
        message = 'The body must be {"data": {...}}, with "version" beside it at most.'
        raise Refusal(Reason.INVALID, message)
    return fields


def id_texts(row: Row) -> Json:
    """The row with its local ids as text."""
    shown = dict(row)
    for name in ID_COLUMNS:
        if shown.get(name) is not None:
            shown[name] = str(shown[name])
    if "member_ids" in shown:
        shown["member_ids"] = [str(one) for one in shown["member_ids"]]
    return shown


def step_action(step: Step) -> Action:
    """A step is a POST to the record; what it takes sits in `data` like any fields."""

    async def perform(
        connection: Connection, path: Mapping[str, str], body: dict[str, Json]
    ) -> Json:
        fields = fields_of(body) if body else {}
        return {"data": id_texts(await take_step(connection, step, path["key"], fields))}

    return Action(method="POST", path=step.path, perform=perform)


PSA = System(
    name="psa",
    base="/api/v2",
    dialect=JsonApiish(),
    tables=(
        *(CLIENTS, ENGAGEMENTS, USERS, *AGREEMENTS, PROJECTS, MILESTONES, RECEIVABLES, ENTITIES),
        *(ALLOCATIONS, TIME_ENTRIES, EXPENSE_LINES),
    ),
    actions=tuple(map(step_action, (*ALLOCATION_STEPS, *TIME_STEPS, *EXPENSE_STEPS))),
    quota=Quota(per_second=200, burst=400),
)
