"""Assignment: a person, or an open seat, planned on a project for a time."""

from datetime import date
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import ASSIGNMENTS
from schema.ids import AssignmentId, ProjectId, ResourceId
from schema.minutes import Minutes
from schema.rate import Rate


@strawberry.enum(description="How sure the plan is, and how far.")
class AssignmentStatus(Enum):
    PROPOSED = strawberry.enum_value("proposed", description="Asked for; nobody has planned it.")
    TENTATIVE = strawberry.enum_value(
        "tentative", description="Pencilled in; it may still fall through."
    )
    CONFIRMED = strawberry.enum_value("confirmed", description="Booked.")
    IN_PROGRESS = strawberry.enum_value("in_progress", description="The work has begun.")
    COMPLETED = strawberry.enum_value("completed", description="The work is done.")
    CANCELLED = strawberry.enum_value("cancelled", description="Called off before it began.")
    REPLACED = strawberry.enum_value("replaced", description="`replacedBy` goes on with it.")


@entity(prefix="asg")
class Assignment:
    """A person, or an open seat, planned on a project for a time."""

    id: AssignmentId = owned_by(ASSIGNMENTS, description="Canonical id.")
    project_id: ProjectId | None = owned_by(
        ASSIGNMENTS, description="The project.", filters=(FilterOp.IN,), default=None
    )
    resource_id: ResourceId | None = owned_by(
        ASSIGNMENTS,
        description="The person; null while the seat is open.",
        filters=(FilterOp.IN,),
        default=None,
    )
    role: str | None = owned_by(
        ASSIGNMENTS, description="Role on the rate card.", filters=(FilterOp.IN,), default=None
    )
    status: AssignmentStatus | None = owned_by(
        ASSIGNMENTS, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
    starts_on: date | None = owned_by(
        ASSIGNMENTS, description="First day.", filters=(FilterOp.FROM, FilterOp.TO), default=None
    )
    ends_on: date | None = owned_by(
        ASSIGNMENTS, description="Last day.", filters=(FilterOp.FROM, FilterOp.TO), default=None
    )
    minutes_per_day: Minutes | None = owned_by(
        ASSIGNMENTS, description="Planned minutes on each working day.", default=None
    )
    total: Minutes | None = owned_by(
        ASSIGNMENTS, description="Planned minutes in all, where days are not planned.", default=None
    )
    is_billable: bool | None = owned_by(
        ASSIGNMENTS,
        description="Whether its time is billed.",
        filters=(FilterOp.IN,),
        default=None,
    )
    rate_override: Rate | None = owned_by(
        ASSIGNMENTS, description="A price agreed for this assignment alone.", default=None
    )
    replaced_by_id: AssignmentId | None = owned_by(
        ASSIGNMENTS, description="Its successor.", default=None
    )
