"""Client: a firm that buys professional services."""

from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import CLIENT_ACCOUNTING, CLIENT_COMMERCIAL
from schema.ids import ClientId


@strawberry.enum(description="The market segment the account team works the client in.")
class Segment(Enum):
    ENTERPRISE = "enterprise"
    MIDMARKET = "midmarket"
    SMALL = "small"


@strawberry.enum(description="Whether finance lets the firm work on credit for the client.")
class CreditStatus(Enum):
    CLEAR = "clear"
    WATCH = "watch"
    BLOCKED = "blocked"


@entity(prefix="cli")
class Client:
    """A firm that buys professional services."""

    id: ClientId = owned_by(CLIENT_COMMERCIAL, description="Canonical id.")
    name: str = owned_by(
        CLIENT_COMMERCIAL, description="Legal or trading name.", filters=(FilterOp.CONTAINS,)
    )
    segment: Segment | None = owned_by(
        CLIENT_COMMERCIAL, description="Market segment.", filters=(FilterOp.IN,), default=None
    )
    account_manager: str | None = owned_by(
        CLIENT_COMMERCIAL,
        description="E-mail address of the account manager.",
        filters=(FilterOp.IN,),
        default=None,
    )
    bill_to: str | None = owned_by(CLIENT_ACCOUNTING, description="Bill-to address.", default=None)
    tax_id: str | None = owned_by(
        CLIENT_ACCOUNTING, description="Tax registration number.", default=None
    )
    payment_terms_days: int | None = owned_by(
        CLIENT_ACCOUNTING, description="Net days until an invoice is due.", default=None
    )
    credit_status: CreditStatus | None = owned_by(
        CLIENT_ACCOUNTING, description="Credit status.", default=None
    )
