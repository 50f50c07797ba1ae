"""Credit notes in the ERP stand-in: each settles as much of the invoice it corrects."""

from decimal import Decimal
from functools import partial
from typing import Any

from hub.demo.calls import broken
from hub.demo.documents import BOOK_RATE, OPEN_STATUSES, change_document
from hub.demo.payments import applied
from hub.demo.tables import Connection, Row


async def settle_credit(connection: Connection, note: Row) -> dict[str, Any]:
    """Applies a posted credit note to its invoice; a refusal undoes the posting too."""
    invoice = await _select_corrected(connection, note)
    credit = -note["gross_amount"]
    refuse_wrong_amount(note, invoice, credit)
    day, settled = note["posted_on"], invoice["open_amount"] == credit
    fx = {name: note[name] for name in BOOK_RATE}
    credited = partial(applied, day=day, fx=fx, method="CREDIT_NOTE")
    await change_document(
        connection,
        invoice,
        document_status=_status_after(invoice, is_settled=settled),
        paid_amount=invoice["paid_amount"] + credit,
        open_amount=invoice["open_amount"] - credit,
        applications=credited(invoice, credit, ref=note["document_no"]),
    )
    return await change_document(
        connection,
        note,
        document_status="PAID",
        paid_amount=-credit,
        open_amount=Decimal(0),
        applications=credited(note, -credit, ref=invoice["document_no"]),
    )


async def _select_corrected(connection: Connection, note: Row) -> Row:
    found: Row | None = await connection.fetchrow(
        "SELECT * FROM ar_invoices WHERE billing_ref = $1 AND document_no IS NOT NULL FOR UPDATE",
        note["corrects_ref"],
    )
    if found is None or found["document_status"] not in OPEN_STATUSES:
        message = f"There is no open document of {note['corrects_ref']} to credit."
        raise broken("NOTHING_TO_CREDIT", message)
    return found


def refuse_wrong_amount(note: Row, invoice: Row, credit: Decimal) -> None:
    if credit <= 0:
        raise broken("CREDIT_SIGN", "A credit note has a negative amount.")
    if note["currency"] != invoice["currency"] or credit > invoice["open_amount"]:
        message = (
            f"Only {invoice['open_amount']} {invoice['currency']} of "
            f"{invoice['document_no']} is still open."
        )
        raise broken("CREDIT_TOO_LARGE", message)


def _status_after(invoice: Row, *, is_settled: bool) -> str:
    if not is_settled:
        return "PART_PAID"
    return "PAID" if invoice["document_status"] == "PART_PAID" else "CREDITED"
