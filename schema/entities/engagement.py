"""Engagement: a piece of work being sold or delivered to a client."""

from datetime import date
from decimal import Decimal
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import ENGAGEMENTS
from schema.ids import ClientId, EngagementId, LegalEntityId
from schema.money import Money


@strawberry.enum(description="How far the sale is.")
class EngagementStage(Enum):
    QUALIFYING = strawberry.enum_value(
        "qualifying", description="Whether it is worth an offer is being found out."
    )
    PROPOSED = strawberry.enum_value("proposed", description="The client has an offer.")
    WON = strawberry.enum_value("won", description="The client has ordered.")
    LOST = strawberry.enum_value("lost", description="The client has not ordered, and will not.")


@entity(prefix="eng")
class Engagement:
    """A piece of work being sold or delivered to a client."""

    id: EngagementId = owned_by(ENGAGEMENTS, description="Canonical id.")
    client_id: ClientId | None = owned_by(
        ENGAGEMENTS, description="The buying client.", filters=(FilterOp.IN,), default=None
    )
    name: str = owned_by(
        ENGAGEMENTS, description="Title.", filters=(FilterOp.CONTAINS,), is_searched=True
    )
    stage: EngagementStage | None = owned_by(
        ENGAGEMENTS, description="Sales stage.", filters=(FilterOp.IN,), default=None
    )
    expected_value: Money | None = owned_by(
        ENGAGEMENTS, description="Expected value.", default=None
    )
    probability: Decimal | None = owned_by(
        ENGAGEMENTS, description="Chance of winning it, as a fraction.", default=None
    )
    starts_on: date | None = owned_by(
        ENGAGEMENTS,
        description="First planned day.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    ends_on: date | None = owned_by(
        ENGAGEMENTS,
        description="Last planned day.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    account_manager: str | None = owned_by(
        ENGAGEMENTS,
        description="E-mail address of the account manager.",
        filters=(FilterOp.IN,),
        default=None,
    )
    legal_entity_id: LegalEntityId | None = owned_by(
        ENGAGEMENTS,
        description="The contracting legal entity.",
        filters=(FilterOp.IN,),
        default=None,
    )
