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
    RATE = "rate"
    SCOPE = "scope"
    CAP = "cap"
    DATES = "dates"
    TERMS = "terms"


@strawberry.enum(description="Where the amendment stands.")
class AmendmentStatus(Enum):
    DRAFT = "draft"
    APPROVED = "approved"
    EFFECTIVE = "effective"
    SUPERSEDED = "superseded"
    VOIDED = "voided"


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
        AMENDMENTS, description="Status.", filters=(FilterOp.IN,), default=None
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
