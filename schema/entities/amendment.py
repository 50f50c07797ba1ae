"""Amendment: a signed change of a statement of work, effective from a date."""

from datetime import date, datetime
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import AMENDMENTS
from schema.ids import AmendmentId, SowId
from schema.part import field, part


@strawberry.enum(description="What the amendment is about.")
class AmendmentKind(Enum):
    RATE = strawberry.enum_value("rate", description="Prices.")
    SCOPE = strawberry.enum_value("scope", description="What is delivered.")
    CAP = strawberry.enum_value("cap", description="The most that may be billed.")
    DATES = strawberry.enum_value("dates", description="First or last day.")
    TERMS = strawberry.enum_value("terms", description="Any other term.")


@strawberry.enum(description="Where the amendment stands.")
class AmendmentStatus(Enum):
    DRAFT = strawberry.enum_value("draft", description="Being written; it changes nothing.")
    APPROVED = strawberry.enum_value(
        "approved", description="Approved; it counts from `effectiveFrom` on."
    )
    EFFECTIVE = strawberry.enum_value("effective", description="The contract says what it says.")
    SUPERSEDED = strawberry.enum_value(
        "superseded", description="A later amendment took its place."
    )
    VOIDED = strawberry.enum_value("voided", description="Given up; `voidReason` says why.")


@part()
class TermChange:
    """One term of the contract, before and after."""

    term: str = field("The term, in the contract system's words.")
    before: str | None = field("What it was.", default=None)
    after: str | None = field("What it becomes.", default=None)


@entity(prefix="amd")
class Amendment:
    """A signed change of a statement of work, effective from a date."""

    id: AmendmentId = owned_by(AMENDMENTS, description="Canonical id.")
    sow_id: SowId | None = owned_by(
        AMENDMENTS, description="What it amends.", filters=(FilterOp.IN,), default=None
    )
    sequence: int | None = owned_by(
        AMENDMENTS, description="Its number within the contract, from 1.", default=None
    )
    kind: AmendmentKind | None = owned_by(
        AMENDMENTS, description="What it is about.", filters=(FilterOp.IN,), default=None
    )
    status: AmendmentStatus | None = owned_by(
        AMENDMENTS, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
    effective_from: date | None = owned_by(
        AMENDMENTS,
        description="First day it counts for.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    signed_at: datetime | None = owned_by(
        AMENDMENTS, description="When it was signed.", default=None
    )
    approved_by: str | None = owned_by(
        AMENDMENTS, description="E-mail address of who approved it.", default=None
    )
    voided_by: str | None = owned_by(
        AMENDMENTS, description="E-mail address of who voided it.", default=None
    )
    void_reason: str | None = owned_by(
        AMENDMENTS, description="Why it was voided; null unless it was.", default=None
    )
    changes: list[TermChange] | None = owned_by(
        AMENDMENTS, description="Which terms change, and how.", default=None
    )
    reason: str | None = owned_by(AMENDMENTS, description="Why the terms change.", default=None)
    supersedes_id: AmendmentId | None = owned_by(
        AMENDMENTS, description="The amendment it replaces.", default=None
    )
