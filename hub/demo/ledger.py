"""The rules of the ERP stand-in's ledger: periods, the number series, tax and payments."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hub.demo.calls import Fields, Path, broken, read_fields
from hub.demo.kinds import DATE, ID, MONEY
from hub.demo.periods import PERIODS_DDL, refuse_closed_period
from hub.demo.refusals import Reason, Refusal
from hub.demo.tables import Connection, Row

TAX_RATE = {"NL01": Decimal("0.21"), "UK01": Decimal("0.20"), "US01": Decimal(0)}
CENT = Decimal("0.01")

OWN_DDL = (
    PERIODS_DDL,
    """CREATE TABLE IF NOT EXISTS number_series (
        series text PRIMARY KEY,
        last_number integer NOT NULL,
        last_date date)""",
)


async def post(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """Makes a draft legal: tax of record and the next number of its series, for ever."""
    [posting_date] = read_fields(fields, posting_date=DATE)
    document = await select_document(connection, path)
    refuse_unless_draft(document)
    entity = document["entity_code"]
    await refuse_closed_period(connection, entity, posting_date)
    number = await draw_number(connection, entity, posting_date)
    tax = (document["net_amount"] * TAX_RATE[entity]).quantize(CENT, rounding=ROUND_HALF_UP)
    return await _change(
        connection,
        document["doc_id"],
        "document_status = 'POSTED', document_no = $2, posted_on = $3, tax_amount = $4,"
        " gross_amount = net_amount + $4, open_amount = net_amount + $4",
        number,
        posting_date,
        tax,
    )


async def pay(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    amount, paid_on = read_fields(fields, amount=MONEY, paid_on=DATE)
    document = await select_document(connection, path)
    if document["document_status"] not in ("POSTED", "PART_PAID"):
        message = f"A document that is {document['document_status']} takes no payments."
        raise broken("NOT_PAYABLE", message)
    if amount <= 0:
        raise Refusal(Reason.INVALID, "amount must be more than zero.")
    if amount > document["open_amount"]:
        message = f"Only {document['open_amount']} {document['currency']} is still open."
        raise broken("OVERPAID", message)
    return await _change(
        connection,
        document["doc_id"],
        "paid_amount = paid_amount + $2, open_amount = open_amount - $2,"
        " last_payment_on = greatest(last_payment_on, $3),"
        " document_status = CASE WHEN open_amount = $2 THEN 'PAID' ELSE 'PART_PAID' END",
        amount,
        paid_on,
    )


async def cancel(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """A posted document keeps its number, so that the series stays without gaps."""
    read_fields(fields)
    document = await select_document(connection, path)
    if document["document_status"] not in ("DRAFT", "POSTED"):
        message = f"A document that is {document['document_status']} cannot be cancelled."
        raise broken("NOT_CANCELLABLE", message)
    change = "document_status = 'CANCELLED', open_amount = 0"
    return await _change(connection, document["doc_id"], change)


def refuse_unless_draft(document: Row) -> None:
    if document["document_status"] != "DRAFT":
        message = (
            f"Document {document['document_no'] or document['doc_id']} is "
            f"{document['document_status']} and can no longer be changed."
        )
        raise broken("DOCUMENT_IMMUTABLE", message)


async def draw_number(connection: Connection, entity: str, day: date) -> str:
    """The next number of the entity's year; a refusal later in the transaction gives it back."""
    series = f"{entity}-{day:%Y}"
    drawn = await connection.fetchrow(
        "INSERT INTO number_series AS s VALUES ($1, 1, $2) ON CONFLICT (series) DO UPDATE"
        " SET last_number = s.last_number + 1, last_date = $2"
        " WHERE s.last_date <= $2 RETURNING last_number",
        series,
        day,
    )
    if drawn is None:
        message = f"Series {series} already holds a document later than {day}; post it later."
        raise broken("DATE_ORDER", message)
    return f"{series}-{drawn['last_number']:05d}"


async def number_project(connection: Connection, values: Mapping[str, object]) -> str:
    """Projects are numbered within the month they start in."""
    start = values["start_on"]
    series = f"P-{start:%y%m}"
    number = await connection.fetchval(
        "INSERT INTO number_series AS s VALUES ($1, 1) ON CONFLICT (series) DO UPDATE"
        " SET last_number = s.last_number + 1 RETURNING last_number",
        series,
    )
    return f"{series}-{number:03d}"


async def select_document(connection: Connection, path: Path) -> Row:
    """The document, locked until the transaction ends."""
    missing = Refusal(Reason.NOT_FOUND, f"There is no {path['doc_id']} in ar-invoices.")
    try:
        key = ID.decode(path["doc_id"])
    except ValueError:
        raise missing from None
    query = "SELECT * FROM ar_invoices WHERE doc_id = $1 FOR UPDATE"
    document: Row | None = await connection.fetchrow(query, key)
    if document is None:
        raise missing
    return document


async def _change(
    connection: Connection, doc_id: int, changes: str, *values: object
) -> dict[str, Any]:
    row = await connection.fetchrow(
        f"UPDATE ar_invoices SET {changes}, version = version + 1, updated_at = now()"
        " WHERE doc_id = $1 RETURNING *",
        doc_id,
        *values,
    )
    return dict(row)
