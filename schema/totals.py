"""Totals: what a document adds up to under the rounding policy of its legal entity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from schema.allocation import apportion
from schema.money import EXACT, Money, minor_unit, total
from schema.rounding import RoundingPolicy, TaxRounding, tax_on, tax_within


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxCategory:
    """Lines with the same tax code and rate; the rate is a fraction: 0.21."""

    code: str
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """One line before rounding; `amount` contains the tax where the document's prices do."""

    amount: Money
    category: TaxCategory


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryTax:
    """One row of the tax breakdown."""

    category: TaxCategory
    base: Money
    tax: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What is printed: to pay = nets + tax + rounding, exactly.

    `nets` are those of the lines, in their order; `taxes` has one row per category, in the order
    of first use.
    """

    nets: tuple[Money, ...]
    taxes: tuple[CategoryTax, ...]
    net: Money
    tax: Money
    rounding: Money
    to_pay: Money


def totals(
    lines: Sequence[PricedLine],
    currency: str,
    policy: RoundingPolicy,
    *,
    prices_include_tax: bool = False,
) -> Totals:
    """The totals of a document. Raises Invalid for a line in another currency.

    Where prices include tax, net and tax together are what was quoted, to the last unit.
    """
    price = _inclusive if prices_include_tax else _exclusive
    nets: dict[int, Money] = {}
    taxes: list[CategoryTax] = []
    for category, places in _by_category(lines).items():
        amounts = [policy.to_minor(lines[place].amount) for place in places]
        own_nets, tax = price(amounts, category.rate, currency, policy)
        nets.update(zip(places, own_nets, strict=True))
        taxes.append(CategoryTax(category=category, base=total(own_nets, currency), tax=tax))
    return _totals([nets[place] for place in range(len(lines))], taxes, currency, policy)


def _totals(
    nets: Sequence[Money], taxes: Sequence[CategoryTax], currency: str, policy: RoundingPolicy
) -> Totals:
    net = total(nets, currency)
    tax = total((row.tax for row in taxes), currency)
    to_pay = policy.to_pay(net + tax)
    return Totals(
        nets=tuple(nets),
        taxes=tuple(taxes),
        net=net,
        tax=tax,
        rounding=to_pay - (net + tax),
        to_pay=to_pay,
    )


def _exclusive(
    amounts: Sequence[Money], tax_rate: Decimal, currency: str, policy: RoundingPolicy
) -> tuple[Sequence[Money], Money]:
    """Nets as they are, and the tax on top of them."""
    bases: Iterable[Money] = amounts
    if policy.tax_rounding is TaxRounding.CATEGORY_DOCUMENT:
        bases = [total(amounts, currency)]
    return amounts, total((tax_on(base, tax_rate, policy) for base in bases), currency)


def _inclusive(
    amounts: Sequence[Money], tax_rate: Decimal, currency: str, policy: RoundingPolicy
) -> tuple[Sequence[Money], Money]:
    """Nets and tax taken out of amounts that contain it."""
    if policy.tax_rounding is TaxRounding.LINE:
        taxes = [tax_within(amount, tax_rate, policy) for amount in amounts]
        nets = [amount - tax for amount, tax in zip(amounts, taxes, strict=True)]
        return nets, total(taxes, currency)
    gross = total(amounts, currency)
    tax = tax_within(gross, tax_rate, policy)
    return _spread(gross - tax, amounts, tax_rate), tax


def _spread(net: Money, amounts: Sequence[Money], tax_rate: Decimal) -> list[Money]:
    """The category's net over its lines: each within one minor unit of its own exact net."""
    unit = minor_unit(net.currency)
    scale = Fraction(unit) * (1 + Fraction(tax_rate))
    parts = apportion(int(net.amount / unit), [Fraction(a.amount) / scale for a in amounts])
    return [Money(amount=EXACT.multiply(Decimal(p), unit), currency=net.currency) for p in parts]


def _by_category(lines: Sequence[PricedLine]) -> Mapping[TaxCategory, list[int]]:
    places: dict[TaxCategory, list[int]] = {}
    for place, line in enumerate(lines):
        places.setdefault(line.category, []).append(place)
    return places
