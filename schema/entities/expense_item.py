"""ExpenseItem: one line of money a person spent on a project."""

from datetime import date
from decimal import Decimal
from enum import Enum

import strawberry

from schema.entities.time_entry import BillingState
from schema.entity import FilterOp, entity, owned_by
from schema.fx import FxRate
from schema.groups import EXPENSE_CONTENT, PRICING
from schema.ids import ExpenseItemId, ProjectId, ResourceId
from schema.money import Money


@strawberry.enum(description="Where the expense stands.")
class ExpenseItemStatus(Enum):
    DRAFT = strawberry.enum_value("draft", description="Being written; it can still change.")
    SUBMITTED = strawberry.enum_value("submitted", description="Waits for the project manager.")
    APPROVED = strawberry.enum_value("approved", description="Approved; the ledger may post it.")
    REJECTED = strawberry.enum_value(
        "rejected", description="Sent back; `rejectionReason` says why."
    )
    POSTED = strawberry.enum_value("posted", description="In the ledger.")
    REIMBURSED = strawberry.enum_value("reimbursed", description="The person has got it back.")


@entity(prefix="exp")
class ExpenseItem:
    """One line of money a person spent on a project."""

    id: ExpenseItemId = owned_by(EXPENSE_CONTENT, description="Canonical id.")
    resource_id: ResourceId | None = owned_by(
        EXPENSE_CONTENT, description="Who spent it.", filters=(FilterOp.IN,), default=None
    )
    project_id: ProjectId | None = owned_by(
        EXPENSE_CONTENT, description="On what.", filters=(FilterOp.IN,), default=None
    )
    incurred_on: date | None = owned_by(
        EXPENSE_CONTENT,
        description="Local day it was spent.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    category: str | None = owned_by(
        EXPENSE_CONTENT, description="Category.", filters=(FilterOp.IN,), default=None
    )
    amount: Money | None = owned_by(EXPENSE_CONTENT, description="Spent, with tax.", default=None)
    tax: Money | None = owned_by(EXPENSE_CONTENT, description="Tax within it.", default=None)
    is_tax_recoverable: bool | None = owned_by(
        EXPENSE_CONTENT,
        description="Whether the firm gets the tax back.",
        filters=(FilterOp.IN,),
        default=None,
    )
    fx_to_functional: FxRate | None = owned_by(
        EXPENSE_CONTENT,
        description="Rate to the currency of the legal entity that pays it.",
        default=None,
    )
    billing_fx: FxRate | None = owned_by(
        EXPENSE_CONTENT, description="Rate to the currency the client is billed in.", default=None
    )
    is_billable: bool | None = owned_by(
        EXPENSE_CONTENT,
        description="Whether the client is billed for it.",
        filters=(FilterOp.IN,),
        default=None,
    )
    markup: Decimal | None = owned_by(
        EXPENSE_CONTENT, description="Markup as a fraction: 0.05 is 5 %.", default=None
    )
    receipt_hash: str | None = owned_by(
        EXPENSE_CONTENT, description="SHA-256 of the receipt, in hex.", default=None
    )
    is_reimbursable: bool | None = owned_by(
        EXPENSE_CONTENT,
        description="Whether the person gets it back.",
        filters=(FilterOp.IN,),
        default=None,
    )
    status: ExpenseItemStatus | None = owned_by(
        EXPENSE_CONTENT, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
    approved_by: str | None = owned_by(
        EXPENSE_CONTENT, description="E-mail address of who approved it.", default=None
    )
    rejected_by: str | None = owned_by(
        EXPENSE_CONTENT, description="E-mail address of who rejected it.", default=None
    )
    rejection_reason: str | None = owned_by(
        EXPENSE_CONTENT,
        description="Why it was rejected; null once it is revised.",
        default=None,
    )
    billing_state: BillingState | None = owned_by(
        PRICING, description="How far it has been billed.", filters=(FilterOp.IN,), default=None
    )
    billed_share: Decimal | None = owned_by(
        PRICING, description="How much of it invoices have taken: 0 to 1.", default=None
    )
    written_off_share: Decimal | None = owned_by(
        PRICING,
        description="How much of it was given up: 0 to 1. What neither share covers can be billed.",
        default=None,
    )
