"""Local time: days belong to a zone, and a day is never guessed from an instant.

A `date` in the canon is a local day as people wrote it down. Where one must follow from an
instant, `local_date` says in which zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import NewType
from zoneinfo import ZoneInfo, available_timezones

from schema.errors import Invalid
from schema.minutes import Minutes

TimeZone = NewType("TimeZone", str)
"""The IANA name of a zone: Europe/Amsterdam."""

_DAY = timedelta(days=1)
_NO_PLACES = {"localtime", "Factory"}
"""Listed by some machines: whatever they are set to, and no zone at all."""


def time_zone(name: str) -> TimeZone:
    """The name as a zone. Raises Invalid when IANA has no zone of that name."""
    if name not in _zones():
        raise Invalid(f"{name[:60]!r} is no IANA time zone; write it like Europe/Amsterdam.")
    return TimeZone(name)


def local_date(instant: datetime, zone: TimeZone) -> date:
    """The day on the wall calendar in the zone at that instant."""
    return _aware(instant).astimezone(ZoneInfo(zone)).date()


def day_start(day: date, zone: TimeZone) -> datetime:
    """The first instant of the local day, also where the clocks change at midnight."""
    # of a midnight that is skipped or comes twice, fold=0 is the moment the day begins
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def minutes_of_day(day: date, zone: TimeZone) -> Minutes:
    """How long the local day lasts: 1440 minutes, or 1380 or 1500 where the clocks change."""
    return Minutes(_minute(day_start(day + _DAY, zone)) - _minute(day_start(day, zone)))


def split_at_midnight(
    start: datetime, end: datetime, zone: TimeZone
) -> Iterator[tuple[date, Minutes]]:
    """A shift as minutes per local day, in order.

    The parts add up to the minutes between the two instants, seconds cut off. Days in which no
    minute was worked are left out. Raises Invalid when the shift ends before it starts.
    """
    if _minute(end) < _minute(start):
        raise Invalid(f"A shift cannot end at {end.isoformat()}, before it starts.")
    day, last = local_date(start, zone), local_date(end, zone)
    while day <= last:
        begun = max(_minute(start), _minute(day_start(day, zone)))
        ended = min(_minute(end), _minute(day_start(day + _DAY, zone)))
        if ended > begun:
            yield day, Minutes(ended - begun)
        day += _DAY


def _minute(instant: datetime) -> int:
    """Whole minutes since 1970."""
    return int(_aware(instant).timestamp() // 60)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise Invalid(f"{instant.isoformat()} is no instant: say its offset from UTC.")
    return instant


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - _NO_PLACES)
