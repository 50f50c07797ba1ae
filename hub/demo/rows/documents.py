"""What an invoice holds line by line, in the words of the ERP; amounts are text in JSON."""

from typing import Any

from hub.demo.bills import Invoice

UNITS = {"hour": "HUR", "day": "DAY", "item": "C62"}


def positions(invoice: Invoice) -> list[dict[str, Any]]:
    return [
        {
            "pos_no": number,
            "text": one.text,
            "qty": str(one.quantity),
            "uom": UNITS[one.unit],
            "price": str(one.price),
            "amount": str(one.net),
            "currency": invoice.entity.currency,
            "tax_category": one.tax_code,
        }
        for number, one in enumerate(invoice.lines, start=1)
    ]


def tax_lines(invoice: Invoice) -> list[dict[str, Any]] | None:
    """Nobody knows the tax before the document is posted."""
    if invoice.posted_on is None:
        return None
    return [
        {
            "category": one.code,
            "rate": str(one.rate),
            "base": str(one.base),
            "tax": str(one.tax),
            "currency": invoice.entity.currency,
        }
        for one in invoice.tax_lines
    ]


def applications(invoice: Invoice) -> list[dict[str, Any]]:
    return [
        {
            "payment_no": f"{invoice.document_no}/{number}",
            "applied_on": one.applied_on.isoformat(),
            "amount": str(one.amount),
            "currency": invoice.entity.currency,
            "method": "BANK",
            "fx_rate": "1",
        }
        for number, one in enumerate(invoice.applications, start=1)
    ]
