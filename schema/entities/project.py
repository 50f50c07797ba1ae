"""Project: what people book time on and the firm invoices for."""

from datetime import date
from decimal import Decimal
from enum import Enum

import strawberry

from schema.entities.sow import BillMethod
from schema.entity import FilterOp, entity, owned_by
from schema.groups import PROJECT_BUDGET, PROJECT_DELIVERY, PROJECT_IDENTITY, PROJECT_TEAM
from schema.ids import ClientId, EngagementId, LegalEntityId, ProjectId, ResourceId, SowId
from schema.minutes import Minutes
from schema.money import Money


@strawberry.enum(description="Where the project stands in the ledger's eyes.")
class ProjectStatus(Enum):
    REQUESTED = strawberry.enum_value("requested", description="Asked for; nothing was set up.")
    PROVISIONING = strawberry.enum_value(
        "provisioning", description="Being set up in every system."
    )
    PROVISIONING_FAILED = strawberry.enum_value(
        "provisioning_failed", description="The ledger could not set it up; it can be tried again."
    )
    ACTIVE = strawberry.enum_value("active", description="Time and expenses can be booked on it.")
    SUSPENDED = strawberry.enum_value("suspended", description="Halted; it can be resumed.")
    CLOSING = strawberry.enum_value(
        "closing", description="Wound down: what is open is still billed."
    )
    CLOSED = strawberry.enum_value("closed", description="Takes nothing any more.")


@strawberry.enum(description="The project manager's judgement of delivery.")
class Health(Enum):
    GREEN = strawberry.enum_value("green", description="On track.")
    AMBER = strawberry.enum_value("amber", description="At risk.")
    RED = strawberry.enum_value("red", description="In trouble.")


@entity(prefix="prj")
class Project:
    """What people book time on and the firm invoices for."""

    id: ProjectId = owned_by(PROJECT_IDENTITY, description="Canonical id.")
    code: str = owned_by(
        PROJECT_IDENTITY,
        description="The number people type on timesheets.",
        filters=(FilterOp.IN,),
        is_searched=True,
    )
    name: str = owned_by(
        PROJECT_IDENTITY, description="Name.", filters=(FilterOp.CONTAINS,), is_searched=True
    )
    client_id: ClientId | None = owned_by(
        PROJECT_IDENTITY, description="The client.", filters=(FilterOp.IN,), default=None
    )
    engagement_id: EngagementId | None = owned_by(
        PROJECT_IDENTITY,
        description="The engagement it delivers.",
        filters=(FilterOp.IN,),
        default=None,
    )
    sow_id: SowId | None = owned_by(
        PROJECT_IDENTITY,
        description="The contract it works under.",
        filters=(FilterOp.IN,),
        default=None,
    )
    legal_entity_id: LegalEntityId | None = owned_by(
        PROJECT_IDENTITY,
        description="The delivering legal entity.",
        filters=(FilterOp.IN,),
        default=None,
    )
    method: BillMethod | None = owned_by(
        PROJECT_IDENTITY, description="How its work is priced.", default=None
    )
    cost_centre: str | None = owned_by(
        PROJECT_IDENTITY, description="Cost centre of the ledger.", default=None
    )
    region: str | None = owned_by(
        PROJECT_IDENTITY, description="Region it is delivered in.", default=None
    )
    tax_region: str | None = owned_by(
        PROJECT_IDENTITY, description="Region whose tax its invoices carry.", default=None
    )
    po_number: str | None = owned_by(
        PROJECT_IDENTITY,
        description="The client's purchase order.",
        filters=(FilterOp.IN,),
        default=None,
    )
    currency: str | None = owned_by(
        PROJECT_IDENTITY, description="ISO 4217 code of its invoices.", default=None
    )
    status: ProjectStatus | None = owned_by(
        PROJECT_IDENTITY, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
    starts_on: date | None = owned_by(
        PROJECT_IDENTITY,
        description="First day.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    ends_on: date | None = owned_by(
        PROJECT_IDENTITY,
        description="Last day.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    budget: Money | None = owned_by(PROJECT_BUDGET, description="Budgeted fees.", default=None)
    budget_minutes: Minutes | None = owned_by(
        PROJECT_BUDGET, description="Budgeted work, in minutes.", default=None
    )
    completed_share: Decimal | None = owned_by(
        PROJECT_DELIVERY,
        description="Share of the work done, as a fraction: 0.5 is half.",
        default=None,
    )
    health: Health | None = owned_by(
        PROJECT_DELIVERY, description="Delivery health.", filters=(FilterOp.IN,), default=None
    )
    manager_id: ResourceId | None = owned_by(
        PROJECT_DELIVERY, description="The project manager.", filters=(FilterOp.IN,), default=None
    )
    team_ids: list[ResourceId] | None = owned_by(
        PROJECT_TEAM, description="Ids of the people on the project.", default=None
    )
