"""RateCard: a named set of prices for the firm's work; its versions hold the rates."""

from schema.entity import FilterOp, entity, owned_by
from schema.groups import RATE_CARDS
from schema.ids import ClientId, RateCardId


@entity(prefix="rcd")
class RateCard:
    """A named set of prices for the firm's work; its versions hold the rates."""

    id: RateCardId = owned_by(RATE_CARDS, description="Canonical id.")
    name: str = owned_by(
        RATE_CARDS, description="Name.", filters=(FilterOp.CONTAINS,), is_searched=True
    )
    currency: str | None = owned_by(
        RATE_CARDS, description="ISO 4217 code of its rates.", filters=(FilterOp.IN,), default=None
    )
    client_id: ClientId | None = owned_by(
        RATE_CARDS,
        description="The client it was agreed with; null for the firm's own list.",
        filters=(FilterOp.IN,),
        default=None,
    )
