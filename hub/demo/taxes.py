"""How the ERP stand-in works out a document: tax by category, and rounding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Any

from hub.demo.calls import broken
from hub.demo.tables import Connection, Row

CENT = Decimal("0.01")
HALVES = {"UP": ROUND_HALF_UP, "EVEN": ROUND_HALF_EVEN}
STANDARD = {"NL01": "S", "UK01": "S", "US01": "O"}
TAX_RATES: Mapping[tuple[str, str], Decimal] = {
    ("NL01", "S"): Decimal("0.21"),
    ("NL01", "R"): Decimal("0.09"),
    ("NL01", "E"): Decimal(0),
    ("UK01", "S"): Decimal("0.20"),
    ("UK01", "R"): Decimal("0.05"),
    ("UK01", "E"): Decimal(0),
    ("US01", "O"): Decimal(0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a document says below its positions."""

    tax_lines: list[dict[str, Any]]
    tax: Decimal
    rounding: Decimal
    gross: Decimal


async def work_out(connection: Connection, document: Row) -> Figures:
    """Tax of every category and the amount to pay, rounded as the entity's books are."""
    rule = await connection.fetchval(
        "SELECT rounding FROM entities WHERE entity_code = $1", document["entity_code"]
    )
    positions = _positions(document)
    refuse_other_sum(document, positions)
    categories = dict.fromkeys(one["tax_category"] for one in positions)
    lines = [
        _tax_line(document, category, _amounts(positions, category), rule)
        for category in categories
    ]
    tax = sum((Decimal(line["tax"]) for line in lines), Decimal(0))
    exact: Decimal = document["net_amount"] + tax
    gross = round_to(exact, Decimal(rule["step"]), rule["half_goes"])
    return Figures(tax_lines=lines, tax=tax, rounding=gross - exact, gross=gross)


def round_to(amount: Decimal, step: Decimal, half_goes: str) -> Decimal:
    """The multiple of `step` nearest to the amount, in cents."""
    steps = (amount / step).quantize(Decimal(1), rounding=HALVES[half_goes])
    return (steps * step).quantize(CENT)


def refuse_other_sum(document: Row, positions: Iterable[Mapping[str, Any]]) -> None:
    total = sum((Decimal(one["amount"] or 0) for one in positions), Decimal(0))
    if total != document["net_amount"]:
        message = f"The positions come to {total}, not to the net of {document['net_amount']}."
        raise broken("POSITIONS_DIFFER", message)


def _positions(document: Row) -> list[Mapping[str, Any]]:
    """A document without positions is one of the usual kind."""
    usual = {
        "tax_category": STANDARD[document["entity_code"]],
        "amount": str(document["net_amount"]),
    }
    return document["positions"] or [usual]


def _amounts(positions: Iterable[Mapping[str, Any]], category: str | None) -> list[Decimal]:
    return [Decimal(one["amount"] or 0) for one in positions if one["tax_category"] == category]


def _tax_line(
    document: Row, category: str | None, amounts: list[Decimal], rule: Mapping[str, str]
) -> dict[str, Any]:
    """Rounded once for the category, or for each position, as the entity does it."""
    code = category or STANDARD[document["entity_code"]]
    rate = TAX_RATES.get((document["entity_code"], code))
    if rate is None:
        message = f"{document['entity_code']} has no tax category {code}."
        raise broken("TAX_CATEGORY_UNKNOWN", message)
    base = sum(amounts, Decimal(0))
    bases = amounts if rule["tax_at"] == "LINE" else [base]
    taxes = [round_to(one * rate, CENT, rule["half_goes"]) for one in bases]
    return {
        "category": code,
        "rate": str(rate),
        "base": str(base),
        "tax": str(sum(taxes, Decimal(0))),
        "currency": document["currency"],
    }
