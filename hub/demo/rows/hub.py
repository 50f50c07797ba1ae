"""What the hub itself owns of the firm; it makes these tables, and only they are seeded here."""

from collections.abc import Iterator
from typing import Any

from hub.demo.bills import BillingEvent
from hub.demo.drawing.events import draw_events
from hub.demo.firm import Firm
from hub.demo.rows.words import Rows
from hub.demo.tables import Table, text_key

HUB_TABLES = (
    Table(name="hub.billing_hold", key=text_key("id"), prefix="H", digits=7, columns=()),
    Table(name="hub.billing_event", key=text_key("id"), prefix="B", digits=10, columns=()),
    Table(name="hub.time_price", key=text_key("time_entry"), columns=()),
    Table(name="hub.expense_price", key=text_key("expense"), columns=()),
)


def hub_rows(firm: Firm) -> dict[str, Rows]:
    return {
        "hub.billing_hold": [
            {
                "id": one.hold_id,
                "crm_account": one.key if one.scope == "account" else None,
                "project_no": one.key if one.scope == "project" else None,
                "invoice": one.key if one.scope == "invoice" else None,
                "effect": one.effect,
                "status": one.status,
                "reason": one.reason,
                "placed_by": one.placed_by,
                "placed_at": one.placed_at,
                "review_by": one.review_by,
                "released_by": one.placed_by if one.released_at else None,
                "released_at": one.released_at,
            }
            for one in firm.holds
        ],
        "hub.billing_event": map(event_row, draw_events(firm)),
        "hub.time_price": (row for one in draw_events(firm) for row in time_prices(one)),
        "hub.expense_price": (row for one in draw_events(firm) for row in expense_prices(one)),
    }


def event_row(one: BillingEvent) -> dict[str, Any]:
    billed = one.billed
    return {
        "id": one.event_id,
        "project_no": billed.project.project_no,
        "kind": billed.kind,
        "status": one.status,
        "time_entries": [str(number) for number in billed.time_entries] or None,
        "expenses": [str(number) for number in billed.expenses] or None,
        "milestone": billed.milestone,
        "retainer": billed.retainer,
        "service_from": billed.service_from,
        "service_to": billed.service_to,
        "quantity": billed.quantity,
        "rate": billed.rate,
        "rate_unit": billed.unit,
        "amount": billed.amount,
        "currency": one.currency,
        "holds": list(one.holds),
        "allocations": one.allocations,
        "invoices": one.invoices,
    }


def time_prices(one: BillingEvent) -> Iterator[dict[str, Any]]:
    """Price and cost of each entry, frozen when it was approved, and how far it is billed."""
    price = one.billed.price
    if price is None:
        return
    for number, cost in zip(one.billed.time_entries, one.billed.costs, strict=True):
        yield {
            "time_entry": str(number),
            "rate": price.amount,
            "currency": one.currency,
            "rate_unit": "hour",
            "rate_line": price.line_id,
            "rate_source": price.source,
            "cost": cost.amount,
            "cost_currency": cost.currency,
            "cost_unit": "hour",
            "billing_state": one.billing_state,
            "billed_share": one.billed_share,
        }


def expense_prices(one: BillingEvent) -> Iterator[dict[str, Any]]:
    for number in one.billed.expenses:
        yield {
            "expense": str(number),
            "billing_state": one.billing_state,
            "billed_share": one.billed_share,
        }
