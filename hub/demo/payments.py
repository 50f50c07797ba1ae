"""Money that arrives in the ERP stand-in, and money that is taken back again."""

from datetime import date
from decimal import Decimal
from typing import Any

from hub.demo.calls import Fields, Path, broken, read_fields
from hub.demo.documents import OPEN_STATUSES, change_document, select_document
from hub.demo.exchange import read_book_rate
from hub.demo.kinds import DATE, MONEY, TEXT
from hub.demo.refusals import Reason, Refusal
from hub.demo.tables import Connection, Row


async def pay(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """Applies a payment; a negative one is a payment that the bank took back."""
    told = {"method": "BANK", **fields}
    amount, paid_on, method = read_fields(told, amount=MONEY, paid_on=DATE, method=TEXT)
    document = await select_document(connection, path)
    if amount == 0:
        raise Refusal(Reason.INVALID, "amount must not be zero.")
    if amount > 0:
        refuse_payment(document, amount)
    else:
        refuse_taking_back(document, -amount)
    paid = document["paid_amount"] + amount
    fx = await read_book_rate(connection, document, paid_on)
    return await change_document(
        connection,
        document,
        document_status=_status_of(document, paid, document["open_amount"] - amount),
        paid_amount=paid,
        open_amount=document["open_amount"] - amount,
        last_payment_on=max(paid_on, document["last_payment_on"] or paid_on),
        applications=applied(document, amount, paid_on, fx=fx, method=method),
    )


def refuse_payment(document: Row, amount: Decimal) -> None:
    if document["document_status"] not in OPEN_STATUSES:
        message = f"A document that is {document['document_status']} takes no payments."
        raise broken("NOT_PAYABLE", message)
    if amount > document["open_amount"]:
        message = f"Only {document['open_amount']} {document['currency']} is still open."
        raise broken("OVERPAID", message)


def refuse_taking_back(document: Row, amount: Decimal) -> None:
    is_paid = document["document_status"] in ("PAID", "PART_PAID")
    if not is_paid or amount > _paid_in_money(document):
        message = f"{amount} {document['currency']} was not paid in money, to be taken back."
        raise broken("NOTHING_TO_TAKE_BACK", message)


def applied(
    document: Row, amount: Decimal, day: date, *, fx: Row, method: str, ref: str | None = None
) -> list[dict[str, Any]]:
    """The document's applications with one more, at the rate of its day."""
    earlier: list[dict[str, Any]] = document["applications"]
    return [
        *earlier,
        {
            "payment_no": ref or f"{document['document_no']}/{len(earlier) + 1}",
            "applied_on": day.isoformat(),
            "amount": str(amount),
            "currency": document["currency"],
            "method": method,
            **{name: str(value) for name, value in fx.items()},
        },
    ]


def _paid_in_money(document: Row) -> Decimal:
    money = [one for one in document["applications"] if one["method"] != "CREDIT_NOTE"]
    return sum((Decimal(one["amount"]) for one in money), Decimal(0))


def _status_of(document: Row, paid: Decimal, still_open: Decimal) -> str:
    """What has been sent stays sent, whatever becomes of its payments."""
    if still_open == 0:
        return "PAID"
    unpaid = "SENT" if document["sent_on"] else "POSTED"
    return "PART_PAID" if paid else unpaid
