"""How the ERP holds copies of plans, time and expenses: commitments and costs of a project."""

from __future__ import annotations

from schema.entities.assignment import Assignment, AssignmentStatus
from schema.entities.expense_item import ExpenseItem, ExpenseItemStatus
from schema.entities.time_entry import TimeEntry, TimeEntryStatus
from schema.system import System
from sync.connectors.binding import Binding, Column, FxColumns, MoneyColumns
from sync.connectors.words import duration_of, hours_text

ASSIGNMENT = Binding(
    entity=Assignment,
    system=System.ERP,
    resource="commitments",
    table="public.commitments",
    key="id",
    anchor_key="psa_ref",
    copies={
        "project_id": Column(name="project_no"),
        "resource_id": Column(name="employee_no", names=System.HR),
        "role": Column(name="grade"),
        "status": Column(
            name="plan_status",
            words={
                "REQUESTED": AssignmentStatus.PROPOSED,
                "SOFT": AssignmentStatus.TENTATIVE,
                "FIRM": AssignmentStatus.CONFIRMED,
                "STARTED": AssignmentStatus.IN_PROGRESS,
                "ENDED": AssignmentStatus.COMPLETED,
                "CANCELLED": AssignmentStatus.CANCELLED,
                "REPLACED": AssignmentStatus.REPLACED,
            },
        ),
        "starts_on": Column(name="from_on"),
        "ends_on": Column(name="to_on"),
        "minutes_per_day": Column(name="hours_per_day", read=duration_of, write=hours_text),
        "is_billable": Column(name="is_billable"),
    },
)

TIME_ENTRY = Binding(
    entity=TimeEntry,
    system=System.ERP,
    resource="labour-costs",
    table="public.labour_costs",
    key="id",
    anchor_key="psa_ref",
    copies={
        "resource_id": Column(name="employee_no", names=System.HR),
        "project_id": Column(name="project_no"),
        "assignment_id": Column(name="commitment_ref", names=System.PSA),
        "work_date": Column(name="worked_on"),
        "worked": Column(name="quantity_hours", read=duration_of, write=hours_text),
        "is_billable": Column(name="is_billable"),
        "activity": Column(name="activity"),
        "note": Column(name="line_text"),
        "status": Column(
            name="line_status",
            words={
                "DRAFT": TimeEntryStatus.DRAFT,
                "PENDING": TimeEntryStatus.SUBMITTED,
                "APPROVED": TimeEntryStatus.APPROVED,
                "DENIED": TimeEntryStatus.REJECTED,
            },
        ),
        "approved_by": Column(name="approved_by"),
        "approved_at": Column(name="approved_at"),
    },
)

EXPENSE_ITEM = Binding(
    entity=ExpenseItem,
    system=System.ERP,
    resource="expense-costs",
    table="public.expense_costs",
    key="id",
    anchor_key="psa_ref",
    copies={
        "resource_id": Column(name="employee_no", names=System.HR),
        "project_id": Column(name="project_no"),
        "incurred_on": Column(name="spent_on"),
        "category": Column(name="expense_type"),
        "amount": MoneyColumns(amount="amount_gross", currency="currency"),
        "tax": MoneyColumns(amount="amount_tax", currency="currency"),
        "is_tax_recoverable": Column(name="is_tax_deductible"),
        "fx_to_functional": FxColumns(
            rate="fx_rate",
            base="currency",
            quote="book_currency",
            on="fx_date",
            source="fx_provider",
        ),
        "is_billable": Column(name="is_billable"),
        "is_reimbursable": Column(name="is_reimbursed"),
        "receipt_hash": Column(name="receipt_digest"),
        "status": Column(
            name="line_status",
            words={
                "DRAFT": ExpenseItemStatus.DRAFT,
                "PENDING": ExpenseItemStatus.SUBMITTED,
                "APPROVED": ExpenseItemStatus.APPROVED,
                "DENIED": ExpenseItemStatus.REJECTED,
                "POSTED": ExpenseItemStatus.POSTED,
                "REIMBURSED": ExpenseItemStatus.REIMBURSED,
            },
        ),
    },
)

WORK = (ASSIGNMENT, TIME_ENTRY, EXPENSE_ITEM)
