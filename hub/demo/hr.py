"""HR stand-in: owns who works here, where and since when."""

from collections.abc import Mapping, Sequence

from hub.demo.cost_rates import COST_RATE, WORK_PATTERN, refuse_bad_terms
from hub.demo.dialect import Json, System, Write, read_version
from hub.demo.kinds import COUNTRY, CURRENCY, DATE, KEY, document
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
    optional,
    own,
    text_key,
)

EMPLOYEES = Table(
    name="employees",
    check=refuse_bad_terms,
    key=text_key("employee_number"),
    prefix="E",
    digits=4,
    first=1001,
    columns=(
        own("full_name", by=LIKE),
        own("work_email", by=EXACT),
        choice("worker_type", "EMPLOYEE", "CONTRACTOR"),
        choice("employment_status", "ACTIVE", "ON_LEAVE", "TERMINATED"),
        own("country", COUNTRY),
        own("time_zone"),
        choice("entity_code", "NL01", "UK01", "US01"),
        optional("grade", by=EXACT),
        optional("reports_to", KEY, by=EXACT, references="employees"),
        optional("work_pattern", document(WORK_PATTERN)),
        own("hired_on", DATE, by=RANGE),
        optional("left_on", DATE),
        optional("cost_rates", document(COST_RATE, is_list=True)),
    ),
)

ENTITIES = Table(
    name="entities",
    key=text_key("id"),
    prefix="EMP-",
    digits=2,
    columns=(
        anchor("ledger_code"),
        copied("employer_name", by=LIKE),
        copied("country", COUNTRY),
        copied("pay_currency", CURRENCY),
    ),
)

SPELLING = Spelling(
    ids="ids",
    after="cursor",
    before="cursor_before",
    limit="page_size",
    order={("order", "desc"): True, ("order", "asc"): False},
    exact="{}",
    contains="{}_like",
    at_least="{}_from",
    at_most="{}_to",
    has_any="{}_any",
    changed_since="changed_since",
    changed_after="changed_after",
)


class Plain:
    """Records are bare and the expected version travels among the fields."""

    def list_query(self, table: Table, parameters: Parameters) -> ListQuery:
        return SPELLING.read(table, parameters)

    def write(self, body: dict[str, Json], headers: Mapping[str, str]) -> Write:
        fields = {name: value for name, value in body.items() if name != "expected_version"}
        return Write(fields=fields, expected_version=read_version(body.get("expected_version")))

    def page(self, table: Table, rows: Sequence[Row], has_more: bool) -> Json:
        return {"items": [self.record(row) for row in rows], "has_more": has_more}

    def record(self, row: Row) -> Json:
        return dict(row)

    def refusal(self, refusal: Refusal) -> tuple[int, Json]:
        is_stale = refusal.reason is Reason.STALE
        kind = "version_conflict" if is_stale else refusal.rule or refusal.reason.value
        return STATUS[refusal.reason], {"error": {"type": kind, "message": refusal.message}}


HR = System(name="hr", base="/v1", dialect=Plain(), tables=(EMPLOYEES, ENTITIES))
