"""Draws the plan: who is assigned to which project, when and how firmly."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from hub.demo.drawing.dice import TODAY, shuffled
from hub.demo.engagements import Project
from hub.demo.parties import Person
from hub.demo.work import Assignment

DAY = timedelta(days=1)
SEAT_ROLES = ("Senior Consultant", "Consultant", "Analyst")


def draw_assignments(seed: int, projects: Sequence[Project]) -> list[Assignment]:
    """In the order of the projects; a superseded assignment stands before its successor."""
    rng = Random(f"{seed} assignments")
    drawn = [one for project in projects for one in draw_plan(rng, project)]
    numbers = shuffled(rng, len(drawn))
    return [
        replace(
            one,
            psa_id=numbers[place],
            successor_id=numbers[place + 1] if one.status == "superseded" else None,
        )
        for place, one in enumerate(drawn)
    ]


def draw_plan(rng: Random, project: Project) -> Iterator[Assignment]:
    """The seats of the team, and of an open project perhaps one that nobody sits in yet."""
    for person in project.team:
        yield from draw_seat(rng, project, person)
    starts_on = max(project.start_on, TODAY + timedelta(days=10))
    if starts_on < project.end_on and rng.random() < 0.25:
        status = rng.choice(("requested", "requested", "pencilled"))
        yield draw_assignment(rng, project, None, starts_on, project.end_on, status)


def draw_seat(rng: Random, project: Project, person: Person) -> Iterator[Assignment]:
    """One assignment within project and employment, or two when another person took over."""
    first = max(project.start_on, person.hired_on)
    last = min(project.end_on, person.left_on or project.end_on)
    days = (last - first).days
    starts_on = first + DAY * rng.randrange(days // 3 + 1)
    ends_on = last - DAY * rng.randrange(days // 3 + 1)
    status = status_on(rng, starts_on, ends_on)
    seat = draw_assignment(rng, project, person, starts_on, ends_on, status)
    if status in ("running", "done") and rng.random() < 0.04:
        handed_over = starts_on + (ends_on - starts_on) // 2
        yield replace(seat, ends_on=handed_over - DAY, status="superseded")
        seat = replace(seat, starts_on=handed_over, person=rng.choice(project.team[1:]))
        seat = replace(seat, status=status_on(rng, handed_over, ends_on))
    yield seat


def draw_assignment(
    rng: Random,
    project: Project,
    person: Person | None,
    starts_on: date,
    ends_on: date,
    status: str,
) -> Assignment:
    has_own_rate = rng.random() < 0.05
    is_daily = has_own_rate and rng.random() < 0.2
    hourly = Decimal(rng.randrange(90, 260))
    return Assignment(
        psa_id=0,
        project=project,
        person=person,
        role=person.role if person else rng.choice(SEAT_ROLES),
        status=status,
        starts_on=starts_on,
        ends_on=ends_on,
        minutes_per_day=rng.choice((120, 240, 240, 360, 480)),
        is_billable=rng.random() < 0.92,
        own_rate=hourly * (8 if is_daily else 1) if has_own_rate else None,
        own_rate_unit=("daily" if is_daily else "hourly") if has_own_rate else None,
        successor_id=None,
    )


def status_on(rng: Random, starts_on: date, ends_on: date) -> str:
    if ends_on < TODAY:
        return "done"
    if starts_on <= TODAY:
        return "running"
    return rng.choices(("requested", "pencilled", "booked", "released"), (1, 3, 5, 1))[0]
