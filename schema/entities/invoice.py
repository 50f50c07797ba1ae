"""Invoice: what a client owes for work; drafted by billing, made legal by the ledger."""

from datetime import date
from decimal import Decimal
from enum import Enum

import strawberry

from schema.entities.billing_hold import HoldEffect
from schema.entities.invoice_status import (
    InvoiceDraftStatus,
    InvoiceLedgerStatus,
    InvoiceStatus,
)
from schema.entity import FilterOp, entity, first_of, owned_by
from schema.fx import FxRate
from schema.groups import HOLD, INVOICE_DRAFT, INVOICE_LEDGER
from schema.ids import BillingHoldId, ClientId, InvoiceId, LegalEntityId, ProjectId
from schema.money import Money
from schema.part import field, part


@strawberry.enum(description="What kind of document it is.")
class InvoiceKind(Enum):
    INVOICE = strawberry.enum_value("invoice", description="It asks for money.")
    CREDIT = strawberry.enum_value("credit", description="It gives back what an invoice asked for.")
    DEBIT = strawberry.enum_value("debit", description="It asks for more than an invoice did.")


@part()
class InvoiceLine:
    """One line of an invoice, as printed."""

    line: int = field("Its number, from 1.")
    description: str = field("What is billed.")
    quantity: Decimal = field("How much, as printed.")
    unit: str = field("Of what: hour, day, item.")
    unit_price: Money = field("Price of one.")
    net: Money = field("Quantity times price, rounded.")
    tax_code: str | None = field("Tax category.", default=None)


@part()
class TaxLine:
    """The tax of one category."""

    code: str = field("Tax category.")
    rate: Decimal = field("As a fraction: 0.21 is 21 %.")
    base: Money = field("What it is computed on.")
    tax: Money = field("The tax.")


@part()
class StandingHold:
    """A hold that keeps the invoice from a step, whatever it was placed on."""

    billing_hold_id: BillingHoldId = field("The hold.")
    effect: HoldEffect = field("What it keeps from happening.")
    reason: str = field("Why.")


@part()
class Dispute:
    """What the client does not agree to pay."""

    opened_on: date = field("Day it was raised.")
    reason: str = field("Why.")
    amount: Money = field("How much of the invoice it is about.")


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
    legal_entity_id: LegalEntityId | None = owned_by(
        INVOICE_DRAFT, description="The issuing legal entity.", filters=(FilterOp.IN,), default=None
    )
    kind: InvoiceKind | None = owned_by(
        INVOICE_DRAFT, description="Kind of document.", filters=(FilterOp.IN,), default=None
    )
    refers_to_id: InvoiceId | None = owned_by(
        INVOICE_DRAFT, description="The invoice a credit or debit corrects.", default=None
    )
    currency: str | None = owned_by(
        INVOICE_DRAFT,
        description="ISO 4217 code of its amounts.",
        filters=(FilterOp.IN,),
        default=None,
    )
    description: str | None = owned_by(INVOICE_DRAFT, description="What is invoiced.", default=None)
    lines: list[InvoiceLine] | None = owned_by(
        INVOICE_DRAFT, description="What is billed, line by line.", default=None
    )
    net: Money | None = owned_by(INVOICE_DRAFT, description="Amount before tax.", default=None)
    issued_on: date | None = owned_by(
        INVOICE_DRAFT,
        description="Day the draft was issued.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    due_on: date | None = owned_by(
        INVOICE_DRAFT,
        description="Day payment is due.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    draft_status: InvoiceDraftStatus | None = owned_by(
        INVOICE_DRAFT,
        description="Where billing has it.",
        filters=(FilterOp.IN,),
        default=None,
    )
    approved_by: str | None = owned_by(
        INVOICE_DRAFT, description="E-mail address of who approved it.", default=None
    )
    void_reason: str | None = owned_by(
        INVOICE_DRAFT, description="Why it was voided; null unless it was.", default=None
    )
    is_disputed: bool | None = owned_by(
        INVOICE_DRAFT,
        description="Whether the client disputes it.",
        filters=(FilterOp.IN,),
        default=None,
    )
    disputes: list[Dispute] | None = owned_by(
        INVOICE_DRAFT, description="What is disputed.", default=None
    )
    number: str | None = owned_by(
        INVOICE_LEDGER,
        description="Legal number, given when posted.",
        filters=(FilterOp.IN,),
        is_searched=True,
        default=None,
    )
    ledger_status: InvoiceLedgerStatus | None = owned_by(
        INVOICE_LEDGER,
        description="Where the ledger has it; null until it is posted.",
        default=None,
    )
    posted_on: date | None = owned_by(
        INVOICE_LEDGER,
        description="Accounting date of the posting.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    sent_on: date | None = owned_by(
        INVOICE_LEDGER, description="Day it was sent to the client.", default=None
    )
    cancellation_number: str | None = owned_by(
        INVOICE_LEDGER,
        description="Legal number of the ledger's own document that takes it back; no Invoice.",
        default=None,
    )
    closing_reason: str | None = owned_by(
        INVOICE_LEDGER,
        description="Why the ledger cancelled it or wrote it off; null unless it did.",
        default=None,
    )
    tax: Money | None = owned_by(INVOICE_LEDGER, description="Tax of record.", default=None)
    tax_lines: list[TaxLine] | None = owned_by(
        INVOICE_LEDGER, description="Tax by category.", default=None
    )
    fx_to_functional: FxRate | None = owned_by(
        INVOICE_LEDGER,
        description="Rate to the legal entity's currency, as of the posting for good.",
        default=None,
    )
    rounding_adjustment: Money | None = owned_by(
        INVOICE_LEDGER, description="What rounding added to the total.", default=None
    )
    gross: Money | None = owned_by(INVOICE_LEDGER, description="Amount with tax.", default=None)
    standing_holds: list[StandingHold] | None = owned_by(
        HOLD,
        description="What stands in its way; asked of the hub itself, null in the projection.",
        default=None,
    )
    status: InvoiceStatus | None = first_of(
        "ledger_status",
        "draft_status",
        description="Where it stands.",
        filters=(FilterOp.IN,),
    )
