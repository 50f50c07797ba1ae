"""How the PSA holds plans, time and expenses, and what it calls their lifecycle's actions."""

from __future__ import annotations

from schema.entities.assignment import Assignment, AssignmentStatus
from schema.entities.expense_item import ExpenseItem, ExpenseItemStatus
from schema.entities.time_entry import TimeEntry, TimeEntryStatus
from schema.rate import RateUnit
from schema.system import System
from sync.connectors.binding import (
    Binding,
    Column,
    Event,
    FxColumns,
    MoneyColumns,
    Place,
    RateColumns,
)
from sync.connectors.calls import Call, Calls
from sync.connectors.words import duration_of, hours_text

ASSIGNMENT = Binding(
    entity=Assignment,
    system=System.PSA,
    resource="allocations",
    table="public.allocations",
    key="id",
    anchor_key="id",
    reference="external_ref",
    read_only=frozenset({"status", "replaced_by_id"}),
    owns={
        "project_id": Column(name="project_id"),
        "resource_id": Column(name="user_id"),
        "role": Column(name="seat_role"),
        "status": Column(
            name="booking_state",
            words={
                "requested": AssignmentStatus.PROPOSED,
                "pencilled": AssignmentStatus.TENTATIVE,
                "booked": AssignmentStatus.CONFIRMED,
                "running": AssignmentStatus.IN_PROGRESS,
                "done": AssignmentStatus.COMPLETED,
                "released": AssignmentStatus.CANCELLED,
                "superseded": AssignmentStatus.REPLACED,
            },
        ),
        "starts_on": Column(name="start_date"),
        "ends_on": Column(name="finish_date"),
        "minutes_per_day": Column(name="daily_hours", read=duration_of, write=hours_text),
        "total": Column(name="total_hours", read=duration_of, write=hours_text),
        "is_billable": Column(name="is_chargeable"),
        "rate_override": RateColumns(
            amount="special_rate",
            currency="special_currency",
            per="special_unit",
            words={"hourly": RateUnit.HOUR, "daily": RateUnit.DAY},
        ),
        "replaced_by_id": Column(name="successor_id"),
    },
)

TIME_EVENTS = tuple(
    Event(type=f"time-entry.{what}")
    for what in ("created", "updated", "submitted", "approved", "returned")
)
EXPENSE_EVENTS = tuple(
    Event(type=f"expense-line.{what}")
    for what in ("created", "updated", "submitted", "cleared", "returned")
)

REJECTED: dict[str, Place] = {
    "rejected_by": Column(name="returned_by"),
    "rejection_reason": Column(name="remark"),
}

TIME_ENTRY = Binding(
    entity=TimeEntry,
    system=System.PSA,
    resource="time-entries",
    table="public.time_entries",
    key="id",
    anchor_key="id",
    events=TIME_EVENTS,
    reference="external_ref",
    read_only=frozenset({"status", "approved_by", "approved_at", *REJECTED, "locked_reason"}),
    owns={
        "resource_id": Column(name="user_id"),
        "project_id": Column(name="project_id"),
        "assignment_id": Column(name="allocation_id"),
        "task": Column(name="task_name"),
        "work_date": Column(name="work_day"),
        "time_zone": Column(name="timezone"),
        "worked": Column(name="hours", read=duration_of, write=hours_text),
        "billable": Column(name="chargeable_hours", read=duration_of, write=hours_text),
        "is_billable": Column(name="is_chargeable"),
        "activity": Column(name="work_type"),
        "note": Column(name="memo"),
        "status": Column(
            name="entry_state",
            words={
                "open": TimeEntryStatus.DRAFT,
                "waiting": TimeEntryStatus.SUBMITTED,
                "approved": TimeEntryStatus.APPROVED,
                "returned": TimeEntryStatus.REJECTED,
            },
        ),
        "approved_by": Column(name="approver"),
        "approved_at": Column(name="approved_at"),
        **REJECTED,
        "locked_reason": Column(name="lock_reason"),
    },
)

EXPENSE_ITEM = Binding(
    entity=ExpenseItem,
    system=System.PSA,
    resource="expense-lines",
    table="public.expense_lines",
    key="id",
    anchor_key="id",
    events=EXPENSE_EVENTS,
    reference="external_ref",
    read_only=frozenset({"status", "approved_by", *REJECTED}),
    owns={
        "resource_id": Column(name="user_id"),
        "project_id": Column(name="project_id"),
        "incurred_on": Column(name="spent_day"),
        "category": Column(name="category"),
        "amount": MoneyColumns(amount="spent_amount", currency="spent_currency"),
        "tax": MoneyColumns(amount="tax_amount", currency="spent_currency"),
        "is_tax_recoverable": Column(name="is_tax_reclaimable"),
        "fx_to_functional": FxColumns(
            rate="payout_rate",
            base="spent_currency",
            quote="payout_currency",
            on="payout_rate_day",
            source="payout_rate_source",
        ),
        "billing_fx": FxColumns(
            rate="exchange_rate",
            base="spent_currency",
            quote="exchange_currency",
            on="exchange_day",
            source="exchange_source",
        ),
        "is_billable": Column(name="is_chargeable"),
        "markup": Column(name="uplift"),
        "receipt_hash": Column(name="receipt_sha256"),
        "is_reimbursable": Column(name="is_refundable"),
        "status": Column(
            name="line_state",
            words={
                "open": ExpenseItemStatus.DRAFT,
                "waiting": ExpenseItemStatus.SUBMITTED,
                "cleared": ExpenseItemStatus.APPROVED,
                "returned": ExpenseItemStatus.REJECTED,
                "booked": ExpenseItemStatus.POSTED,
                "paid_out": ExpenseItemStatus.REIMBURSED,
            },
        ),
        "approved_by": Column(name="approver"),
        **REJECTED,
    },
)

WORK = (ASSIGNMENT, TIME_ENTRY, EXPENSE_ITEM)


_SIGNED = {"by": "approver"}
_RETURNED = {"by": "returned_by", "reason": "remark"}

CALLS: Calls = {
    (Assignment, "pencil"): Call(path="pencil-in"),
    (Assignment, "confirm"): Call(path="book"),
    (Assignment, "start"): Call(path="begin"),
    (Assignment, "complete"): Call(path="finish"),
    (Assignment, "cancel"): Call(path="release"),
    (TimeEntry, "submit"): Call(path="submit"),
    (TimeEntry, "approve"): Call(path="sign-off", names=_SIGNED),
    (TimeEntry, "reject"): Call(path="send-back", names=_RETURNED),
    (TimeEntry, "revise"): Call(path="reopen"),
    (TimeEntry, "recall"): Call(path="withdraw"),
    (ExpenseItem, "submit"): Call(path="submit"),
    (ExpenseItem, "approve"): Call(path="clear", names=_SIGNED),
    (ExpenseItem, "reject"): Call(path="send-back", names=_RETURNED),
    (ExpenseItem, "revise"): Call(path="reopen"),
}
