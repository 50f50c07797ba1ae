"""One cell of a system's row as a plain value; the same for API rows and envelopes.

Dates are accepted as ISO text or as days since 1970, instants as ISO text or as microseconds,
decimals as text or numbers that are exact. Every reader raises on what its type cannot hold.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from schema.local_time import TimeZone, time_zone
from schema.minutes import Minutes, minutes

Read = Callable[..., Any]

_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPEN_ENDED_DAYS = 2_900_000
"""Beyond year 9900 or before year -5900: the infinity spellings of a date."""


def text_of(cell: Any) -> str | None:
    """A key or version cell as text."""
    return None if cell is None else str(cell)


def instant_of(cell: Any) -> datetime | None:
    """An instant: ISO text with offset, or microseconds since 1970 (a zone-less column is UTC)."""
    if cell is None:
        return None
    if isinstance(cell, int):
        return _EPOCH + timedelta(microseconds=cell)
    moment = datetime.fromisoformat(cell)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def date_of(cell: Any) -> date | None:
    """A day: ISO text or days since 1970. An infinite date is an open end, None."""
    if cell is None or cell in ("infinity", "-infinity"):
        return None
    if isinstance(cell, int):
        return None if abs(cell) > _OPEN_ENDED_DAYS else _EPOCH_DAY + timedelta(days=cell)
    return date.fromisoformat(cell[:10])


def decimal_of(cell: Any) -> Decimal | None:
    """An exact decimal from text or a whole number; floats and what is no number are refused."""
    if cell is None:
        return None
    if isinstance(cell, float):
        raise TypeError("a float is not exact")
    number = Decimal(cell)
    if not number.is_finite():
        raise ValueError("a finite number expected")
    return number


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    raise TypeError("text expected")


def _whole(cell: Any) -> int | None:
    if cell is None or (isinstance(cell, int) and not isinstance(cell, bool)):
        return cell
    raise TypeError("whole number expected")


def _flag(cell: Any) -> bool | None:
    if cell is None or isinstance(cell, bool):
        return cell
    raise TypeError("true or false expected")


def _duration(cell: Any) -> Minutes | None:
    count = _whole(cell)
    return None if count is None else minutes(count)


def _zone(cell: Any) -> TimeZone | None:
    name = _text(cell)
    return None if name is None else time_zone(name)


PLAIN: dict[Any, Read] = {
    str: _text,
    int: _whole,
    bool: _flag,
    Minutes: _duration,
    TimeZone: _zone,
    date: date_of,
    datetime: instant_of,
    Decimal: decimal_of,
}
