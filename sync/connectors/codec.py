"""Between a system's rows and canonical values; pure, and the same for API rows and envelopes.

References come out as `Ref`s: what a system calls a record, still to be resolved to its
canonical id. Dates are accepted as ISO text or as days since 1970, instants as ISO text or as
microseconds, decimals as text or numbers that are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin

from schema.canon import BY_ID_TYPE
from schema.entity import bare_type, owned_fields
from schema.errors import Invalid, Poison
from schema.local_time import TimeZone, time_zone
from schema.minutes import Minutes, minutes
from schema.money import Money, money
from schema.rate import RateUnit, rate
from sync.connectors.binding import Binding, Column, MoneyColumns, Place, RateColumns, Row, Words

UNCHANGED = "__debezium_unavailable_value"
"""What an envelope holds for an unchanged out-of-line column: keep what is known."""

_EPOCH_DAY = date(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OPEN_ENDED_DAYS = 2_900_000
"""Beyond year 9900 or before year -5900: the infinity spellings of a date."""


class Ref(NamedTuple):
    """A record as `system` calls it: by its own key for the type.

    A tuple, because sets of them are on the hot path and its hash is several times cheaper.
    """

    entity: type
    system: str
    external_id: str


Read = Callable[..., Any]


def decode(binding: Binding, row: Row, *, copies: bool = False) -> dict[str, Any]:
    """The fields this system owns (or, with `copies`, merely holds) that the row carries.

    A column that is absent or unchanged is left out. Raises Poison on a value that its type
    cannot hold or a status word nobody declared.
    """
    values: dict[str, Any] = {}
    for name, columns, read in _readers(binding, copies):
        cells = [row.get(column, UNCHANGED) for column in columns]
        if UNCHANGED in cells:
            continue
        try:
            values[name] = read(*cells)
        except (ValueError, TypeError, KeyError, ArithmeticError, Invalid) as error:
            raise Poison(
                "bad_value",
                f"{binding.system.name} {columns[0]}={cells[0]!r:.80} is not a value of "
                f"{binding.entity.__name__}.{name} ({type(error).__name__}).",
            ) from error
    return values


def encode(binding: Binding, values: Mapping[str, Any]) -> dict[str, Any]:
    """The row cells for canonical values; references must be the system's own ids already.

    Amounts may share a currency column: one that is not known leaves the currency to the others.
    """
    row: dict[str, Any] = {}
    for name, value in values.items():
        place = binding.places[name]
        if isinstance(place, Column):
            row[place.name] = _encode_cell(place, value)
        else:
            row |= _amount_cells(place, value)
    return row


def encode_cell(binding: Binding, name: str, value: Any) -> Any:
    """One canonical value in the system's own words; for filters."""
    place = binding.places[name]
    if not isinstance(place, Column):
        raise TypeError(f"{name} is an amount and cannot be filtered by.")
    return _encode_cell(place, value)


@cache
def reference_fields(entity: type) -> tuple[str, ...]:
    """The fields that refer to other records, alone or as a list."""
    bare = {name: bare_type(field.type) for name, field in owned_fields(entity).items()}
    return tuple(n for n, b in bare.items() if b in BY_ID_TYPE or _part_of(b) in BY_ID_TYPE)


def references(entity: type, values: Mapping[str, Any]) -> Iterable[Ref]:
    """Every unresolved reference among decoded values of a type."""
    for name in reference_fields(entity):
        value = values.get(name)
        if isinstance(value, Ref):
            yield value
        elif isinstance(value, list):
            yield from (part for part in value if isinstance(part, Ref))


def resolved(value: Any, ids: Mapping[Ref, str]) -> Any:
    """The value with its references replaced; unknown ones become None or are left out."""
    if isinstance(value, Ref):
        return ids.get(value)
    if isinstance(value, list):
        known = [part for part in value if not isinstance(part, Ref) or part in ids]
        return [resolved(part, ids) for part in known]
    return value


def text_of(cell: Any) -> str | None:
    """A key or version cell as text."""
    return None if cell is None else str(cell)


def version_of(binding: Binding, row: Row) -> int | None:
    """The owner's own version: a counter, or its last-changed instant in microseconds."""
    cell = row.get(binding.version)
    if cell is None or isinstance(cell, int):
        return cell
    moment = instant_of(cell)
    return None if moment is None else int(moment.timestamp() * 1_000_000)


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


@cache
def _readers(binding: Binding, copies: bool) -> tuple[tuple[str, tuple[str, ...], Read], ...]:
    places = binding.copies if copies else binding.owns
    return tuple((name, *_reader(binding, name, place)) for name, place in places.items())


def _reader(binding: Binding, name: str, place: Place) -> tuple[tuple[str, ...], Read]:
    if isinstance(place, MoneyColumns):
        columns: tuple[str, ...] = (place.amount, place.currency)
        return columns, _read_money
    if isinstance(place, RateColumns):
        return (place.amount, place.currency, place.per), _rate_reader(place)
    return (place.name,), _column_reader(binding, place, bare_type(binding.field(name).type))


def _part_of(bare: Any) -> Any:
    """The type of a list's parts; None for what is no list."""
    return get_args(bare)[0] if get_origin(bare) is list else None


def _column_reader(binding: Binding, place: Column, bare: Any) -> Read:
    if place.read is not None:
        return place.read
    if get_origin(bare) is list:
        return _listed(_column_reader(binding, place, get_args(bare)[0]))
    if bare in BY_ID_TYPE:
        system = (place.names or binding.system).value
        return _referring(BY_ID_TYPE[bare], system)
    if isinstance(bare, type) and issubclass(bare, Enum):
        return _translating(place.words or {m.value: m for m in bare})
    return _PLAIN[bare]


def _read_money(amount: Any, currency: Any) -> Money | None:
    return money(decimal_of(amount), currency)


def _rate_reader(place: RateColumns) -> Read:
    unit = _translating(place.words or {m.value: m for m in RateUnit})
    return lambda amount, currency, per: rate(decimal_of(amount), currency, unit(per))


def _referring(entity: type, system: str) -> Read:
    return lambda cell: None if cell in (None, "") else Ref(entity, system, str(cell))


def _translating(words: Mapping[str, Enum]) -> Read:
    return lambda cell: None if cell is None else words[cell]


def _listed(read: Read) -> Read:
    return lambda cells: None if cells is None else [read(cell) for cell in cells]


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


_PLAIN: dict[Any, Read] = {
    str: _text,
    int: _whole,
    bool: _flag,
    Minutes: _duration,
    TimeZone: _zone,
    date: date_of,
    datetime: instant_of,
    Decimal: decimal_of,
}


def _encode_cell(place: Column, value: Any) -> Any:
    if place.write is not None:
        return place.write(value)
    if isinstance(value, list | tuple):
        return [_encode_cell(place, part) for part in value]
    if isinstance(value, Enum):
        return _word_for(place.name, place.words, value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _amount_cells(place: MoneyColumns | RateColumns, value: Any) -> dict[str, Any]:
    if value is None:
        return {place.amount: None}
    cells = {place.amount: str(value.amount), place.currency: value.currency}
    if isinstance(place, RateColumns):
        cells[place.per] = _word_for(place.per, place.words, value.per)
    return cells


def _word_for(column: str, words: Words | None, member: Enum) -> str:
    if words is None:
        return str(member.value)
    for word, meaning in words.items():
        if meaning is member:
            return word
    raise ValueError(f"{column} has no word for {member.name}.")
