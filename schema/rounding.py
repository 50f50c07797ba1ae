"""Rounding: a policy of the legal entity, applied at document borders and nowhere else.

| What | Rounded to | When |
|---|---|---|
| line net (quantity x rate) | minor unit of the currency | as the line is written |
| tax | minor unit of the currency | per line, or once per tax category of the document |
| total to pay | the policy's `precision` | last; the difference is a line of its own |

Rates, conversions and running sums are never rounded: what is rounded here is printed and stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

import strawberry

from schema.errors import Invalid
from schema.money import EXACT, Money, minor_unit
from schema.rate import Rate


@strawberry.enum(description="Where exactly half a step goes: away from zero, or to the even one.")
class RoundingMode(Enum):
    HALF_UP = strawberry.enum_value("half_up", description="Away from zero.")
    HALF_EVEN = strawberry.enum_value("half_even", description="To the even one.")


@strawberry.enum(description="Lines are rounded first and then added exactly, as EN 16931 demands.")
class NetRounding(Enum):
    LINE = strawberry.enum_value("line", description="Each line.")


@strawberry.enum(description="What tax is calculated and rounded on.")
class TaxRounding(Enum):
    LINE = strawberry.enum_value("line", description="Each line.")
    CATEGORY_DOCUMENT = strawberry.enum_value(
        "category_document", description="The lines of one category, added up."
    )


class Inclusive(Enum):
    """Of an amount that contains its tax: which part is rounded; the other is the rest."""

    NET_FIRST = "net_first"
    TAX_FIRST = "tax_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingPolicy:
    """How one legal entity rounds.

    `precision` is the step of the total to pay: 0.05 where the smallest coin asks for it, 1 for
    whole units. Without one, and in a currency that has no such amounts, it is the minor unit.
    """

    net_rounding: NetRounding = NetRounding.LINE
    tax_rounding: TaxRounding = TaxRounding.CATEGORY_DOCUMENT
    mode: RoundingMode = RoundingMode.HALF_UP
    precision: Decimal | None = None
    inclusive: Inclusive = Inclusive.NET_FIRST

    def __post_init__(self) -> None:
        if self.precision is not None and not self.precision > 0:
            raise Invalid(f"Nothing rounds to {self.precision}: a precision is more than 0.")

    def to_minor(self, amount: Money) -> Money:
        return self._rounded(amount, minor_unit(amount.currency))

    def to_pay(self, amount: Money) -> Money:
        return self._rounded(amount, self._payment_step(amount.currency))

    def _payment_step(self, currency: str) -> Decimal:
        minor = minor_unit(currency)
        if self.precision is None or self.precision % minor:
            return minor
        return self.precision

    def _rounded(self, amount: Money, step: Decimal) -> Money:
        return Money(amount=to_step(amount.amount, step, self.mode), currency=amount.currency)


DEFAULT_POLICY = RoundingPolicy()
"""Half up, tax once per category: for an entity whose ledger does not say otherwise."""


def to_step(amount: Decimal, step: Decimal, mode: RoundingMode) -> Decimal:
    """The multiple of `step` nearest to the amount; rounding it again changes nothing."""
    steps, rest = EXACT.divmod(abs(amount), step)
    beyond_half = EXACT.compare(rest * 2, step)
    if beyond_half > 0 or (beyond_half == 0 and _goes_up(steps, mode)):
        steps += 1
    nearest = EXACT.multiply(steps, step)
    return -nearest if amount < 0 else nearest


def line_net(quantity: Decimal, rate: Rate, policy: RoundingPolicy) -> Money:
    """What a line costs: the quantity as it is printed on the document, times the rate."""
    return policy.to_minor(Money(amount=quantity * rate.amount, currency=rate.currency))


def tax_on(net: Money, tax_rate: Decimal, policy: RoundingPolicy) -> Money:
    """The tax on the net of one line, or of all lines of one category."""
    return policy.to_minor(Money(amount=net.amount * tax_rate, currency=net.currency))


def tax_within(gross: Money, tax_rate: Decimal, policy: RoundingPolicy) -> Money:
    """The tax that an amount contains; amount less tax is the net, to the last unit."""
    exact_net = gross.amount / (1 + tax_rate)
    if policy.inclusive is Inclusive.NET_FIRST:
        return gross - policy.to_minor(Money(amount=exact_net, currency=gross.currency))
    return policy.to_minor(Money(amount=gross.amount - exact_net, currency=gross.currency))


def _goes_up(steps: Decimal, mode: RoundingMode) -> bool:
    return mode is RoundingMode.HALF_UP or steps % 2 == 1
