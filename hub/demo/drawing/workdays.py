"""The working days of the firm, and who works under which assignment on each."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from hub.demo.drawing.dice import FIRST_DAY, TODAY
from hub.demo.work import Assignment

WORKED = ("running", "done", "superseded")
SATURDAY = 5

WORKDAYS = tuple(
    day
    for day in (FIRST_DAY + timedelta(days=n) for n in range((TODAY - FIRST_DAY).days + 1))
    if day.weekday() < SATURDAY
)


def by_workday(assignments: Iterable[Assignment]) -> Iterator[tuple[date, list[Assignment]]]:
    """Each working day up to today with the assignments people work under; nothing is kept."""
    worked = [one for one in assignments if one.person and one.status in WORKED]
    coming = sorted(worked, key=lambda one: (one.starts_on, one.psa_id), reverse=True)
    running: list[Assignment] = []
    for day in WORKDAYS:
        while coming and coming[-1].starts_on <= day:
            running.append(coming.pop())
        running = [one for one in running if one.ends_on >= day]
        yield day, running
