"""Draws what contracts promise at a fixed price: deliverables, and retainers by the period."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from hub.demo import names
from hub.demo.agreements import Deliverable, RetainerPlan
from hub.demo.drawing.dice import TODAY
from hub.demo.engagements import Project, Sow

FIXED_SHARE = {"FIXED": Decimal(1), "MILESTONES": Decimal(1), "MIXED": Decimal("0.4")}
STARTED = ("ACTIVE", "SUSPENDED", "COMPLETED", "TERMINATED")
ACCEPTANCE = timedelta(days=30)
"""How long a client takes to accept what is done."""

MONTHS = {"MONTHLY": 1, "QUARTERLY": 3}


def draw_deliverables(
    rng: Random, sows: Sequence[Sow], projects: Sequence[Project]
) -> list[Deliverable]:
    promised = [
        (sow, (place, of))
        for sow in sows
        if sow.pricing_model in FIXED_SHARE
        for of in [rng.randint(3, 4)]
        for place in range(of)
    ]
    return [
        draw_deliverable(number, sow, turn, [one for one in projects if one.sow is sow])
        for number, (sow, turn) in enumerate(promised, start=1)
    ]


def draw_deliverable(
    number: int, sow: Sow, turn: tuple[int, int], projects: Sequence[Project]
) -> Deliverable:
    """The `turn` is its place, from 0, among so many of the contract."""
    place, of = turn
    due_on = sow.valid_from + (sow.valid_to - sow.valid_from) * (place + 1) // of
    status = deliverable_status(sow, due_on)
    is_accepted = status == "ACCEPTED"
    accepted_on = due_on + timedelta(days=4 + number % 9)
    return Deliverable(
        number=number,
        sow=sow,
        project=projects[place % len(projects)] if projects else None,
        position_no=place + 1,
        name=names.DELIVERABLES[place],
        status=status,
        due_on=due_on,
        fee=parts(fixed_amount(sow), of)[place],
        needs_acceptance=place + 1 == of or number % 4 > 0,
        accepted_at=at_noon(accepted_on) if is_accepted else None,
        accepted_by="programme.office@client.example" if is_accepted else None,
        acceptance_link=f"https://documents.example/acceptances/{number}" if is_accepted else None,
    )


def deliverable_status(sow: Sow, due_on: date) -> str:
    if sow.status == "TERMINATED" and due_on == sow.valid_to:
        return "DROPPED"
    if sow.status not in STARTED or due_on >= TODAY:
        return "PLANNED"
    return "ACCEPTED" if due_on < TODAY - ACCEPTANCE else "DONE"


def fixed_amount(sow: Sow) -> Decimal:
    return (sow.ceiling or Decimal(0)) * FIXED_SHARE[sow.pricing_model]


def parts(amount: Decimal, of: int) -> list[Decimal]:
    """Whole amounts that add up; the last part takes what is left."""
    part = (amount / of).quantize(Decimal(1))
    return [*[part] * (of - 1), amount - part * (of - 1)]


def draw_retainers(rng: Random, sows: Sequence[Sow]) -> list[RetainerPlan]:
    retained = [one for one in sows if one.pricing_model == "RETAINER"]
    return [draw_retainer(rng, number, sow) for number, sow in enumerate(retained, start=1)]


def draw_retainer(rng: Random, number: int, sow: Sow) -> RetainerPlan:
    period = rng.choices(tuple(MONTHS), (3, 1))[0]
    span = (sow.valid_to - sow.valid_from).days // 30
    fee = ((sow.ceiling or Decimal(0)) * MONTHS[period] / max(1, span)).quantize(Decimal(1))
    return RetainerPlan(
        number=number,
        sow=sow,
        billing_period=period,
        first_day=sow.valid_from,
        fee=fee,
        included_hours=MONTHS[period] * rng.randrange(40, 160, 8),
        unused_rule=("FORFEIT", "CARRY_ONE", "CARRY_ALL")[number % 3],
        remaining=(fee * rng.randint(10, 90) / 100).quantize(Decimal("0.01")),
        expires_on=sow.valid_to,
    )


def at_noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
