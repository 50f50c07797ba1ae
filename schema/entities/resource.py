"""Resource: a person who can be staffed on projects."""

from datetime import date
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import RESOURCE_COST, RESOURCE_EMPLOYMENT, RESOURCE_SKILLS
from schema.ids import LegalEntityId, ResourceId
from schema.local_time import TimeZone
from schema.minutes import Minutes
from schema.part import field, part
from schema.rate import Rate


@strawberry.enum(description="The contract the person works under.")
class WorkerType(Enum):
    EMPLOYEE = strawberry.enum_value("employee", description="Employed by the firm.")
    CONTRACTOR = strawberry.enum_value("contractor", description="Hired from outside.")


@strawberry.enum(description="Whether the person can be staffed at all.")
class EmploymentStatus(Enum):
    ACTIVE = strawberry.enum_value("active", description="Works, and can be staffed.")
    ON_LEAVE = strawberry.enum_value("on_leave", description="Away for a time.")
    ENDED = strawberry.enum_value("ended", description="Has left.")


@part()
class WorkCalendar:
    """The minutes a person works on each weekday, and the days they do not."""

    monday: Minutes = field("Minutes on a Monday.")
    tuesday: Minutes = field("Minutes on a Tuesday.")
    wednesday: Minutes = field("Minutes on a Wednesday.")
    thursday: Minutes = field("Minutes on a Thursday.")
    friday: Minutes = field("Minutes on a Friday.")
    saturday: Minutes = field("Minutes on a Saturday.")
    sunday: Minutes = field("Minutes on a Sunday.")
    holidays: list[date] = field("Days off beside the weekdays.")


@part()
class CostRate:
    """What an hour of the person costs the firm from a day on."""

    effective_from: date = field("First day it counts for.")
    rate: Rate = field("The cost.")


@entity(prefix="res")
class Resource:
    """A person who can be staffed on projects."""

    id: ResourceId = owned_by(RESOURCE_EMPLOYMENT, description="Canonical id.")
    name: str = owned_by(
        RESOURCE_EMPLOYMENT,
        description="Full name.",
        filters=(FilterOp.CONTAINS,),
        is_searched=True,
    )
    email: str | None = owned_by(
        RESOURCE_EMPLOYMENT,
        description="Work e-mail address.",
        filters=(FilterOp.IN,),
        is_searched=True,
        default=None,
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
    time_zone: TimeZone | None = owned_by(
        RESOURCE_EMPLOYMENT, description="IANA zone of the person's work days.", default=None
    )
    legal_entity_id: LegalEntityId | None = owned_by(
        RESOURCE_EMPLOYMENT,
        description="The employing legal entity.",
        filters=(FilterOp.IN,),
        default=None,
    )
    grade: str | None = owned_by(
        RESOURCE_EMPLOYMENT, description="Grade of the career ladder.", default=None
    )
    manager_id: ResourceId | None = owned_by(
        RESOURCE_EMPLOYMENT, description="The line manager.", filters=(FilterOp.IN,), default=None
    )
    calendar: WorkCalendar | None = owned_by(
        RESOURCE_EMPLOYMENT, description="Working time and holidays.", default=None
    )
    employed_from: date | None = owned_by(
        RESOURCE_EMPLOYMENT, description="First day of employment.", default=None
    )
    employed_to: date | None = owned_by(
        RESOURCE_EMPLOYMENT, description="Last day of employment.", default=None
    )
    cost_rates: list[CostRate] | None = owned_by(
        RESOURCE_COST, description="Cost by day, the latest last.", default=None
    )
    role: str | None = owned_by(
        RESOURCE_SKILLS, description="Role on the rate card.", filters=(FilterOp.IN,), default=None
    )
    skills: list[str] | None = owned_by(
        RESOURCE_SKILLS, description="Skills staffing searches by.", default=None
    )
