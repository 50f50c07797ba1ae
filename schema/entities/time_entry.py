"""TimeEntry: minutes a person worked on a project on one local day."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import PRICING, TIME_CONTENT
from schema.ids import AssignmentId, ProjectId, RateLineId, ResourceId, TimeEntryId
from schema.local_time import TimeZone
from schema.minutes import Minutes
from schema.rate import Rate


@strawberry.enum(description="Where the time entry stands.")
class TimeEntryStatus(Enum):
    DRAFT = strawberry.enum_value("draft", description="Being written; it can still change.")
    SUBMITTED = strawberry.enum_value("submitted", description="Waits for the project manager.")
    APPROVED = strawberry.enum_value("approved", description="Approved; it can be billed.")
    REJECTED = strawberry.enum_value(
        "rejected", description="Sent back; `rejectionReason` says why."
    )


@strawberry.enum(description="How far work has been billed; nobody sets it, it follows.")
class BillingState(Enum):
    UNBILLED = strawberry.enum_value("unbilled", description="No invoice has taken any of it.")
    PARTLY_BILLED = strawberry.enum_value(
        "partly_billed", description="Invoices have taken some of it; the rest can be billed."
    )
    BILLED = strawberry.enum_value(
        "billed",
        description="Invoices have taken all of it, also where the client will never pay them.",
    )
    CREDITED = strawberry.enum_value(
        "credited", description="Credits gave back all that was taken: it can be billed again."
    )
    WRITTEN_OFF = strawberry.enum_value(
        "written_off", description="Given up before it was billed: its billing events say why."
    )
    NON_BILLABLE = strawberry.enum_value(
        "non_billable", description="`isBillable` is false, and no invoice has taken any of it."
    )


@strawberry.enum(description="Which rule chose the price; the first that applies, in this order.")
class RateSource(Enum):
    PERSON = strawberry.enum_value("person", description="A rate line for the person.")
    ASSIGNMENT = strawberry.enum_value(
        "assignment", description="The price agreed for the assignment."
    )
    ROLE_GRADE_REGION = strawberry.enum_value(
        "role_grade_region", description="A rate line for role, grade and region."
    )
    ROLE = strawberry.enum_value("role", description="A rate line for the role.")
    DEFAULT = strawberry.enum_value("default", description="A rate line for anybody.")


@entity(prefix="tim", plural="TimeEntries")
class TimeEntry:
    """Minutes a person worked on a project on one local day."""

    id: TimeEntryId = owned_by(TIME_CONTENT, description="Canonical id.")
    resource_id: ResourceId | None = owned_by(
        TIME_CONTENT, description="Who worked.", filters=(FilterOp.IN,), default=None
    )
    project_id: ProjectId | None = owned_by(
        TIME_CONTENT, description="On what.", filters=(FilterOp.IN,), default=None
    )
    assignment_id: AssignmentId | None = owned_by(
        TIME_CONTENT,
        description="Under which assignment.",
        filters=(FilterOp.IN,),
        default=None,
    )
    task: str | None = owned_by(TIME_CONTENT, description="Task within the project.", default=None)
    work_date: date | None = owned_by(
        TIME_CONTENT,
        description="The worker's local day.",
        filters=(FilterOp.FROM, FilterOp.TO),
        default=None,
    )
    time_zone: TimeZone | None = owned_by(
        TIME_CONTENT, description="IANA zone the day is local to.", default=None
    )
    worked: Minutes | None = owned_by(TIME_CONTENT, description="Minutes worked.", default=None)
    billable: Minutes | None = owned_by(
        TIME_CONTENT, description="Minutes to bill, after the increment rule.", default=None
    )
    is_billable: bool | None = owned_by(
        TIME_CONTENT,
        description="Whether it is billed at all.",
        filters=(FilterOp.IN,),
        default=None,
    )
    activity: str | None = owned_by(TIME_CONTENT, description="Kind of work.", default=None)
    note: str | None = owned_by(TIME_CONTENT, description="What was done.", default=None)
    status: TimeEntryStatus | None = owned_by(
        TIME_CONTENT, description="Where it stands.", filters=(FilterOp.IN,), default=None
    )
    approved_by: str | None = owned_by(
        TIME_CONTENT, description="E-mail address of who approved it.", default=None
    )
    approved_at: datetime | None = owned_by(
        TIME_CONTENT, description="When it was approved.", default=None
    )
    rejected_by: str | None = owned_by(
        TIME_CONTENT, description="E-mail address of who rejected it.", default=None
    )
    rejection_reason: str | None = owned_by(
        TIME_CONTENT,
        description="Why it was rejected; null once it is revised.",
        default=None,
    )
    locked_reason: str | None = owned_by(
        TIME_CONTENT, description="Why it cannot change; null while it can.", default=None
    )
    rate: Rate | None = owned_by(
        PRICING, description="The price, frozen when it was approved.", default=None
    )
    rate_line_id: RateLineId | None = owned_by(
        PRICING, description="The rate line the price came from.", default=None
    )
    rate_source: RateSource | None = owned_by(
        PRICING, description="Which rule chose the price.", default=None
    )
    rate_version: int | None = owned_by(
        PRICING, description="From 1; raised whenever it is priced anew.", default=None
    )
    cost_snapshot: Rate | None = owned_by(
        PRICING, description="What an hour of it costs the firm, frozen likewise.", default=None
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
