"""Draws the holds on billing: why something is not billed yet, and when to look again."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from hub.demo.bills import Hold, Invoice
from hub.demo.drawing.dice import MAIL_DOMAIN, TODAY
from hub.demo.engagements import Project
from hub.demo.parties import Client

REASONS = (
    "The purchase order has run out",
    "The client disputes the scope",
    "Acceptance is still missing",
    "Credit check is running",
)
ON_CLIENTS, ON_PROJECTS, ON_INVOICES, ON_SENDING = 2, 8, 6, 3
FINANCE = f"finance@{MAIL_DOMAIN}"


def draw_holds(
    rng: Random,
    clients: Sequence[Client],
    projects: Sequence[Project],
    invoices: Sequence[Invoice],
) -> list[Hold]:
    """A few on each kind of scope; about every third is released, and some are overdue."""
    running = [one for one in projects if one.status == "OPEN"]
    waiting = [one for one in invoices if one.document_status == "DRAFT"]
    scopes: list[tuple[str, str, str]] = [
        *(("account", one.account_id, "block_event") for one in rng.sample(clients, ON_CLIENTS)),
        *(
            ("project", one.project_no, "block_event")
            for one in rng.sample(running, min(ON_PROJECTS, len(running)))
        ),
        *(
            ("invoice", one.invoice_id, "block_invoice")
            for one in rng.sample(waiting, min(ON_INVOICES, len(waiting)))
        ),
        *(("invoice", one.invoice_id, "block_send") for one in waiting[:ON_SENDING]),
    ]
    return [_hold(rng, number, *scope) for number, scope in enumerate(scopes, start=1)]


def _hold(rng: Random, number: int, scope: str, key: str, effect: str) -> Hold:
    placed_on = TODAY - timedelta(days=rng.randint(2, 60))
    placed_at = datetime.combine(placed_on, time(9, 30), UTC)
    review_by = placed_on + timedelta(days=30)
    is_released = number % 3 == 0
    return Hold(
        hold_id=f"H{number:07d}",
        scope=scope,
        key=key,
        effect=effect,
        status="released" if is_released else status_on(review_by),
        reason=rng.choice(REASONS),
        placed_by=FINANCE,
        placed_at=placed_at,
        review_by=review_by,
        released_at=placed_at + timedelta(days=1) if is_released else None,
    )


def status_on(review_by: date) -> str:
    return "expired_to_review" if review_by < TODAY else "placed"
