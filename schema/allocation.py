"""Allocation: a whole split into parts that add up to it, by largest remainder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor

from schema.errors import Invalid
from schema.money import EXACT, Money, minor_unit, total

Weight = Decimal | int


def allocate(whole: Money, weights: Sequence[Weight]) -> list[Money]:
    """One part per weight, in proportion, each payable in the currency.

    The parts add up to the whole, and each is within one minor unit of its exact share; among
    equal remainders the earlier part gets the unit. Of a negative whole the parts are those of
    the positive one, negated. Raises Invalid for a whole that is not rounded yet, and for
    weights that are negative or all zero.
    """
    if not weights or min(weights) < 0 or not any(weights):
        raise Invalid("An amount is split by weights of 0 or more, one of them above 0.")
    unit = minor_unit(whole.currency)
    units = Fraction(whole.amount) / Fraction(unit)
    if units.denominator != 1:
        raise Invalid(f"{whole.amount} {whole.currency} must be rounded before it is split.")
    all_weights = sum(map(Fraction, weights))
    shares = [units * Fraction(weight) / all_weights for weight in weights]
    return [
        Money(amount=EXACT.multiply(Decimal(part), unit), currency=whole.currency)
        for part in apportion(int(units), shares)
    ]


def is_within(whole: Money, shares: Iterable[Money]) -> bool:
    """Whether signed shares add up to something between nothing and the whole, both included.

    Raises Invalid for a share in another currency.
    """
    taken = total(shares, whole.currency).amount
    return min(whole.amount, Decimal(0)) <= taken <= max(whole.amount, Decimal(0))


def apportion(whole: int, shares: Sequence[Fraction]) -> list[int]:
    """Whole numbers that add up to `whole`, each less than one away from its share.

    The shares add up to less than one more or less than the whole.
    """
    if whole < 0:
        return [-part for part in apportion(-whole, [-share for share in shares])]
    parts = [floor(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: parts[i] - shares[i])
    for i in by_remainder[: whole - sum(parts)]:
        parts[i] += 1
    return parts
