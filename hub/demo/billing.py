"""Billing stand-in: owns the draft content of invoices; speaks like Stripe, with idempotency."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256

from hub.demo.billing_contracts import AGREEMENTS, MILESTONES
from hub.demo.dialect import Answer, Json, System, Write, read_version
from hub.demo.invoices import INVOICE_ACTIONS, INVOICES
from hub.demo.kinds import COUNT, COUNTRY, CURRENCY, DATE, FLAG, MONEY, TEXT, document
from hub.demo.query import ListQuery, Parameters, Spelling
from hub.demo.refusals import STATUS, Reason, Refusal
from hub.demo.tables import (
    EXACT,
    LIKE,
    RANGE,
    Connection,
    Row,
    Table,
    anchor,
    copied,
    text_key,
)
from hub.demo.usage import EXPENSE_USAGE, TIME_USAGE

ADDRESS = {"line1": TEXT, "city": TEXT, "country": COUNTRY, "billing": FLAG}
TAX_ID = {"country": COUNTRY, "type": TEXT, "value": TEXT}

CUSTOMERS = Table(
    name="customers",
    key=text_key("id"),
    prefix="cus_",
    digits=6,
    columns=(
        anchor("crm_account"),
        copied("name", by=LIKE),
        copied("segment", by=EXACT),
        copied("account_manager", by=EXACT),
        copied("display_name", by=LIKE),
        copied("preferred_locale"),
        copied("address"),
        copied("addresses", document(ADDRESS, is_list=True)),
        copied("tax_number"),
        copied("tax_ids", document(TAX_ID, is_list=True)),
        copied("currency", CURRENCY),
        copied("payment_terms", COUNT),
        copied("credit_state", by=EXACT),
    ),
)

PROJECTS = Table(
    name="projects",
    key=text_key("id"),
    prefix="bp_",
    digits=6,
    columns=(
        anchor("project_code"),
        copied("customer", by=EXACT, references="customers"),
        copied("name", by=LIKE),
        copied("status", by=EXACT),
        copied("currency", CURRENCY),
        copied("pricing", by=EXACT),
        copied("tax_region"),
        copied("purchase_order"),
    ),
)

HOLDS = Table(
    name="holds",
    key=text_key("id"),
    prefix="hold_",
    digits=6,
    columns=(
        anchor("hub_hold"),
        copied("customer", by=EXACT, references="customers"),
        copied("project_code", by=EXACT),
        copied("invoice", by=EXACT),
        copied("billable", by=EXACT),
        copied("effect", by=EXACT),
        copied("state", by=EXACT),
        copied("reason"),
        copied("review_on", DATE, by=RANGE),
    ),
)

BILLABLES = Table(
    name="billables",
    key=text_key("id"),
    prefix="bl_",
    digits=8,
    columns=(
        anchor("hub_event"),
        copied("project_code", by=EXACT),
        copied("kind", by=EXACT),
        copied("state", by=EXACT),
        copied("service_from", DATE, by=RANGE),
        copied("service_to", DATE),
        copied("amount", MONEY),
        copied("currency", CURRENCY),
        copied("tax_code"),
    ),
)

ENTITIES = Table(
    name="entities",
    key=text_key("id"),
    prefix="ent_",
    digits=2,
    columns=(
        anchor("entity_code"),
        copied("seller_name", by=LIKE),
        copied("seller_country", COUNTRY),
        copied("currency", CURRENCY),
    ),
)

SPELLING = Spelling(
    ids="ids[]",
    after="starting_after",
    before="ending_before",
    limit="limit",
    order={("order", "desc"): True, ("order", "asc"): False},
    exact="{}[]",
    contains="{}[contains]",
    at_least="{}[gte]",
    at_most="{}[lte]",
    has_any="{}[any]",
    changed_since="updated_at[gte]",
    changed_after="starting_after",
    changed_order=("order", "updated_at"),
    is_repeated=True,
)

ANSWERS_DDL = """CREATE TABLE IF NOT EXISTS idempotent_answers (
    key text PRIMARY KEY,
    call bytea NOT NULL,
    status integer,
    content bytea)"""


class Stripeish:
    """Records are bare, an update is a POST, errors carry a type and a code."""

    def list_query(self, table: Table, parameters: Parameters) -> ListQuery:
        return SPELLING.read(table, parameters)

    def write(self, body: dict[str, Json], headers: Mapping[str, str]) -> Write:
        fields = {name: value for name, value in body.items() if name != "version"}
        return Write(fields=fields, expected_version=read_version(body.get("version")))

    def page(self, table: Table, rows: Sequence[Row], has_more: bool) -> Json:
        return {"object": "list", "data": [self.record(row) for row in rows], "has_more": has_more}

    def record(self, row: Row) -> Json:
        return dict(row)

    def refusal(self, refusal: Refusal) -> tuple[int, Json]:
        is_stale = refusal.reason is Reason.STALE
        code = "stale_object" if is_stale else refusal.rule or refusal.reason.value
        kind = refusal.rule or "invalid_request_error"
        error = {"type": kind, "code": code, "message": refusal.message}
        return STATUS[refusal.reason], {"error": error}


async def answer_once(
    connection: Connection, key: str, call: bytes, perform: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Two calls with one key wait for each other; a refused call leaves its key unused."""
    fingerprint = sha256(call).digest()
    is_first = await connection.fetchval(
        "INSERT INTO idempotent_answers (key, call) VALUES ($1, $2)"
        " ON CONFLICT DO NOTHING RETURNING true",
        key,
        fingerprint,
    )
    if not is_first:
        return await _earlier_answer(connection, key, fingerprint)
    given = await perform()
    await connection.execute(
        "UPDATE idempotent_answers SET status = $2, content = $3 WHERE key = $1",
        key,
        given.status,
        given.content,
    )
    return given


async def _earlier_answer(connection: Connection, key: str, fingerprint: bytes) -> Answer:
    row = await connection.fetchrow("SELECT * FROM idempotent_answers WHERE key = $1", key)
    if row["call"] != fingerprint:
        message = f"Key {key} was used for another call; send this one under a new key."
        raise Refusal(Reason.BROKEN_RULE, message, rule="idempotency_error")
    return Answer(status=row["status"], content=row["content"])


BILLING = System(
    name="billing",
    base="/v1",
    dialect=Stripeish(),
    tables=(
        *(CUSTOMERS, *AGREEMENTS, PROJECTS, MILESTONES, INVOICES, ENTITIES),
        *(HOLDS, BILLABLES, TIME_USAGE, EXPENSE_USAGE),
    ),
    update_method="POST",
    actions=INVOICE_ACTIONS,
    own_ddl=(ANSWERS_DDL,),
    once=answer_once,
)
