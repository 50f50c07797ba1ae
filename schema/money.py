"""Money: an exact decimal amount that never travels without its currency."""

from __future__ import annotations

from decimal import Decimal

import strawberry


@strawberry.type(description="An exact amount in one ISO 4217 currency.")
class Money:
    amount: Decimal = strawberry.field(description="Exact decimal, as text; never a float.")
    currency: str = strawberry.field(description="ISO 4217 code.")


def money(amount: Decimal | None, currency: str | None) -> Money | None:
    """The amount as Money, or None when its owner has not said it yet."""
    if amount is None or currency is None:
        return None
    return Money(amount=amount, currency=currency)
