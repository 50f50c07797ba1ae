"""PaymentStatus: how far a posted invoice has been paid."""

from datetime import date
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.fx import FxRate
from schema.groups import PAYMENT
from schema.ids import InvoiceId, PaymentStatusId
from schema.money import Money
from schema.part import field, part


@strawberry.enum(description="Where the payment of an invoice stands.")
class PaymentState(Enum):
    OPEN = strawberry.enum_value("open", description="Nothing of it is settled.")
    PARTIALLY_PAID = strawberry.enum_value(
        "partially_paid", description="Settled in part, by payments or credit notes."
    )
    PAID = strawberry.enum_value("paid", description="Settled in full.")
    CREDITED = strawberry.enum_value(
        "credited", description="Settled in full by one credit note alone."
    )
    WRITTEN_OFF = strawberry.enum_value(
        "written_off", description="Given up as uncollectible; nothing of it was paid."
    )
    CANCELLED = strawberry.enum_value("cancelled", description="The ledger took the invoice back.")


@part()
class PaymentApplication:
    """A payment, or the share of it, applied to the invoice."""

    payment: str = field("The ledger's reference of the payment.")
    applied_on: date = field("Day it was applied.")
    amount: Money = field("How much; negative when it was taken back.")
    method: str | None = field("How it was paid.", default=None)
    fx: FxRate | None = field("Rate to the legal entity's currency on that day.", default=None)


@entity(prefix="pay", plural="PaymentStatuses")
class PaymentStatus:
    """How far a posted invoice has been paid."""

    id: PaymentStatusId = owned_by(PAYMENT, description="Canonical id.")
    invoice_id: InvoiceId | None = owned_by(
        PAYMENT, description="The invoice.", filters=(FilterOp.IN,), default=None
    )
    status: PaymentState | None = owned_by(
        PAYMENT,
        description="Where it stands; null until the invoice is posted.",
        filters=(FilterOp.IN,),
        default=None,
    )
    paid: Money | None = owned_by(PAYMENT, description="Applied so far.", default=None)
    balance: Money | None = owned_by(PAYMENT, description="Still open.", default=None)
    applications: list[PaymentApplication] | None = owned_by(
        PAYMENT, description="Every application, the latest last.", default=None
    )
    written_off: Money | None = owned_by(
        PAYMENT, description="Given up as uncollectible.", default=None
    )
    dunning_level: int | None = owned_by(
        PAYMENT, description="Reminders sent so far.", default=None
    )
    last_payment_on: date | None = owned_by(
        PAYMENT, description="Date of the last application.", default=None
    )
