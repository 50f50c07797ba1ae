"""The documents of the ERP stand-in's receivables, and the one way to change a posted one."""

from typing import Any

from hub.demo.calls import Path, broken
from hub.demo.entities import ENTITY_CODES
from hub.demo.kinds import (
    COUNT,
    CURRENCY,
    DATE,
    FLAG,
    FRACTION,
    FX,
    ID,
    MONEY,
    TEXT,
    document,
)
from hub.demo.refusals import Reason, Refusal
from hub.demo.storage import update_row
from hub.demo.tables import (
    EXACT,
    LIKE,
    RANGE,
    Connection,
    Row,
    Table,
    anchor,
    choice,
    copied,
    given,
    number_key,
    own,
)

BOOK_RATE = {
    "fx_rate": FX,
    "book_currency": CURRENCY,
    "fx_date": DATE,
    "fx_provider": TEXT,
}
"""What one unit of the document's currency is worth in that of the books."""
POSITION = {
    "pos_no": COUNT,
    "text": TEXT,
    "qty": FRACTION,
    "uom": TEXT,
    "price": MONEY,
    "amount": MONEY,
    "currency": CURRENCY,
    "tax_category": TEXT,
}
TAX_LINE = {
    "category": TEXT,
    "rate": FRACTION,
    "base": MONEY,
    "tax": MONEY,
    "currency": CURRENCY,
}
APPLICATION = {
    "payment_no": TEXT,
    "applied_on": DATE,
    "amount": MONEY,
    "currency": CURRENCY,
    "method": TEXT,
    **BOOK_RATE,
}
OPEN_STATUSES = ("POSTED", "SENT", "PART_PAID")
"""A document in one of these is legal, and something of it is still owed."""


async def refuse_changes(connection: Connection, before: Row | None, values: Row) -> None:
    """A legal document stands as it is; only that it is disputed may still be noted."""
    if before is not None and values.keys() != {"in_dispute"}:
        refuse_unless_draft(before)


def refuse_unless_draft(document: Row) -> None:
    if document["document_status"] != "DRAFT":
        message = (
            f"Document {document['document_no'] or document['doc_id']} is "
            f"{document['document_status']} and can no longer be changed."
        )
        raise broken("DOCUMENT_IMMUTABLE", message)


AR_INVOICES = Table(
    name="ar_invoices",
    key=number_key("doc_id"),
    check=refuse_changes,
    columns=(
        anchor("billing_ref"),
        copied("customer_no", by=EXACT, references="customers"),
        copied("project_no", by=EXACT, references="projects"),
        choice("entity_code", *ENTITY_CODES),
        choice("doc_type", "INV", "CRN", "DBN", default="INV"),
        anchor("corrects_ref", is_nullable=True),
        own("currency", CURRENCY),
        own("net_amount", MONEY),
        copied("positions", document(POSITION, is_list=True)),
        copied("due_on", DATE, by=RANGE),
        copied("in_dispute", FLAG),
        given("document_no", by=LIKE | EXACT),
        given("document_status", by=EXACT, default="'DRAFT'"),
        given("status_reason"),
        given("cancelled_by_no"),
        given("posted_on", DATE, by=RANGE),
        given("sent_on", DATE, by=RANGE),
        given("tax_amount", MONEY),
        given("tax_lines", document(TAX_LINE, is_list=True)),
        given("rounding_amount", MONEY),
        *(given(name, kind) for name, kind in BOOK_RATE.items()),
        given("gross_amount", MONEY),
        given("paid_amount", MONEY, default="0"),
        given("written_off_amount", MONEY, default="0"),
        given("open_amount", MONEY),
        given("last_payment_on", DATE),
        given("applications", document(APPLICATION, is_list=True), default="'[]'"),
        given("dunning_level", COUNT, default="0"),
    ),
)


async def select_document(connection: Connection, path: Path) -> Row:
    """The document, locked until the transaction ends."""
    missing = Refusal(Reason.NOT_FOUND, f"There is no {path['doc_id']} in ar-invoices.")
    try:
        key = ID.decode(path["doc_id"])
    except ValueError:
        raise missing from None
    query = "SELECT * FROM ar_invoices WHERE doc_id = $1 FOR UPDATE"
    found: Row | None = await connection.fetchrow(query, key)
    if found is None:
        raise missing
    return found


async def change_document(
    connection: Connection, document: Row, **values: object
) -> dict[str, Any]:
    return dict(await update_row(connection, AR_INVOICES, document["doc_id"], values))
