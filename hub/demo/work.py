"""What people are planned for and do: assignments, time and expenses."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from hub.demo.drawing.exchange import Exchange
from hub.demo.engagements import Project
from hub.demo.parties import Person


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
    def is_billable(self) -> bool:
        return self.assignment.is_billable

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
    home_fx: Exchange
    billing_fx: Exchange
    is_billable: bool
    markup: Decimal
    receipt_hash: str | None
    is_reimbursable: bool
    status: str
