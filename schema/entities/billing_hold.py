"""BillingHold: a reason not to bill something yet, with a date to look again."""

from datetime import date, datetime
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import HOLD
from schema.ids import (
    BillingEventId,
    BillingHoldId,
    ClientId,
    EngagementId,
    InvoiceId,
    ProjectId,
)


@strawberry.enum(description="What the hold keeps from happening.")
class HoldEffect(Enum):
    BLOCK_EVENT = strawberry.enum_value(
        "block_event",
        description="Billing events in its scope are HELD, and no invoice takes them.",
    )
    BLOCK_INVOICE = strawberry.enum_value(
        "block_invoice", description="Invoices in its scope are neither approved nor posted."
    )
    BLOCK_SEND = strawberry.enum_value(
        "block_send", description="Invoices in its scope are posted, but not sent."
    )


@strawberry.enum(description="Where the hold stands.")
class BillingHoldStatus(Enum):
    PLACED = strawberry.enum_value("placed", description="It holds, and nobody has looked again.")
    EXTENDED = strawberry.enum_value("extended", description="It holds, until another `reviewBy`.")
    RELEASED = strawberry.enum_value("released", description="It holds no longer.")
    EXPIRED_TO_REVIEW = strawberry.enum_value(
        "expired_to_review", description="It still holds; its `reviewBy` has passed."
    )


@entity(prefix="hld")
class BillingHold:
    """A reason not to bill something yet, with a date to look again. Its scope is one reference."""

    id: BillingHoldId = owned_by(HOLD, description="Canonical id.")
    client_id: ClientId | None = owned_by(
        HOLD,
        description="The client all of whose work it is on.",
        filters=(FilterOp.IN,),
        default=None,
    )
    engagement_id: EngagementId | None = owned_by(
        HOLD, description="The engagement it is on.", filters=(FilterOp.IN,), default=None
    )
    project_id: ProjectId | None = owned_by(
        HOLD, description="The project it is on.", filters=(FilterOp.IN,), default=None
    )
    invoice_id: InvoiceId | None = owned_by(
        HOLD, description="The invoice it is on.", filters=(FilterOp.IN,), default=None
    )
    billing_event_id: BillingEventId | None = owned_by(
        HOLD, description="This billing event alone.", filters=(FilterOp.IN,), default=None
    )
    effect: HoldEffect | None = owned_by(
        HOLD, description="What it keeps from happening.", filters=(FilterOp.IN,), default=None
    )
    status: BillingHoldStatus | None = owned_by(
        HOLD, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
    reason: str | None = owned_by(HOLD, description="Why.", default=None)
    placed_by: str | None = owned_by(
        HOLD, description="E-mail address of who placed it.", default=None
    )
    placed_at: datetime | None = owned_by(HOLD, description="When it was placed.", default=None)
    review_by: date | None = owned_by(
        HOLD, description="Day to look again.", filters=(FilterOp.FROM, FilterOp.TO), default=None
    )
    released_by: str | None = owned_by(
        HOLD, description="E-mail address of who released it.", default=None
    )
    released_at: datetime | None = owned_by(HOLD, description="When it was released.", default=None)
