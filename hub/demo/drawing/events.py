"""Draws billing events: what may be invoiced, and which invoice line took it."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from hub.demo.bills import BillingEvent, Hold, Invoice
from hub.demo.drawing.dice import TODAY
from hub.demo.parties import Project

LOOK_BACK = timedelta(days=120)
HOURS, RATE = Decimal(24), Decimal(150)


def draw_events(
    projects: Sequence[Project], invoices: Sequence[Invoice], holds: Sequence[Hold]
) -> list[BillingEvent]:
    """A fixed amount per recent invoice, taken by its lines; open hours per running project.

    The hours of a project under a hold are held, the others ready.
    """
    held = {one.key: one.hold_id for one in holds if one.status == "placed"}
    recent = [one for one in invoices if one.corrects is None and one.issued_on > TODAY - LOOK_BACK]
    running = [one for one in projects if one.status == "OPEN"]
    taken = [_taken(number, one) for number, one in enumerate(recent, start=1)]
    first = len(taken) + 1
    return taken + [
        _open(number, one, held.get(one.project_no)) for number, one in enumerate(running, first)
    ]


def _taken(number: int, invoice: Invoice) -> BillingEvent:
    is_void = invoice.status == "void"
    return BillingEvent(
        event_id=event_id(number),
        project=invoice.project,
        kind="milestone",
        status="cancelled" if is_void else "invoiced" if invoice.is_in_ledger else "allocated",
        service_from=invoice.issued_on.replace(day=1),
        service_to=invoice.issued_on,
        quantity=Decimal(1),
        rate=invoice.amount_net,
        unit="unit",
        amount=invoice.amount_net,
        hold_id=None,
        invoice_id=None if is_void else invoice.invoice_id,
        shares=tuple(line.net for line in invoice.lines),
    )


def _open(number: int, project: Project, hold_id: str | None) -> BillingEvent:
    month = TODAY.replace(day=1)
    return BillingEvent(
        event_id=event_id(number),
        project=project,
        kind="time",
        status="held" if hold_id else "ready",
        service_from=month,
        service_to=max(month, date(TODAY.year, TODAY.month, 15)),
        quantity=HOURS,
        rate=RATE,
        unit="hour",
        amount=HOURS * RATE,
        hold_id=hold_id,
        invoice_id=None,
    )


def event_id(number: int) -> str:
    return f"B{number:010d}"
