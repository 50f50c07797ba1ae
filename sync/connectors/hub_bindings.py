"""How the hub's own tables hold canonical fields; references are the anchors' own keys."""

from __future__ import annotations

from schema.entities.billing_event import BillingEvent
from schema.entities.billing_hold import BillingHold
from schema.entities.expense_item import ExpenseItem
from schema.entities.invoice import Invoice
from schema.entities.time_entry import TimeEntry
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns, PartColumn, RateColumns

HOLD = Binding(
    entity=BillingHold,
    system=System.HUB,
    resource="billing_hold",
    table="hub.billing_hold",
    key="id",
    anchor_key="id",
    reference="hub_reference",
    read_only=frozenset({"status", "placed_at", "released_by", "released_at"}),
    owns={
        "client_id": Column(name="crm_account", names=System.CRM),
        "engagement_id": Column(name="crm_engagement", names=System.CRM),
        "project_id": Column(name="project_no", names=System.ERP),
        "invoice_id": Column(name="invoice", names=System.BILLING),
        "billing_event_id": Column(name="billing_event"),
        "effect": Column(name="effect"),
        "status": Column(name="status"),
        "reason": Column(name="reason"),
        "placed_by": Column(name="placed_by"),
        "placed_at": Column(name="placed_at"),
        "review_by": Column(name="review_by"),
        "released_by": Column(name="released_by"),
        "released_at": Column(name="released_at"),
    },
)

EVENT = Binding(
    entity=BillingEvent,
    system=System.HUB,
    resource="billing_event",
    table="hub.billing_event",
    key="id",
    anchor_key="id",
    reference="hub_reference",
    read_only=frozenset(
        {
            *("status", "billing_hold_ids", "allocations", "invoice_ids"),
            *("written_off_by", "written_off_at", "write_off_reason"),
        }
    ),
    owns={
        "project_id": Column(name="project_no", names=System.ERP),
        "kind": Column(name="kind"),
        "status": Column(name="status"),
        "time_entry_ids": Column(name="time_entries", names=System.PSA),
        "expense_item_ids": Column(name="expenses", names=System.PSA),
        "milestone_id": Column(name="milestone", names=System.CRM),
        "retainer_id": Column(name="retainer", names=System.CRM),
        "service_from": Column(name="service_from"),
        "service_to": Column(name="service_to"),
        "quantity": Column(name="quantity"),
        "rate": RateColumns(amount="rate", currency="currency", per="rate_unit"),
        "amount": MoneyColumns(amount="amount", currency="currency"),
        "tax_code": Column(name="tax_code"),
        "billing_hold_ids": Column(name="holds"),
        "allocations": PartColumn(
            name="allocations",
            parts={
                "invoice_id": Column(name="invoice", names=System.BILLING),
                "line": Column(name="line"),
                "amount": MoneyColumns(amount="amount", currency="currency"),
            },
        ),
        "invoice_ids": Column(name="invoices", names=System.BILLING),
        "written_off_by": Column(name="written_off_by"),
        "written_off_at": Column(name="written_off_at"),
        "write_off_reason": Column(name="write_off_reason"),
    },
)

TIME_PRICE = Binding(
    entity=TimeEntry,
    system=System.HUB,
    resource="time_price",
    table="hub.time_price",
    key="time_entry",
    anchor_key="time_entry",
    owns={
        "rate": RateColumns(amount="rate", currency="currency", per="rate_unit"),
        "rate_line_id": Column(name="rate_line", names=System.CRM),
        "rate_source": Column(name="rate_source"),
        "rate_version": Column(name="rate_version"),
        "cost_snapshot": RateColumns(amount="cost", currency="cost_currency", per="cost_unit"),
        "billing_state": Column(name="billing_state"),
        "billed_share": Column(name="billed_share"),
        "written_off_share": Column(name="written_off_share"),
    },
)

EXPENSE_PRICE = Binding(
    entity=ExpenseItem,
    system=System.HUB,
    resource="expense_price",
    table="hub.expense_price",
    key="expense",
    anchor_key="expense",
    owns={
        "billing_state": Column(name="billing_state"),
        "billed_share": Column(name="billed_share"),
        "written_off_share": Column(name="written_off_share"),
    },
)

INVOICE_HOLDS = Binding(
    entity=Invoice,
    system=System.HUB,
    resource="standing_holds",
    key="invoice",
    anchor_key="invoice",
    read_only=frozenset({"standing_holds"}),
    owns={
        "standing_holds": PartColumn(
            name="standing",
            parts={
                "billing_hold_id": Column(name="hold"),
                "effect": Column(name="effect"),
                "reason": Column(name="reason"),
            },
        ),
    },
)
"""Worked out for the invoices asked of, and stored nowhere: nothing of it is captured."""
