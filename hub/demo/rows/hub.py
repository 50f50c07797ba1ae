"""What the hub itself owns of the firm; it makes these tables, and only they are seeded here."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from typing import Any

from hub.demo.bills import BillingEvent
from hub.demo.drawing.events import draw_events
from hub.demo.drawing.expenses import draw_expenses
from hub.demo.drawing.time_entries import draw_time_entries
from hub.demo.firm import Firm
from hub.demo.rows.words import Rows
from hub.demo.tables import Table, text_key

HUB_TABLES = (
    Table(name="hub.billing_hold", key=text_key("id"), prefix="H", digits=7, columns=()),
    Table(name="hub.billing_event", key=text_key("id"), prefix="B", digits=10, columns=()),
    Table(name="hub.time_price", key=text_key("time_entry"), columns=()),
    Table(name="hub.expense_price", key=text_key("expense"), columns=()),
)

NON_BILLABLE, NOTHING = "non_billable", Decimal(0)
PRICE = (
    *("rate", "currency", "rate_unit", "rate_line", "rate_source"),
    *("cost", "cost_currency", "cost_unit"),
)
"""What is empty of time without one."""


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
        "hub.time_price": chain(
            (row for one in draw_events(firm) for row in time_prices(one)),
            (
                time_price(one.number, NON_BILLABLE)
                for one in draw_time_entries(firm)
                if not one.is_billable
            ),
        ),
        "hub.expense_price": chain(
            (row for one in draw_events(firm) for row in expense_prices(one)),
            (
                expense_price(one.number, NON_BILLABLE)
                for one in draw_expenses(firm)
                if not one.is_billable
            ),
        ),
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
        "written_off_by": one.write_off and one.write_off.by,
        "written_off_at": one.write_off and one.write_off.at,
        "write_off_reason": one.write_off and one.write_off.reason,
    }


def time_prices(one: BillingEvent) -> Iterator[dict[str, Any]]:
    """Price and cost of each entry, frozen when it was approved, and how far it is billed."""
    price = one.billed.price
    if price is None:
        return
    for number, cost in zip(one.billed.time_entries, one.billed.costs, strict=True):
        yield time_price(number, one.billing_state, one.billed_share) | {
            "rate": price.amount,
            "currency": one.currency,
            "rate_unit": "hour",
            "rate_line": price.line_id,
            "rate_source": price.source,
            "cost": cost.amount,
            "cost_currency": cost.currency,
            "cost_unit": "hour",
        }


def time_price(number: int, state: str, share: Decimal = NOTHING) -> dict[str, Any]:
    """Of time that has no price."""
    return {
        "time_entry": str(number),
        **dict.fromkeys(PRICE),
        **how_far(state, share),
    }


def expense_prices(one: BillingEvent) -> Iterator[dict[str, Any]]:
    for number in one.billed.expenses:
        yield expense_price(number, one.billing_state, one.billed_share)


def expense_price(number: int, state: str, share: Decimal = NOTHING) -> dict[str, Any]:
    return {"expense": str(number), **how_far(state, share)}


def how_far(state: str, share: Decimal) -> dict[str, Any]:
    """Of work that one event bills: all of it is given up with the event, or nothing."""
    given_up = Decimal(state == "written_off")
    return {"billing_state": state, "billed_share": share, "written_off_share": given_up}
