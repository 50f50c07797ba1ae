"""FX: a published rate of one day in one direction, and what it makes of an amount."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from schema.errors import Invalid
from schema.money import Money, known_currency

SIGNIFICANT_DIGITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FxRate:
    """How many `quote` one `base` was worth on a day, according to `source`.

    It converts in its own direction only: the way back has a published rate of its own. A
    document keeps each of its amounts with the rate that made it; no stored amount is ever
    derived from another one later, for the result would differ by the rounding in between.

    Raises Invalid for a currency nobody knows, or a rate of 0 or with more than ten digits.
    """

    rate: Decimal
    base: str
    quote: str
    on: date
    source: str

    def __post_init__(self) -> None:
        if known_currency(self.base) == known_currency(self.quote):
            raise Invalid(f"{self.base} needs no rate to itself.")
        if not self.rate.is_finite() or self.rate <= 0:
            raise Invalid(f"{self.rate} is no rate from {self.base} to {self.quote}.")
        if len(self.rate.normalize().as_tuple().digits) > SIGNIFICANT_DIGITS:
            raise Invalid(f"{self.rate} has more than {SIGNIFICANT_DIGITS} significant digits.")

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
