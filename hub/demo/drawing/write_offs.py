"""Draws what was given up: work that nobody has billed for months, and never will."""

from datetime import UTC, datetime, time, timedelta

from hub.demo.bills import Billable, WriteOff
from hub.demo.drawing.dice import TODAY
from hub.demo.drawing.holds import FINANCE

REASONS = (
    "Beyond the budget, and the client pays no more",
    "Rework after a mistake of ours",
    "Goodwill, agreed with the client",
)
SEASONED = timedelta(days=75)
ONE_IN = 12


def write_off_of(number: int, billed: Billable) -> WriteOff | None:
    """Every twelfth of what is as old as that when nothing of it was billed."""
    decided_on = billed.service_to + SEASONED
    if number % ONE_IN or decided_on > TODAY:
        return None
    return WriteOff(
        by=FINANCE,
        at=datetime.combine(decided_on, time(16), UTC),
        reason=REASONS[number // ONE_IN % len(REASONS)],
    )
