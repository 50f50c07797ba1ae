"""Resource: a person who can be staffed on projects."""

from datetime import date
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import RESOURCE_EMPLOYMENT, RESOURCE_SKILLS
from schema.ids import ResourceId


@strawberry.enum(description="The contract the person works under.")
class WorkerType(Enum):
    EMPLOYEE = "employee"
    CONTRACTOR = "contractor"


@strawberry.enum(description="Whether the person can be staffed at all.")
class EmploymentStatus(Enum):
    ACTIVE = "active"
    ON_LEAVE = "on_leave"
    ENDED = "ended"


@entity(prefix="res")
class Resource:
    """A person who can be staffed on projects."""

    id: ResourceId = owned_by(RESOURCE_EMPLOYMENT, description="Canonical id.")
    name: str = owned_by(
        RESOURCE_EMPLOYMENT, description="Full name.", filters=(FilterOp.CONTAINS,)
    )
    email: str | None = owned_by(
        RESOURCE_EMPLOYMENT, description="Work e-mail address.", default=None
    )
    worker_type: WorkerType | None = owned_by(
        RESOURCE_EMPLOYMENT, description="Contract type.", default=None
    )
    employment_status: EmploymentStatus | None = owned_by(
        RESOURCE_EMPLOYMENT,
        description="Employment status.",
        filters=(FilterOp.IN,),
        default=None,
    )
    country: str | None = owned_by(
        RESOURCE_EMPLOYMENT, description="ISO 3166-1 alpha-2 country of work.", default=None
    )
    time_zone: str | None = owned_by(
        RESOURCE_EMPLOYMENT, description="IANA zone of the person's work days.", default=None
    )
    legal_entity: str | None = owned_by(
        RESOURCE_EMPLOYMENT, description="Code of the employing legal entity.", default=None
    )
    employed_from: date | None = owned_by(
        RESOURCE_EMPLOYMENT, description="First day of employment.", default=None
    )
    employed_to: date | None = owned_by(
        RESOURCE_EMPLOYMENT, description="Last day of employment.", default=None
    )
    role: str | None = owned_by(RESOURCE_SKILLS, description="Role on the rate card.", default=None)
    skills: list[str] | None = owned_by(
        RESOURCE_SKILLS, description="Skills staffing searches by.", default=None
    )
