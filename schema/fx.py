"""FX: a published rate of one day in one direction, and what it makes of an amount."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import strawberry

from schema.errors import Invalid
from schema.money import Money, known_currency

SIGNIFICANT_DIGITS = 10


@strawberry.type(
    description="How many of `quote` one of `base` was worth on a day, according to its source."
)
class FxRate:
    """It converts in its own direction only: the way back has a published rate of its own.

    A document keeps each of its amounts with the rate that made it; no stored amount is ever
    derived from another one later, for the result would differ by the rounding in between.

    Raises Invalid for a currency nobody knows, a rate of 0 or less or with more than ten digits,
    and a rate from a currency to itself that is not 1.
    """

    base: str = strawberry.field(description="ISO 4217 code of what is converted.")
    quote: str = strawberry.field(description="ISO 4217 code of what it becomes.")
    rate: Decimal = strawberry.field(
        description="Exact decimal, as text; up to ten significant digits. 1 within one currency."
    )
    on: date = strawberry.field(name="date", description="The day it is the rate of.")
    source: str = strawberry.field(description="Who published it, in the owner's own words.")

    def __post_init__(self) -> None:
        known_currency(self.base)
        known_currency(self.quote)
        if not self.rate.is_finite() or self.rate <= 0:
            raise Invalid(f"{self.rate} is no rate from {self.base} to {self.quote}.")
        if len(self.rate.normalize().as_tuple().digits) > SIGNIFICANT_DIGITS:
            raise Invalid(f"{self.rate} has more than {SIGNIFICANT_DIGITS} significant digits.")
        if self.base == self.quote and self.rate != 1:
            raise Invalid(f"The rate from {self.base} to itself is 1, not {self.rate}.")

    def convert(self, amount: Money) -> Money:
        """The amount in `quote`, not rounded: that is for the document it will stand in.

        Raises Invalid for an amount that is not in `base`.
        """
        if amount.currency != self.base:
            raise Invalid(
                f"This rate is from {self.base} to {self.quote}; it says nothing of "
                f"{amount.currency}."
            )
        return Money(amount=amount.amount * self.rate, currency=self.quote)


def fx_rate(
    rate: Decimal | None, base: str | None, quote: str | None, on: date | None, source: str | None
) -> FxRate | None:
    """The five as an FxRate, or None when its owner has not said them all yet."""
    if rate is None or base is None or quote is None or on is None or source is None:
        return None
    return FxRate(rate=rate.normalize(), base=base, quote=quote, on=on, source=source)
