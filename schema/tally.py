"""Tally: whether a document adds up under the rounding policy of its legal entity."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from schema.entities.invoice import InvoiceLine, TaxLine
from schema.money import Money
from schema.rounding import RoundingPolicy
from schema.totals import PricedLine, TaxCategory, Totals, totals


def mismatch(
    net: Money, lines: Sequence[InvoiceLine], taxes: Sequence[TaxLine], policy: RoundingPolicy
) -> str | None:
    """What does not add up, in words; None for a document that does.

    Every line is its quantity times its price, rounded, and their sum is the net. Taxes are
    recomputed where the document has them. Raises Invalid for a line in another currency.
    """
    worked_out = totals(_priced(lines, taxes), net.currency, policy)
    return _of_lines(lines, worked_out) or _of_net(net, worked_out) or _of_taxes(taxes, worked_out)


def _priced(lines: Sequence[InvoiceLine], taxes: Sequence[TaxLine]) -> list[PricedLine]:
    rates = {tax.code: tax.rate for tax in taxes}
    return [
        PricedLine(
            amount=Money(
                amount=line.quantity * line.unit_price.amount, currency=line.unit_price.currency
            ),
            category=TaxCategory(
                code=line.tax_code or "", rate=rates.get(line.tax_code or "", Decimal(0))
            ),
        )
        for line in lines
    ]


def _of_lines(lines: Sequence[InvoiceLine], worked_out: Totals) -> str | None:
    for line, net in zip(lines, worked_out.nets, strict=True):
        if line.net != net:
            return f"line {line.line} is {_shown(net)}, not {_shown(line.net)}"
    return None


def _of_net(net: Money, worked_out: Totals) -> str | None:
    if worked_out.net != net:
        return f"the lines add up to {_shown(worked_out.net)}, not {_shown(net)}"
    return None


def _of_taxes(taxes: Sequence[TaxLine], worked_out: Totals) -> str | None:
    known = {row.category.code: row.tax for row in worked_out.taxes}
    for tax in taxes:
        if (right := known.get(tax.code)) != tax.tax:
            said = "nothing" if right is None else _shown(right)
            return f"tax {tax.code} is {said}, not {_shown(tax.tax)}"
    return None


def _shown(amount: Money) -> str:
    return f"{amount.amount:f} {amount.currency}"
