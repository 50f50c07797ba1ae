"""The records of a professional-services firm, each with its id in every system."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.demo.agreements import Agreements, Sow

from hub.demo.drawing.size import Size

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A legal entity of the firm; its people sit in one of `places` (country, time zone)."""

    code: str
    currency: str
    tax_rate: Decimal
    places: tuple[tuple[str, str], ...]
    city: str


ENTITIES = (
    Entity(
        code="NL01",
        currency="EUR",
        tax_rate=Decimal("0.21"),
        places=(("NL", "Europe/Amsterdam"), ("DE", "Europe/Berlin")),
        city="1016 DV Amsterdam",
    ),
    Entity(
        code="UK01",
        currency="GBP",
        tax_rate=Decimal("0.20"),
        places=(("GB", "Europe/London"),),
        city="London EC2A 4NE",
    ),
    Entity(
        code="US01",
        currency="USD",
        tax_rate=Decimal(0),
        places=(("US", "America/New_York"), ("US", "America/Chicago")),
        city="New York, NY 10016",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    psa_id: int
    employee_number: str
    name: str
    email: str
    worker_type: str
    status: str
    entity: Entity
    country: str
    time_zone: str
    hired_on: date
    left_on: date | None
    role: str
    skills: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    account_id: str
    customer_no: str
    billing_id: str
    psa_id: int
    name: str
    segment: str
    owner_email: str
    entity: Entity
    country: str
    address: str
    vat_id: str | None
    terms_days: int
    credit_block: str
    trading_as: str | None
    language: str
    parent: "Client | None"


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
    sow: "Sow | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """`document_status` and what follows is the ledger's side."""

    invoice_id: str
    project: Project
    amount_net: Decimal
    status: str
    issued_on: date
    due_on: date
    description: str
    document_status: str
    posted_on: date | None
    document_no: str | None
    paid: Decimal
    last_payment_on: date | None

    @property
    def is_in_ledger(self) -> bool:
        return self.document_status != "DRAFT"

    @property
    def tax(self) -> Decimal | None:
        if self.posted_on is None:
            return None
        rate = self.project.engagement.client.entity.tax_rate
        return (self.amount_net * rate).quantize(CENT, rounding=ROUND_HALF_UP)

    @property
    def gross(self) -> Decimal | None:
        return None if self.tax is None else self.amount_net + self.tax

    @property
    def open(self) -> Decimal | None:
        if self.document_status == "CANCELLED":
            return Decimal(0)
        return None if self.gross is None else self.gross - self.paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An open seat has no person yet. Status words are the PSA's."""

    psa_id: int
    project: Project
    person: Person | None
    role: str
    status: str
    starts_on: date
    ends_on: date
    minutes_per_day: int
    is_billable: bool
    own_rate: Decimal | None
    own_rate_unit: str | None
    successor_id: int | None

    @property
    def worker(self) -> Person:
        if self.person is None:
            raise ValueError("Nobody works on an open seat.")
        return self.person


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeEntry:
    """Minutes of one day under an assignment. Status words are the PSA's."""

    number: int
    assignment: Assignment
    work_date: date
    worked: int
    billable: int
    activity: str
    note: str
    status: str
    approved_at: datetime | None
    locked_reason: str | None

    @property
    def approver(self) -> str | None:
        return self.assignment.project.manager.email if self.approved_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expense:
    """Money spent under an assignment. Status words are the PSA's."""

    number: int
    assignment: Assignment
    incurred_on: date
    category: str
    amount: Decimal
    tax: Decimal
    currency: str
    is_tax_recoverable: bool
    billing_fx: Decimal
    is_billable: bool
    markup: Decimal
    receipt_hash: str | None
    is_reimbursable: bool
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold on billing; `key` is the id of what it is on, as the system of `scope` calls it."""

    hold_id: str
    scope: str
    key: str
    effect: str
    status: str
    reason: str
    placed_by: str
    placed_at: datetime
    review_by: date
    released_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingEvent:
    event_id: str
    project: Project
    kind: str
    status: str
    service_from: date
    service_to: date
    quantity: Decimal
    rate: Decimal
    unit: str
    amount: Decimal
    hold_id: str | None
    invoice_id: str | None

    @property
    def currency(self) -> str:
        return self.project.engagement.client.entity.currency

    @property
    def allocations(self) -> list[dict[str, object]]:
        """The signed shares that invoice lines took of it."""
        if self.invoice_id is None:
            return []
        share = {"amount": str(self.amount), "currency": self.currency}
        return [{"invoice": self.invoice_id, "line": 1, **share}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """Time entries and expenses are not held: they are drawn from the rest, see `drawing`."""

    people: list[Person]
    clients: list[Client]
    engagements: list[Engagement]
    projects: list[Project]
    invoices: list[Invoice]
    assignments: list[Assignment]
    seed: int
    size: Size
    holds: list[Hold]
    events: list[BillingEvent]
    agreements: "Agreements"
