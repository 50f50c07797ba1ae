"""PaymentStatus: how far a posted invoice has been paid."""

from datetime import date
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import PAYMENT
from schema.ids import InvoiceId, PaymentStatusId
from schema.money import Money


@strawberry.enum(description="How far a posted invoice has been paid.")
class PaymentState(Enum):
    OPEN = "open"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    CANCELLED = "cancelled"


@entity(prefix="pay")
class PaymentStatus:
    """How far a posted invoice has been paid."""

    id: PaymentStatusId = owned_by(PAYMENT, description="Canonical id.")
    invoice_id: InvoiceId | None = owned_by(
        PAYMENT, description="The invoice.", filters=(FilterOp.IN,), default=None
    )
    state: PaymentState | None = owned_by(
        PAYMENT,
        description="Payment state; null until the invoice is posted.",
        filters=(FilterOp.IN,),
        default=None,
    )
    paid: Money | None = owned_by(PAYMENT, description="Applied so far.", default=None)
    balance: Money | None = owned_by(PAYMENT, description="Still open.", default=None)
    last_payment_on: date | None = owned_by(
        PAYMENT, description="Date of the last application.", default=None
    )
