"""What an invoice holds line by line, in the words of the ERP; amounts are text in JSON."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from hub.demo.bills import Invoice
from hub.demo.drawing.exchange import Exchange, ExchangeTable

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
            "currency": invoice.currency,
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
            "currency": invoice.currency,
        }
        for one in invoice.tax_lines
    ]


def book_rate(fx: Exchange | None) -> dict[str, Any]:
    """The rate to the books as columns; a document has none before it is posted."""
    return {
        "fx_rate": fx and fx.rate,
        "book_currency": fx and fx.quote,
        "fx_date": fx and fx.since,
        "fx_provider": fx and fx.source,
    }


def applications(invoice: Invoice, exchange: ExchangeTable) -> list[dict[str, Any]]:
    """Each at the rate of its own day: what it differs from the posting's is gained or lost."""
    return [
        {
            "payment_no": f"{invoice.document_no}/{number}",
            "applied_on": one.applied_on.isoformat(),
            "amount": str(one.amount),
            "currency": invoice.currency,
            "method": "BANK",
            **as_text(book_rate(_rate_on(invoice, exchange, one.applied_on))),
        }
        for number, one in enumerate(invoice.applications, start=1)
    ]


def posted_rate(invoice: Invoice, exchange: ExchangeTable) -> dict[str, Any]:
    day = invoice.posted_on
    return book_rate(None if day is None else _rate_on(invoice, exchange, day))


def as_text(cells: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in cells.items()}


def _rate_on(invoice: Invoice, exchange: ExchangeTable, day: date) -> Exchange:
    return exchange.at(invoice.currency, invoice.entity.currency, day)
