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
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@strawberry.enum(description="What becomes of what was not used in a period.")
class Rollover(Enum):
    NONE = "none"
    NEXT_PERIOD = "next_period"
    UNTIL_EXPIRY = "until_expiry"


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
