"""Draws the time entries one by one, so that ten millions of them need no memory."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random

from hub.demo import names
from hub.demo.drawing.dice import CLOSED_UNTIL, TODAY
from hub.demo.drawing.workdays import by_workday
from hub.demo.firm import Firm
from hub.demo.work import Assignment, TimeEntry

QUARTER = 15
LONGEST_ENTRY, LONGEST_DAY = 16, 40
"""In quarters of an hour."""
SETTLED_AFTER = timedelta(days=14)


def draw_time_entries(firm: Firm) -> Iterator[TimeEntry]:
    """In the order of days, numbered from 1; the same firm gives the same entries."""
    rng = Random(f"{firm.seed} time entries")
    chances = sum(len(worked) for _, worked in by_workday(firm.assignments))
    chance = firm.size.time_entries / chances
    number = 0
    for day, worked in by_workday(firm.assignments):
        left: dict[int, int] = {}
        for seat in worked:
            if rng.random() >= chance:
                continue
            person = seat.worker.psa_id
            free = left.get(person, LONGEST_DAY)
            quarters = min(free, 1 + int(rng.random() * LONGEST_ENTRY))
            if quarters:
                left[person] = free - quarters
                number += 1
                yield draw_entry(rng, number, seat, day, quarters * QUARTER)


def draw_entry(rng: Random, number: int, seat: Assignment, day: date, worked: int) -> TimeEntry:
    status = draw_status(rng.random(), day)
    is_approved = status == "approved"
    kind = int(rng.random() * len(names.ACTIVITIES))
    activity, notes = names.ACTIVITIES[kind]
    return TimeEntry(
        number=number,
        assignment=seat,
        work_date=day,
        worked=worked,
        billable=worked if seat.is_billable else 0,
        activity=activity,
        note=notes[int(rng.random() * len(notes))],
        status=status,
        approved_at=approval(day, 1 + int(rng.random() * 9)) if is_approved else None,
        locked_reason=lock(day) if is_approved else None,
    )


def draw_status(luck: float, day: date) -> str:
    if day > TODAY - SETTLED_AFTER:
        return "open" if luck < 0.45 else "waiting" if luck < 0.98 else "returned"
    return "approved" if luck < 0.98 else "returned" if luck < 0.99 else "waiting"


@cache
def approval(day: date, days_later: int) -> datetime:
    return datetime.combine(day + timedelta(days=days_later), time(9, 30), tzinfo=UTC)


@cache
def lock(day: date) -> str | None:
    return f"Period {day:%Y-%m} is closed." if day <= CLOSED_UNTIL else None
