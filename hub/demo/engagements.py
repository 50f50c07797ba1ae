"""What the firm works on: engagements, the statements of work below them, and projects."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from hub.demo.parties import Client, Person
from hub.demo.prices import PriceVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    opportunity_id: str
    client: Client
    title: str
    stage: str
    amount: Decimal
    win_chance: int
    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Sow:
    """A statement of work; systems number it alike, each in its own form."""

    number: int
    engagement: Engagement
    contract_no: str
    revision: int
    subject: str
    pricing_model: str
    status: str
    ceiling: Decimal | None
    valid_from: date
    valid_to: date
    prices: PriceVersion | None
    payment_days: int
    customer_po: str | None
    approved_at: datetime | None
    approver_email: str | None
    decider_email: str | None
    decision_note: str | None
    document_sha256: str | None

    @property
    def sow_id(self) -> str:
        return f"SOW-{self.number:05d}"

    @property
    def erp_id(self) -> str:
        return f"K{50000 + self.number}"

    @property
    def billing_id(self) -> str:
        return f"ctr_{self.number:06d}"

    @property
    def currency(self) -> str:
        return self.engagement.client.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    project_no: str
    psa_id: int
    engagement: Engagement
    name: str
    status: str
    budget_hours: int
    budget_amount: Decimal
    start_on: date
    end_on: date
    manager: Person
    team: list[Person]
    percent_done: int
    health: str
    sow: Sow | None = None
    method: str = "time_and_materials"
    cost_centre: str = ""
    region: str = ""
    tax_region: str = ""
    po_number: str | None = None
