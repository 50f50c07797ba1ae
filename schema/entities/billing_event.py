"""BillingEvent: an amount that may be invoiced, why, and which invoice lines took it."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import BILLING_LEDGER
from schema.ids import (
    BillingEventId,
    BillingHoldId,
    ExpenseItemId,
    InvoiceId,
    MilestoneId,
    ProjectId,
    RetainerId,
    TimeEntryId,
)
from schema.money import Money
from schema.part import field, part
from schema.rate import Rate


@strawberry.enum(description="What the amount is for.")
class BillingEventKind(Enum):
    TIME = strawberry.enum_value("time", description="Time, at its frozen price.")
    EXPENSE = strawberry.enum_value("expense", description="Expenses, with their markup.")
    MILESTONE = strawberry.enum_value("milestone", description="A milestone, once it is accepted.")
    RETAINER = strawberry.enum_value("retainer", description="One period of a retainer.")
    ADJUSTMENT = strawberry.enum_value("adjustment", description="A correction by hand.")


@strawberry.enum(description="How far the event is on its way to an invoice.")
class BillingEventStatus(Enum):
    PENDING = strawberry.enum_value("pending", description="It has no price yet.")
    PRICED = strawberry.enum_value("priced", description="Its amount is known.")
    READY = strawberry.enum_value("ready", description="An invoice may take it.")
    HELD = strawberry.enum_value("held", description="It would be READY but for its holds.")
    ALLOCATED = strawberry.enum_value("allocated", description="Drafts have taken of it.")
    INVOICED = strawberry.enum_value("invoiced", description="Posted invoices have taken of it.")
    SETTLED = strawberry.enum_value("settled", description="Those invoices are paid.")
    WRITTEN_OFF = strawberry.enum_value(
        "written_off", description="Given up; it can be reinstated."
    )
    CANCELLED = strawberry.enum_value("cancelled", description="It never was to be billed.")


@part()
class Allocation:
    """A signed share of the event on one invoice line."""

    invoice_id: InvoiceId = field("The invoice.")
    line: int = field("Number of the line, from 1.")
    amount: Money = field("The share; negative when a credit gives it back.")


@entity(prefix="bev")
class BillingEvent:
    """An amount that may be invoiced, why, and which invoice lines took it."""

    id: BillingEventId = owned_by(BILLING_LEDGER, description="Canonical id.")
    project_id: ProjectId | None = owned_by(
        BILLING_LEDGER, description="The project.", filters=(FilterOp.IN,), default=None
    )
    kind: BillingEventKind | None = owned_by(
        BILLING_LEDGER, description="What it is for.", filters=(FilterOp.IN,), default=None
    )
    status: BillingEventStatus | None = owned_by(
        BILLING_LEDGER, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
    time_entry_ids: list[TimeEntryId] | None = owned_by(
        BILLING_LEDGER, description="Ids of the time it bills.", default=None
    )
    expense_item_ids: list[ExpenseItemId] | None = owned_by(
        BILLING_LEDGER, description="Ids of the expenses it bills.", default=None
    )
    milestone_id: MilestoneId | None = owned_by(
        BILLING_LEDGER,
        description="The milestone it bills.",
        filters=(FilterOp.IN,),
        default=None,
    )
    retainer_id: RetainerId | None = owned_by(
        BILLING_LEDGER,
        description="The retainer whose period it bills.",
        filters=(FilterOp.IN,),
        default=None,
    )
    service_from: date | None = owned_by(
        BILLING_LEDGER,
        description="First day of the service.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    service_to: date | None = owned_by(
        BILLING_LEDGER, description="Last day of the service.", default=None
    )
    quantity: Decimal | None = owned_by(
        BILLING_LEDGER, description="How much, in the rate's unit.", default=None
    )
    rate: Rate | None = owned_by(BILLING_LEDGER, description="The frozen price.", default=None)
    amount: Money | None = owned_by(BILLING_LEDGER, description="What it bills.", default=None)
    tax_code: str | None = owned_by(BILLING_LEDGER, description="Tax category.", default=None)
    billing_hold_ids: list[BillingHoldId] | None = owned_by(
        BILLING_LEDGER, description="Ids of the holds on it; it is free without any.", default=None
    )
    allocations: list[Allocation] | None = owned_by(
        BILLING_LEDGER, description="Which invoice lines took it.", default=None
    )
    invoice_ids: list[InvoiceId] | None = owned_by(
        BILLING_LEDGER,
        description="Ids of the invoices of its allocations, each once.",
        default=None,
    )
    written_off_by: str | None = owned_by(
        BILLING_LEDGER, description="E-mail address of who gave it up.", default=None
    )
    written_off_at: datetime | None = owned_by(
        BILLING_LEDGER, description="When it was given up.", default=None
    )
    write_off_reason: str | None = owned_by(
        BILLING_LEDGER,
        description="Why it will not be billed; null while it is to be.",
        default=None,
    )
