"""RateCardVersion: the rates of a card from a date on; immutable once published."""

from datetime import date, datetime
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import RATE_CARDS
from schema.ids import RateCardId, RateCardVersionId


@strawberry.enum(description="Whether the version may still change.")
class RateCardVersionStatus(Enum):
    DRAFT = strawberry.enum_value("draft", description="It may.")
    PUBLISHED = strawberry.enum_value("published", description="It may not, and it can price work.")


@entity(prefix="rcv")
class RateCardVersion:
    """The rates of a card from a date on; immutable once published."""

    id: RateCardVersionId = owned_by(RATE_CARDS, description="Canonical id.")
    rate_card_id: RateCardId | None = owned_by(
        RATE_CARDS, description="The card.", filters=(FilterOp.IN,), default=None
    )
    number: int | None = owned_by(
        RATE_CARDS, description="Its number within the card, from 1.", default=None
    )
    effective_from: date | None = owned_by(
        RATE_CARDS,
        description="First work date it prices.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    published_at: datetime | None = owned_by(
        RATE_CARDS, description="When it was published; it cannot change after that.", default=None
    )
    status: RateCardVersionStatus | None = owned_by(
        RATE_CARDS, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
