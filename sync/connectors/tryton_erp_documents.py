"""What a Tryton invoice holds line by line: its lines, its taxes and its payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sync.connectors.binding import Column, FxColumns, MoneyColumns, PartColumn
from sync.connectors.words import spoken

Told = Mapping[str, Any]

UNITS = {"h": "hour", "d": "day", "u": "item"}
"""Tryton's own symbols of what is counted."""

DOCUMENT_FIELDS = (
    *("lines.type", "lines.description", "lines.quantity", "lines.unit.symbol"),
    *("lines.unit_price", "lines.amount", "lines.taxes.name"),
    *("taxes.base", "taxes.amount", "taxes.tax.name", "taxes.tax.rate"),
    *("payment_lines.debit", "payment_lines.credit", "payment_lines.move.number"),
    "payment_lines.move.journal.name",
)

PAR = "PAR"
"""Tryton publishes no rate of a currency to itself, and names no publisher of any other."""

FX = FxColumns(
    rate="fx_rate", base="currency", quote="book_currency", on="fx_date", source="fx_source"
)
LINES = PartColumn(
    name="lines",
    parts={
        "line": Column(name="line"),
        "description": Column(name="description"),
        "quantity": Column(name="quantity"),
        "unit": spoken("unit", UNITS),
        "unit_price": MoneyColumns(amount="unit_price", currency="currency"),
        "net": MoneyColumns(amount="amount", currency="currency"),
        "tax_code": Column(name="tax"),
    },
)
TAX_LINES = PartColumn(
    name="tax_lines",
    parts={
        "code": Column(name="tax"),
        "rate": Column(name="rate"),
        "base": MoneyColumns(amount="base", currency="currency"),
        "tax": MoneyColumns(amount="amount", currency="currency"),
    },
)
APPLICATIONS = PartColumn(
    name="applications",
    parts={
        "payment": Column(name="move"),
        "applied_on": Column(name="date"),
        "amount": MoneyColumns(amount="amount", currency="currency"),
        "method": Column(name="journal"),
        "fx": FX,
    },
)


def lines_of(record: Told) -> list[dict[str, Any]]:
    """The lines that bear an amount; Tryton counts in floats, which are spelt out here."""
    lines = [one for one in record.get("lines") or () if one["type"] == "line"]
    return [_line(record, place, one) for place, one in enumerate(lines, start=1)]


def tax_lines_of(record: Told) -> list[dict[str, Any]]:
    return [
        {
            "tax": one["tax"]["name"],
            "rate": one["tax"]["rate"],
            "base": one["base"],
            "amount": one["amount"],
            "currency": record["currency"]["code"],
        }
        for one in record.get("taxes") or ()
    ]


def applications_of(record: Told) -> list[dict[str, Any]]:
    """What was booked against the debt, in the order of the days and of the numbers of moves."""
    lines: Sequence[Told] = record.get("payment_lines") or ()
    told = [_application(record, one) for one in lines]
    return sorted(told, key=lambda one: (str(one["date"]), one["move"]))


def book_rate_of(record: Told, day: str | None) -> dict[str, Any]:
    """The rate to the company's currency on a day that is booked: 1 where that is the document's.

    Of a document in another currency Tryton keeps the day, and no rate: it stays unknown.
    """
    books = record["company"]["currency"]["code"]
    is_told = day is not None and books == record["currency"]["code"]
    return {
        "fx_rate": "1" if is_told else None,
        "book_currency": books,
        "fx_date": day,
        "fx_source": PAR if is_told else None,
    }


def _line(record: Told, place: int, told: Told) -> dict[str, Any]:
    taxes = [tax["name"] for tax in told["taxes"] or ()]
    return {
        "line": place,
        "description": told["description"],
        "quantity": str(told["quantity"]),
        "unit": (told["unit"] or {}).get("symbol", "u"),
        "unit_price": told["unit_price"],
        "amount": told["amount"],
        "currency": record["currency"]["code"],
        "tax": next(iter(taxes), None),
    }


def _application(record: Told, told: Told) -> dict[str, Any]:
    move: Told = told.get("move") or {}
    amount = Decimal(told.get("credit") or 0) - Decimal(told.get("debit") or 0)
    return {
        "move": move.get("number") or "",
        "date": told["date"],
        "amount": str(amount),
        "currency": record["currency"]["code"],
        "journal": (move.get("journal") or {}).get("name"),
        **book_rate_of(record, told["date"]),
    }
