"""Money: an exact decimal amount that never travels without its currency.

Inside Concord, amounts are trusted and cheap to make; `parse_money` checks what comes from
outside. Minor units are those of ISO 4217; locale data disagrees with it and only serves display.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

import strawberry
from iso4217 import Currency

from schema.errors import Invalid

EXACT = Context(prec=28, traps=[Inexact, InvalidOperation, Overflow])
"""For sums and conversions that claim to lose nothing: a lost digit raises instead."""

_MOST = Decimal(10) ** 14
"""Amounts stay below this: the projection keeps 14 digits before the point."""


@strawberry.type(description="An exact amount in one ISO 4217 currency.")
class Money:
    """Equal by value: 2.0 EUR is 2.00 EUR. Other currencies never mix: Invalid names both."""

    amount: Decimal = strawberry.field(description="Exact decimal, as text; never a float.")
    currency: str = strawberry.field(description="ISO 4217 code.")

    def __add__(self, other: Money) -> Money:
        self._require_same(other)
        return Money(amount=EXACT.add(self.amount, other.amount), currency=self.currency)

    def __sub__(self, other: Money) -> Money:
        self._require_same(other)
        return Money(amount=EXACT.subtract(self.amount, other.amount), currency=self.currency)

    def __neg__(self) -> Money:
        return Money(amount=EXACT.minus(self.amount), currency=self.currency)

    def _require_same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise Invalid(
                f"{self.currency} and {other.currency} do not add up: convert one of them first."
            )


def money(amount: Decimal | None, currency: str | None) -> Money | None:
    """The amount as Money, or None when its owner has not said it yet."""
    if amount is None or currency is None:
        return None
    return Money(amount=amount, currency=currency)


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The exact sum; zero of `currency` for none. Raises Invalid for any other currency."""
    return sum(amounts, start=Money(amount=Decimal(0), currency=currency))


def parse_money(amount: Decimal, currency: str) -> Money:
    """Money from outside.

    Raises Invalid for a currency that ISO 4217 does not have, and for an amount that cannot be
    paid in it: one with more decimals than its minor unit, or too large to be stored.
    """
    allowed = minor_digits(currency)
    if not amount.is_finite() or abs(amount) >= _MOST:
        raise Invalid(f"{amount} is no amount: it has at most 14 digits before the point.")
    if decimals_of(amount) > allowed:
        raise Invalid(f"{amount} is too fine: {currency} has {allowed} decimals.")
    return Money(amount=amount, currency=currency)


def known_currency(code: str) -> str:
    """The code itself. Raises Invalid unless it is an ISO 4217 currency that can be paid in."""
    minor_digits(code)
    return code


def minor_digits(currency: str) -> int:
    """How many decimals the currency has: JPY 0, EUR 2, BHD 3."""
    digits = _MINOR_DIGITS.get(currency)
    if digits is None:
        raise Invalid(
            f"{currency[:20]!r} is no ISO 4217 currency with amounts; write its code, like EUR."
        )
    return digits


def minor_unit(currency: str) -> Decimal:
    """The smallest amount of the currency: 1 for JPY, 0.01 for EUR."""
    return Decimal(1).scaleb(-minor_digits(currency))


def decimals_of(amount: Decimal) -> int:
    """How many decimals the value needs; trailing zeros are none."""
    return len(format(amount, "f").partition(".")[2].rstrip("0"))


_MINOR_DIGITS = {c.code: c.exponent for c in Currency if c.exponent is not None}
"""Without gold, testing codes and the like, which have no minor unit."""
