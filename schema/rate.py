"""Rate: the price of one unit of work, kept finer than any amount that is paid."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

import strawberry

from schema.enums import explained
from schema.errors import Invalid
from schema.money import decimals_of, known_currency

RATE_DECIMALS = 6
"""How fine a rate may be; it is never rounded, only the amount it gives."""

_MOST = Decimal(10) ** 14


class RateUnit(Enum):
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    UNIT = "unit"


_UNITS = {
    RateUnit.HOUR: "Sixty minutes of work.",
    RateUnit.DAY: "A working day.",
    RateUnit.MONTH: "A calendar month.",
    RateUnit.UNIT: "One piece of what is billed.",
}
explained(RateUnit, "What a rate is the price of.", _UNITS)


@strawberry.type(description="The price of one hour, day, month or unit of work.")
class Rate:
    amount: Decimal = strawberry.field(description="Exact decimal, as text; up to six decimals.")
    currency: str = strawberry.field(description="ISO 4217 code.")
    per: RateUnit = strawberry.field(description="What it is the price of.")


def rate(amount: Decimal | None, currency: str | None, per: RateUnit | None) -> Rate | None:
    """The three as a Rate, or None when its owner has not said them all yet."""
    if amount is None or currency is None or per is None:
        return None
    return Rate(amount=amount, currency=currency, per=per)


def parse_rate(amount: Decimal, currency: str, per: RateUnit) -> Rate:
    """A rate from outside. Raises Invalid for what is no price or finer than six decimals."""
    if not amount.is_finite() or not 0 <= amount < _MOST:
        raise Invalid(f"{amount} is no rate: it is 0 or more and has at most 14 digits.")
    if decimals_of(amount) > RATE_DECIMALS:
        raise Invalid(f"{amount} is too fine for a rate: it has at most {RATE_DECIMALS} decimals.")
    return Rate(amount=amount, currency=known_currency(currency), per=per)
