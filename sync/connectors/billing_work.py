"""How billing holds copies of time and expenses: what it can bill."""

from __future__ import annotations

from schema.entities.expense_item import ExpenseItem, ExpenseItemStatus
from schema.entities.time_entry import TimeEntry, TimeEntryStatus
from schema.system import System
from sync.connectors.binding import Binding, Column, FxColumns, MoneyColumns, RateColumns

TIME_ENTRY = Binding(
    entity=TimeEntry,
    system=System.BILLING,
    resource="time-usage",
    table="public.time_usage",
    key="id",
    anchor_key="psa_entry",
    copies={
        "resource_id": Column(name="worker", names=System.HR),
        "project_id": Column(name="project_code", names=System.ERP),
        "work_date": Column(name="service_day"),
        "worked": Column(name="minutes_worked"),
        "billable": Column(name="minutes_billable"),
        "is_billable": Column(name="billable"),
        "activity": Column(name="activity"),
        "note": Column(name="description"),
        "status": Column(
            name="status",
            words={
                "draft": TimeEntryStatus.DRAFT,
                "pending": TimeEntryStatus.SUBMITTED,
                "approved": TimeEntryStatus.APPROVED,
                "denied": TimeEntryStatus.REJECTED,
            },
        ),
        "approved_at": Column(name="approved_at"),
        "rate": RateColumns(amount="unit_price", currency="price_currency", per="price_unit"),
    },
)

EXPENSE_ITEM = Binding(
    entity=ExpenseItem,
    system=System.BILLING,
    resource="expense-usage",
    table="public.expense_usage",
    key="id",
    anchor_key="psa_line",
    copies={
        "resource_id": Column(name="worker", names=System.HR),
        "project_id": Column(name="project_code", names=System.ERP),
        "incurred_on": Column(name="spent_on"),
        "category": Column(name="category"),
        "amount": MoneyColumns(amount="amount", currency="currency"),
        "tax": MoneyColumns(amount="tax", currency="currency"),
        "is_tax_recoverable": Column(name="tax_recoverable"),
        "billing_fx": FxColumns(
            rate="fx_rate", base="currency", quote="fx_to", on="fx_day", source="fx_source"
        ),
        "is_billable": Column(name="billable"),
        "markup": Column(name="markup"),
        "status": Column(
            name="status",
            words={
                "draft": ExpenseItemStatus.DRAFT,
                "pending": ExpenseItemStatus.SUBMITTED,
                "approved": ExpenseItemStatus.APPROVED,
                "denied": ExpenseItemStatus.REJECTED,
                "posted": ExpenseItemStatus.POSTED,
                "reimbursed": ExpenseItemStatus.REIMBURSED,
            },
        ),
    },
)

WORK = (TIME_ENTRY, EXPENSE_ITEM)
