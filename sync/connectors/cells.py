"""One cell of a system's row as a plain value; the same for API rows and envelopes.

Dates are accepted as ISO text or as days since 1970, instants as ISO text or as microseconds,
decimals as text, as numbers that are exact, or as `{"scale", "value"}`. An infinite date or instant
is an open end, None. Every reader raises on what its type cannot hold.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Any

from schema.local_time import TimeZone, time_zone
from schema.minutes import Minutes, minutes

Read = Callable[..., Any]

_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPEN_ENDED_DAYS = 2_900_000
"""Beyond year 9900 or before year -5900: the infinity spellings of a date."""
INFINITE_INSTANTS = frozenset({9223372036825200000, -9223372036832400000})
"""How an infinite timestamp is spelled, whatever the unit of the finite ones."""
_ENDLESS = ("infinity", "+", "-")
"""How ISO text begins that names no day of the common era with four digits of a year."""
_OCTETS = re.compile(r"[A-Za-z0-9+/]+={0,2}")


_FINEST = 20_000
"""More digits behind the point than any numeric type has."""
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[InvalidOperation, Inexact])


class Unscaled(ValueError):
    """A decimal's octets without its scale, which nobody may guess."""


def text_of(cell: Any) -> str | None:
    """A key or version cell as text."""
    return None if cell is None else str(cell)


def texts_of(cell: Any) -> tuple[str, ...]:
    """A cell as text, each part of it where it is a list; an empty one holds nothing."""
    cells = cell if isinstance(cell, list) else [cell]
    return tuple(str(one) for one in cells if one is not None)


def instant_of(cell: Any) -> datetime | None:
    """An instant: ISO text with offset, or microseconds since 1970 (a zone-less column is UTC)."""
    if cell is None or cell in INFINITE_INSTANTS:
        return None
    if isinstance(cell, int):
        return _EPOCH + timedelta(microseconds=cell)
    if cell.startswith(_ENDLESS):
        return None
    moment = datetime.fromisoformat(cell)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@lru_cache(maxsize=4096, typed=True)
def date_of(cell: Any) -> date | None:
    """A day: ISO text or days since 1970."""
    if cell is None:
        return None
    if isinstance(cell, int):
        return None if abs(cell) > _OPEN_ENDED_DAYS else _EPOCH_DAY + timedelta(days=cell)
    if cell.startswith(_ENDLESS):
        return None
    return date.fromisoformat(cell[:10])


def decimal_of(cell: Any) -> Decimal | None:
    """An exact decimal from text or a whole number; floats and what is no number are refused.

    Raises Unscaled for text that can be a decimal's octets and is no number.
    """
    if isinstance(cell, str):
        return _finite(cell)
    if cell is None:
        return None
    if isinstance(cell, float):
        raise TypeError("a float is not exact")
    if isinstance(cell, Mapping):
        return unscaled(cell["value"], cell["scale"])
    return _finite(cell)


def _finite(cell: Any) -> Decimal:
    try:
        number = Decimal(cell)
    except InvalidOperation as error:
        if len(cell) % 4 == 0 and _OCTETS.fullmatch(cell):
            raise Unscaled(cell) from error
        raise
    if not number.is_finite():
        raise ValueError("a finite number expected")
    return number


def unscaled(octets: str, scale: int) -> Decimal:
    """A decimal from its digits as a big-endian two's complement number in base64."""
    if abs(scale) > _FINEST:
        raise ValueError("no database counts so many digits")
    digits = int.from_bytes(base64.b64decode(octets, validate=True), "big", signed=True)
    return Decimal(digits).scaleb(-scale, _EXACT)


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
