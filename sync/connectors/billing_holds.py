"""What billing holds of the hub's own records."""

from __future__ import annotations

from schema.entities.billing_event import BillingEvent
from schema.entities.billing_hold import BillingHold
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns

HOLD = Binding(
    entity=BillingHold,
    system=System.BILLING,
    resource="holds",
    table="public.holds",
    key="id",
    anchor_key="hub_hold",
    copies={
        "client_id": Column(name="customer"),
        "project_id": Column(name="project_code", names=System.ERP),
        "invoice_id": Column(name="invoice"),
        "billing_event_id": Column(name="billable"),
        "effect": Column(name="effect"),
        "status": Column(name="state"),
        "reason": Column(name="reason"),
        "review_by": Column(name="review_on"),
    },
)

EVENT = Binding(
    entity=BillingEvent,
    system=System.BILLING,
    resource="billables",
    table="public.billables",
    key="id",
    anchor_key="hub_event",
    copies={
        "project_id": Column(name="project_code", names=System.ERP),
        "kind": Column(name="kind"),
        "status": Column(name="state"),
        "service_from": Column(name="service_from"),
        "service_to": Column(name="service_to"),
        "amount": MoneyColumns(amount="amount", currency="currency"),
        "tax_code": Column(name="tax_code"),
    },
)
