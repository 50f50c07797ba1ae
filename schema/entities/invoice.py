"""Invoice: what a client owes for work; drafted by billing, made legal by the ledger."""

from datetime import date
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, first_of, owned_by
from schema.groups import INVOICE_DRAFT, INVOICE_LEDGER
from schema.ids import ClientId, InvoiceId, ProjectId
from schema.money import Money


@strawberry.enum(description="One step of an invoice's life, whoever says it.")
class InvoiceStatus(Enum):
    DRAFT = "draft"
    APPROVED = "approved"
    VOID = "void"
    POSTED = "posted"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    CANCELLED = "cancelled"


@entity(prefix="inv")
class Invoice:
    """What a client owes for work; drafted by billing, made legal by the ledger."""

    id: InvoiceId = owned_by(INVOICE_DRAFT, description="Canonical id.")
    client_id: ClientId | None = owned_by(
        INVOICE_DRAFT, description="The debtor.", filters=(FilterOp.IN,), default=None
    )
    project_id: ProjectId | None = owned_by(
        INVOICE_DRAFT, description="The invoiced project.", filters=(FilterOp.IN,), default=None
    )
    legal_entity: str | None = owned_by(
        INVOICE_DRAFT, description="Code of the issuing legal entity.", default=None
    )
    description: str | None = owned_by(INVOICE_DRAFT, description="What is invoiced.", default=None)
    net: Money | None = owned_by(INVOICE_DRAFT, description="Amount before tax.", default=None)
    issued_on: date | None = owned_by(
        INVOICE_DRAFT,
        description="Day the draft was issued.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    due_on: date | None = owned_by(INVOICE_DRAFT, description="Day payment is due.", default=None)
    draft_status: InvoiceStatus | None = owned_by(
        INVOICE_DRAFT,
        description="Billing's word: DRAFT, APPROVED or VOID.",
        filters=(FilterOp.IN,),
        default=None,
    )
    number: str | None = owned_by(
        INVOICE_LEDGER, description="Legal number, given when posted.", default=None
    )
    ledger_status: InvoiceStatus | None = owned_by(
        INVOICE_LEDGER,
        description="The ledger's word: POSTED, PARTIALLY_PAID, PAID or CANCELLED.",
        default=None,
    )
    posted_on: date | None = owned_by(
        INVOICE_LEDGER, description="Accounting date of the posting.", default=None
    )
    tax: Money | None = owned_by(INVOICE_LEDGER, description="Tax of record.", default=None)
    gross: Money | None = owned_by(INVOICE_LEDGER, description="Amount with tax.", default=None)
    status: InvoiceStatus | None = first_of(
        "ledger_status",
        "draft_status",
        description="The ledger's word once it has one, billing's before that.",
    )
