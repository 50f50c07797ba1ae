"""Milestone: a deliverable that a fixed amount is billed for once it is accepted."""

from datetime import date, datetime
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import CONTRACT
from schema.ids import MilestoneId, ProjectId, SowId
from schema.money import Money


@strawberry.enum(description="Where the milestone stands.")
class MilestoneStatus(Enum):
    PLANNED = strawberry.enum_value("planned", description="Not done yet.")
    COMPLETED = strawberry.enum_value(
        "completed", description="Done; the client has not accepted it."
    )
    ACCEPTED = strawberry.enum_value(
        "accepted", description="Accepted by the client; it can be billed."
    )
    CANCELLED = strawberry.enum_value("cancelled", description="Called off.")


@entity(prefix="mil")
class Milestone:
    """A deliverable that a fixed amount is billed for once it is accepted."""

    id: MilestoneId = owned_by(CONTRACT, description="Canonical id.")
    sow_id: SowId | None = owned_by(
        CONTRACT, description="The contract that promises it.", filters=(FilterOp.IN,), default=None
    )
    project_id: ProjectId | None = owned_by(
        CONTRACT, description="The project that delivers it.", filters=(FilterOp.IN,), default=None
    )
    sequence: int | None = owned_by(
        CONTRACT, description="Its number within the contract, from 1.", default=None
    )
    name: str | None = owned_by(
        CONTRACT, description="Name.", filters=(FilterOp.CONTAINS,), is_searched=True, default=None
    )
    status: MilestoneStatus | None = owned_by(
        CONTRACT, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
    due_on: date | None = owned_by(
        CONTRACT, description="Day it is due.", filters=(FilterOp.FROM, FilterOp.TO), default=None
    )
    amount: Money | None = owned_by(CONTRACT, description="What it bills.", default=None)
    requires_acceptance: bool | None = owned_by(
        CONTRACT,
        description="Whether the client must accept it before it is billed.",
        filters=(FilterOp.IN,),
        default=None,
    )
    accepted_at: datetime | None = owned_by(
        CONTRACT, description="When the client accepted it.", default=None
    )
    accepted_by: str | None = owned_by(
        CONTRACT, description="E-mail address of who accepted it for the client.", default=None
    )
    evidence: str | None = owned_by(
        CONTRACT, description="Where the acceptance is kept.", default=None
    )
