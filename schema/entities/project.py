"""Project: what people book time on and the firm invoices for."""

from datetime import date
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import PROJECT_BUDGET, PROJECT_DELIVERY, PROJECT_IDENTITY, PROJECT_TEAM
from schema.ids import ClientId, EngagementId, ProjectId, ResourceId
from schema.money import Money


@strawberry.enum(description="Where the project stands in the ledger's eyes.")
class ProjectStatus(Enum):
    REQUESTED = "requested"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@strawberry.enum(description="The project manager's judgement of delivery.")
class Health(Enum):
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@entity(prefix="prj")
class Project:
    """What people book time on and the firm invoices for."""

    id: ProjectId = owned_by(PROJECT_IDENTITY, description="Canonical id.")
    code: str = owned_by(
        PROJECT_IDENTITY,
        description="The number people type on timesheets.",
        filters=(FilterOp.IN,),
    )
    name: str = owned_by(PROJECT_IDENTITY, description="Name.", filters=(FilterOp.CONTAINS,))
    client_id: ClientId | None = owned_by(
        PROJECT_IDENTITY, description="The client.", filters=(FilterOp.IN,), default=None
    )
    engagement_id: EngagementId | None = owned_by(
        PROJECT_IDENTITY,
        description="The engagement it delivers.",
        filters=(FilterOp.IN,),
        default=None,
    )
    legal_entity: str | None = owned_by(
        PROJECT_IDENTITY, description="Code of the delivering legal entity.", default=None
    )
    currency: str | None = owned_by(
        PROJECT_IDENTITY, description="ISO 4217 code of its invoices.", default=None
    )
    status: ProjectStatus | None = owned_by(
        PROJECT_IDENTITY, description="Status.", filters=(FilterOp.IN,), default=None
    )
    starts_on: date | None = owned_by(
        PROJECT_IDENTITY,
        description="First day.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    ends_on: date | None = owned_by(PROJECT_IDENTITY, description="Last day.", default=None)
    budget: Money | None = owned_by(PROJECT_BUDGET, description="Budgeted fees.", default=None)
    budget_minutes: int | None = owned_by(
        PROJECT_BUDGET, description="Budgeted work, in minutes.", default=None
    )
    percent_complete: int | None = owned_by(
        PROJECT_DELIVERY, description="Share of the work done, 0-100.", default=None
    )
    health: Health | None = owned_by(PROJECT_DELIVERY, description="Delivery health.", default=None)
    manager_id: ResourceId | None = owned_by(
        PROJECT_DELIVERY, description="The project manager.", default=None
    )
    team_ids: list[ResourceId] | None = owned_by(
        PROJECT_TEAM, description="The people on the project.", default=None
    )
