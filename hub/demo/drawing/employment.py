"""Draws the terms people are employed on: grade, line manager, working time and what they cost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from random import Random

from hub.demo.parties import CostRate, Person

GRADES = {
    "Analyst": ("A1", "A2"),
    "Consultant": ("C1", "C2"),
    "Senior Consultant": ("S1", "S2"),
    "Manager": ("M1", "M2"),
    "Partner": ("P1",),
}
COSTS = {"Analyst": 38, "Consultant": 52, "Senior Consultant": 68, "Manager": 92, "Partner": 145}
LED_BY = {
    "Analyst": "Manager",
    "Consultant": "Manager",
    "Senior Consultant": "Manager",
    "Manager": "Partner",
}
RAISES = (date(2025, 1, 1), date(2026, 1, 1))
RAISE = Decimal("1.035")
FULL_WEEK = (480, 480, 480, 480, 480, 0, 0)
SHORT_WEEK = (480, 480, 480, 480, 0, 0, 0)
HOLIDAYS: dict[str, tuple[tuple[int, int], ...]] = {
    "NL": ((1, 1), (4, 6), (4, 27), (5, 14), (5, 25), (12, 25)),
    "DE": ((1, 1), (4, 3), (4, 6), (5, 1), (5, 14), (5, 25), (12, 25)),
    "GB": ((1, 1), (4, 3), (4, 6), (5, 4), (5, 25), (8, 31), (12, 25)),
    "US": ((1, 1), (1, 19), (5, 25), (6, 19), (7, 3), (9, 7), (11, 26), (12, 25)),
}
YEAR = 2026


def employ(rng: Random, people: Sequence[Person]) -> list[Person]:
    """Each is led by somebody a step up who works here; the partners lead themselves."""
    return [draw_terms(rng, one, people) for one in people]


def draw_terms(rng: Random, person: Person, people: Sequence[Person]) -> Person:
    leader = LED_BY.get(person.role)
    leaders = [one.employee_number for one in people if one.role == leader]
    return replace(
        person,
        grade=rng.choice(GRADES[person.role]),
        manager_number=rng.choice(leaders) if leaders else None,
        week=SHORT_WEEK if rng.random() < 0.15 else FULL_WEEK,
        holidays=tuple(date(YEAR, month, day) for month, day in HOLIDAYS[person.country]),
        cost_rates=tuple(draw_cost_rates(rng, person)),
    )


def draw_cost_rates(rng: Random, person: Person) -> list[CostRate]:
    """From the first day on, with a raise each January since."""
    amount = Decimal(COSTS[person.role] + rng.randint(-6, 12))
    rates = [CostRate(valid_from=person.hired_on, amount=amount.quantize(Decimal("0.01")))]
    for day in RAISES:
        if day > person.hired_on:
            amount *= RAISE
            rates.append(CostRate(valid_from=day, amount=amount.quantize(Decimal("0.01"))))
    return rates
