"""Sow: a statement of work, one version of the contract that work is done and billed under."""

from datetime import date, datetime
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import CONTRACT
from schema.ids import EngagementId, RateCardVersionId, SowId
from schema.money import Money


@strawberry.enum(description="How the work is priced.")
class BillMethod(Enum):
    TIME_AND_MATERIALS = strawberry.enum_value(
        "time_and_materials", description="By the time worked and what was spent."
    )
    FIXED_PRICE = strawberry.enum_value(
        "fixed_price", description="One price, whatever the work takes."
    )
    MILESTONE = strawberry.enum_value("milestone", description="An amount for each milestone.")
    RETAINER = strawberry.enum_value("retainer", description="A fee for each period.")
    MIXED = strawberry.enum_value("mixed", description="In more than one of these ways.")


@strawberry.enum(description="Where the statement of work stands.")
class SowStatus(Enum):
    DRAFT = strawberry.enum_value("draft", description="Being written; it can still change.")
    IN_REVIEW = strawberry.enum_value("in_review", description="Waits for its approver.")
    APPROVED = strawberry.enum_value("approved", description="Approved; no work has begun.")
    ACTIVE = strawberry.enum_value("active", description="Work is done and billed under it.")
    SUSPENDED = strawberry.enum_value("suspended", description="Halted; it can be resumed.")
    COMPLETED = strawberry.enum_value("completed", description="All of it was delivered.")
    TERMINATED = strawberry.enum_value(
        "terminated", description="Ended before all of it was delivered."
    )
    REJECTED = strawberry.enum_value("rejected", description="Its approver said no.")


@entity(prefix="sow")
class Sow:
    """A statement of work: one version of the contract that work is done and billed under."""

    id: SowId = owned_by(CONTRACT, description="Canonical id.")
    engagement_id: EngagementId | None = owned_by(
        CONTRACT, description="The engagement it sells.", filters=(FilterOp.IN,), default=None
    )
    number: str = owned_by(
        CONTRACT, description="Contract number.", filters=(FilterOp.IN,), is_searched=True
    )
    version: int | None = owned_by(
        CONTRACT, description="Version of the contract, from 1.", default=None
    )
    title: str | None = owned_by(
        CONTRACT, description="Title.", filters=(FilterOp.CONTAINS,), is_searched=True, default=None
    )
    method: BillMethod | None = owned_by(
        CONTRACT, description="How the work is priced.", filters=(FilterOp.IN,), default=None
    )
    status: SowStatus | None = owned_by(
        CONTRACT, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
    cap: Money | None = owned_by(CONTRACT, description="The most that may be billed.", default=None)
    currency: str | None = owned_by(
        CONTRACT, description="ISO 4217 code of its prices.", default=None
    )
    starts_on: date | None = owned_by(
        CONTRACT, description="First day.", filters=(FilterOp.FROM, FilterOp.TO), default=None
    )
    ends_on: date | None = owned_by(
        CONTRACT, description="Last day.", filters=(FilterOp.FROM, FilterOp.TO), default=None
    )
    rate_card_version_id: RateCardVersionId | None = owned_by(
        CONTRACT, description="The published rates it is priced with.", default=None
    )
    payment_terms_days: int | None = owned_by(
        CONTRACT, description="Net days until an invoice is due.", default=None
    )
    po_number: str | None = owned_by(
        CONTRACT, description="The client's purchase order.", filters=(FilterOp.IN,), default=None
    )
    approved_at: datetime | None = owned_by(
        CONTRACT, description="When it was approved.", default=None
    )
    approved_by: str | None = owned_by(
        CONTRACT, description="E-mail address of who approved it.", default=None
    )
    decided_by: str | None = owned_by(
        CONTRACT, description="E-mail address of who rejected or terminated it.", default=None
    )
    decision_reason: str | None = owned_by(
        CONTRACT, description="Why it was rejected or terminated; null unless it was.", default=None
    )
    document_hash: str | None = owned_by(
        CONTRACT, description="SHA-256 of the signed document, in hex.", default=None
    )
