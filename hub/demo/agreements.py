"""What hangs on a statement of work: its changes, deliverables and retainers."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from hub.demo.engagements import Project, Sow
from hub.demo.prices import Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrder:
    number: int
    sow: Sow
    sequence_no: int
    change_type: str
    status: str
    effective_on: date
    signed_at: datetime | None
    changed_terms: list[dict[str, str | None]]
    rationale: str
    replaces: "ChangeOrder | None"
    approver_email: str | None
    decider_email: str | None
    decision_note: str | None

    @property
    def change_id(self) -> str:
        return f"CHG-{self.number:05d}"

    @property
    def billing_id(self) -> str:
        return f"chg_{self.number:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverable:
    number: int
    sow: Sow
    project: Project | None
    position_no: int
    name: str
    status: str
    due_on: date
    fee: Decimal
    needs_acceptance: bool
    accepted_at: datetime | None
    accepted_by: str | None
    acceptance_link: str | None

    @property
    def deliverable_id(self) -> str:
        return f"DLV-{self.number:05d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainerPlan:
    number: int
    sow: Sow
    billing_period: str
    first_day: date
    fee: Decimal
    included_hours: int
    unused_rule: str
    remaining: Decimal
    expires_on: date

    @property
    def plan_id(self) -> str:
        return f"RTP-{self.number:05d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreements:
    prices: Prices
    sows: list[Sow]
    changes: list[ChangeOrder]
    deliverables: list[Deliverable]
    retainers: list[RetainerPlan]
