"""Retainer: what a client pays per period, and the work that is drawn from it."""

from datetime import date
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import CONTRACT
from schema.ids import RetainerId, SowId
from schema.minutes import Minutes
from schema.money import Money


@strawberry.enum(description="How long one period of the retainer is.")
class RetainerPeriod(Enum):
    MONTH = strawberry.enum_value("month", description="A month.")
    QUARTER = strawberry.enum_value("quarter", description="Three months.")
    YEAR = strawberry.enum_value("year", description="Twelve months.")


@strawberry.enum(description="What becomes of what was not used in a period.")
class Rollover(Enum):
    NONE = strawberry.enum_value("none", description="It is lost.")
    NEXT_PERIOD = strawberry.enum_value(
        "next_period", description="It can be drawn in the next period, not later."
    )
    UNTIL_EXPIRY = strawberry.enum_value(
        "until_expiry", description="It can be drawn until `expiresOn`."
    )


@entity(prefix="ret")
class Retainer:
    """What a client pays per period, and the work that is drawn from it."""

    id: RetainerId = owned_by(CONTRACT, description="Canonical id.")
    sow_id: SowId | None = owned_by(
        CONTRACT, description="The contract it is part of.", filters=(FilterOp.IN,), default=None
    )
    period: RetainerPeriod | None = owned_by(
        CONTRACT, description="Length of a period.", default=None
    )
    starts_on: date | None = owned_by(
        CONTRACT, description="First day of the first period.", default=None
    )
    amount: Money | None = owned_by(CONTRACT, description="Fee per period.", default=None)
    included: Minutes | None = owned_by(
        CONTRACT, description="Work included per period, in minutes.", default=None
    )
    rollover: Rollover | None = owned_by(
        CONTRACT, description="What becomes of unused work.", default=None
    )
    balance: Money | None = owned_by(
        CONTRACT, description="What is left to draw from.", default=None
    )
    balance_minutes: Minutes | None = owned_by(
        CONTRACT, description="Work that is left to draw, in minutes.", default=None
    )
    expires_on: date | None = owned_by(
        CONTRACT,
        description="Last day anything can be drawn.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
