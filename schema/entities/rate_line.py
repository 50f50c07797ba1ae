"""RateLine: one price of a rate card version, and whom and what it is for."""

from decimal import Decimal
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import RATE_CARDS
from schema.ids import LegalEntityId, RateCardVersionId, RateLineId, ResourceId
from schema.minutes import Minutes
from schema.money import Money
from schema.rate import Rate


@strawberry.enum(description="What becomes of a step that is not full.")
class IncrementRule(Enum):
    STARTED = strawberry.enum_value("started", description="A step that is started is billed.")
    NEAREST = strawberry.enum_value("nearest", description="The nearest number of steps is billed.")


@entity(prefix="rln")
class RateLine:
    """One price of a rate card version, and whom and what it is for."""

    id: RateLineId = owned_by(RATE_CARDS, description="Canonical id.")
    version_id: RateCardVersionId | None = owned_by(
        RATE_CARDS, description="The version it belongs to.", filters=(FilterOp.IN,), default=None
    )
    role: str | None = owned_by(
        RATE_CARDS, description="Role; null for any.", filters=(FilterOp.IN,), default=None
    )
    grade: str | None = owned_by(RATE_CARDS, description="Grade; null for any.", default=None)
    region: str | None = owned_by(RATE_CARDS, description="Region; null for any.", default=None)
    legal_entity_id: LegalEntityId | None = owned_by(
        RATE_CARDS, description="The delivering legal entity; null for any.", default=None
    )
    service: str | None = owned_by(RATE_CARDS, description="Service; null for any.", default=None)
    resource_id: ResourceId | None = owned_by(
        RATE_CARDS, description="A person priced apart; null for any.", default=None
    )
    rate: Rate | None = owned_by(RATE_CARDS, description="The price.", default=None)
    min_increment: Minutes | None = owned_by(
        RATE_CARDS, description="Time is billed in steps of this many minutes.", default=None
    )
    increment_rule: IncrementRule | None = owned_by(
        RATE_CARDS, description="What becomes of a step that is not full.", default=None
    )
    overtime_factor: Decimal | None = owned_by(
        RATE_CARDS, description="Factor on the rate for overtime.", default=None
    )
    cap: Money | None = owned_by(
        RATE_CARDS, description="The most that this line may bill.", default=None
    )
