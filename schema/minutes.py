"""Minutes: durations are whole minutes; hours are a view of them, made where they are printed."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import NewType

from schema.errors import Invalid

Minutes = NewType("Minutes", int)
"""A duration of 0 minutes or more."""

MOST_MINUTES = 2**31 - 1
"""What a 32-bit column of another system still holds: 4,000 years."""

_SIXTY = Decimal(60)


class Increments(Enum):
    """How worked minutes become billable ones, as a rate line asks."""

    STARTED = "started"
    NEAREST = "nearest"


def minutes(count: int) -> Minutes:
    """The count as a duration. Raises Invalid for one that nothing can last."""
    if not 0 <= count <= MOST_MINUTES:
        raise Invalid(f"{count} is no duration: minutes run from 0 to {MOST_MINUTES}.")
    return Minutes(count)


def hours_of(duration: Minutes, digits: int = 2) -> Decimal:
    """The duration in hours, rounded half up to `digits` decimals.

    With two digits or more, `minutes_of_hours` finds the same minutes again.
    """
    return (Decimal(duration) / _SIXTY).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def minutes_of_hours(hours: Decimal) -> Minutes:
    """The whole minutes nearest to a number of hours that some system has printed."""
    return minutes(int((hours * _SIXTY).quantize(Decimal(1), ROUND_HALF_UP)))


def billable_minutes(worked: Minutes, increment: int, rule: Increments) -> Minutes:
    """Worked minutes in whole increments: each started one, or the nearest number of them.

    Half an increment counts as one. Applying the rule again changes nothing.
    """
    if increment < 1:
        raise Invalid(f"An increment of {increment} minutes bills nothing; it starts at 1.")
    started = increment - 1 if rule is Increments.STARTED else increment // 2
    return minutes((worked + started) // increment * increment)
