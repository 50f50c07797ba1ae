"""The records of a professional-services firm, each with its id in every system."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.demo.agreements import Agreements, Sow

from hub.demo.company import Entity
from hub.demo.drawing.size import Size

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRate:
    """What an hour of a person costs from a day on, in the currency of the entity."""

    valid_from: date
    amount: Decimal


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
    grade: str = ""
    manager_number: str | None = None
    week: tuple[int, ...] = ()
    holidays: tuple[date, ...] = ()
    cost_rates: tuple[CostRate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    street: str
    city: str
    country: str
    is_bill_to: bool


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

    @property
    def addresses(self) -> list[Address]:
        """Where invoices go; the larger ones are visited elsewhere."""
        street, _, city = self.address.partition(", ")
        bill_to = Address(street=street, city=city, country=self.country, is_bill_to=True)
        visited = replace(bill_to, street=f"{street}, Gate 2", is_bill_to=False)
        return [bill_to, visited] if self.segment == "ENTERPRISE" else [bill_to]


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
    method: str = "time_and_materials"
    cost_centre: str = ""
    region: str = ""
    tax_region: str = ""
    po_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Quantity times price is the net, to the cent."""

    text: str
    quantity: Decimal
    unit: str
    price: Decimal
    net: Decimal
    tax_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """The tax of one category of an invoice."""

    code: str
    rate: Decimal
    base: Decimal

    @property
    def tax(self) -> Decimal:
        return (self.base * self.rate).quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A payment as it was applied to an invoice."""

    applied_on: date
    amount: Decimal


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
    lines: tuple[Line, ...] = ()
    sent_on: date | None = None
    applications: tuple[Application, ...] = ()
    corrects: str | None = None
    is_disputed: bool = False
    dunning_level: int = 0

    @property
    def entity(self) -> Entity:
        return self.project.engagement.client.entity

    @property
    def is_in_ledger(self) -> bool:
        return self.document_status != "DRAFT"

    @property
    def tax_lines(self) -> list[TaxLine]:
        """One for each category among the lines."""
        codes = dict.fromkeys(line.tax_code for line in self.lines)
        return [self._tax_line(code) for code in codes]

    @property
    def tax(self) -> Decimal | None:
        if self.posted_on is None:
            return None
        return sum((line.tax for line in self.tax_lines), Decimal(0))

    def _tax_line(self, code: str) -> TaxLine:
        rate = self.entity.tax_rate if code == self.entity.tax_code else Decimal(0)
        base = sum((one.net for one in self.lines if one.tax_code == code), Decimal(0))
        return TaxLine(code=code, rate=rate, base=base)

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
    shares: tuple[Decimal, ...] = ()

    @property
    def currency(self) -> str:
        return self.project.engagement.client.entity.currency

    @property
    def allocations(self) -> list[dict[str, object]]:
        """The signed shares that invoice lines took of it."""
        if self.invoice_id is None:
            return []
        return [
            {
                "invoice": self.invoice_id,
                "line": line,
                "amount": str(amount),
                "currency": self.currency,
            }
            for line, amount in enumerate(self.shares, start=1)
        ]


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
