"""What people are planned for and do: assignments, time and expenses."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from hub.demo.drawing.exchange import Exchange
from hub.demo.engagements import Project
from hub.demo.parties import Person

RETURNED = "returned"
TIME_REMARKS = (
    "Not agreed with the client; please book it as internal.",
    "Which task was this for?",
    "Please split it by day.",
)
EXPENSE_REMARKS = ("The receipt cannot be read.", "Above the limit of the travel policy.")
"""Why managers send time and expenses back."""


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

    @property
    def manager(self) -> str:
        return self.project.manager.email


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
        return self.assignment.manager if self.approved_at else None

    @property
    def returned_by(self) -> str | None:
        return self.assignment.manager if self.status == RETURNED else None

    @property
    def remark(self) -> str | None:
        return TIME_REMARKS[self.number % len(TIME_REMARKS)] if self.returned_by else None


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

    @property
    def approver(self) -> str | None:
        is_cleared = self.status in ("cleared", "booked", "paid_out")
        return self.assignment.manager if is_cleared else None

    @property
    def returned_by(self) -> str | None:
        return self.assignment.manager if self.status == RETURNED else None

    @property
    def remark(self) -> str | None:
        return EXPENSE_REMARKS[self.number % len(EXPENSE_REMARKS)] if self.returned_by else None
