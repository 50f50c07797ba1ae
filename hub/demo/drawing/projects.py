"""Draws the projects of what was sold, and who works on them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from hub.demo import names
from hub.demo.drawing.dice import TODAY, shuffled
from hub.demo.engagements import Engagement, Project
from hub.demo.parties import Person

ENDING = timedelta(days=45)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Who can be staffed."""

    managers: list[Person]
    others: list[Person]


def draw_projects(
    rng: Random, engagements: Sequence[Engagement], people: Sequence[Person]
) -> list[Project]:
    """Two or three per won engagement, numbered within the month they start in."""
    won = [one for one in engagements if one.stage == "CLOSED_WON"]
    bench = bench_of(people)
    phases = [
        (engagement, phase)
        for place, engagement in enumerate(won)
        for phase in names.PHASES[: 2 + place % 2]
    ]
    starts = [rng.randint(0, 30) for _ in phases]
    psa_ids = shuffled(rng, len(phases))
    numbered: Counter[str] = Counter()
    projects = []
    for place, (engagement, phase) in enumerate(phases):
        start_on = engagement.starts_on + timedelta(days=starts[place])
        month = f"P-{start_on:%y%m}"
        numbered[month] += 1
        project_no = f"{month}-{numbered[month]:03d}"
        drawn = draw_project(rng, project_no, psa_ids[place], engagement, phase, start_on, bench)
        projects.append(replace(drawn, status=set_up_or_ending(drawn, place)))
    return projects


def set_up_or_ending(project: Project, place: int) -> str:
    """What is about to start is being set up, which may fail; what is about to end winds up."""
    if project.status == "PLANNED":
        return ("IN_SETUP", "PLANNED", "SETUP_FAILED")[place % 3]
    is_ending = project.end_on < TODAY + ENDING and place % 2 == 0
    return "WINDING_UP" if project.status == "OPEN" and is_ending else project.status


def draw_project(
    rng: Random,
    project_no: str,
    psa_id: int,
    engagement: Engagement,
    phase: str,
    start_on: date,
    bench: Bench,
) -> Project:
    end_on = engagement.ends_on
    status = project_status(rng, start_on, end_on)
    team = draw_team(rng, bench)
    hours = rng.randint(20, 300) * 10
    return Project(
        project_no=project_no,
        psa_id=psa_id,
        engagement=engagement,
        name=f"{engagement.title}: {phase}",
        status=status,
        budget_hours=hours,
        budget_amount=Decimal(hours * rng.randint(110, 190)),
        start_on=start_on,
        end_on=end_on,
        manager=team[0],
        team=team,
        percent_done=percent_done(start_on, end_on, status),
        health=rng.choices(("green", "amber", "red"), (7, 2, 1))[0],
    )


def project_status(rng: Random, start_on: date, end_on: date) -> str:
    if start_on > TODAY:
        return "PLANNED"
    if end_on < TODAY:
        return "CLOSED"
    return "ON_HOLD" if rng.random() < 0.08 else "OPEN"


def percent_done(start_on: date, end_on: date, status: str) -> int:
    if status in ("PLANNED", "CLOSED"):
        return 100 if status == "CLOSED" else 0
    return min(95, 100 * (TODAY - start_on).days // max(1, (end_on - start_on).days))


def bench_of(people: Sequence[Person]) -> Bench:
    staffable = [one for one in people if one.status != "TERMINATED"]
    return Bench(
        managers=[one for one in staffable if one.role == "Manager"],
        others=[one for one in staffable if one.role not in ("Partner", "Manager")],
    )


def draw_team(rng: Random, bench: Bench) -> list[Person]:
    """Three to eight people, a manager first."""
    manager = rng.choice(bench.managers)
    return [manager, *rng.sample(bench.others, rng.randint(2, 7))]
