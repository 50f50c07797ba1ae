"""A system's rows as canonical values; pure, and the same for API rows and envelopes.

References come out as `Ref`s: what a system calls a record, still to be resolved to its
canonical id. What a single cell may hold is in `sync.connectors.cells`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from functools import cache, lru_cache
from typing import Any, get_args, get_origin

import msgspec

from schema.canon import BY_ID_TYPE
from schema.entity import anchor, bare_type
from schema.errors import Invalid, Poison
from schema.fx import FxRate, fx_rate
from schema.money import Money, money
from schema.part import part_fields
from schema.rate import RateUnit, rate
from schema.system import System
from sync.connectors.binding import (
    Binding,
    Column,
    FxColumns,
    MoneyColumns,
    PartColumn,
    Place,
    RateColumns,
    Row,
)
from sync.connectors.cells import (
    PLAIN,
    Read,
    Unscaled,
    date_of,
    decimal_of,
    instant_of,
    text_of,
)
from sync.connectors.refs import Ref

_Single = tuple[str, str, Read, bool]
"""A field, its column, how it is read, and whether a null is read as None."""
_Joined = tuple[str, tuple[str, ...], Read]
"""A field that several columns hold together."""


_ABSENT = object()
_MOST_REFERRED = 1024

_UNREADABLE = (
    *(ValueError, TypeError, KeyError, AttributeError, ArithmeticError),
    *(msgspec.MsgspecError, Invalid),
)
"""The ways a cell says that it is no value of its field."""


def decode(
    binding: Binding, row: Row, *, copies: bool = False, fields: frozenset[str] | None = None
) -> dict[str, Any]:
    """The fields this system owns (or, with `copies`, merely holds) that the row carries.

    With `fields`, only those of them that are named, and nothing else of the row is looked at.
    A column that is absent is left out. Raises Poison on a value that its type cannot hold or a
    status word nobody declared.
    """
    values: dict[str, Any] = {}
    name, column = "", ""
    singles, joined = _readers(binding, copies, fields)
    tell = row.get
    try:
        for name, column, read, keeps_null in singles:
            if (cell := tell(column, _ABSENT)) is not _ABSENT:
                values[name] = None if cell is None and keeps_null else read(cell)
        for name, columns, read in joined:
            column = columns[0]
            cells = [row[one] for one in columns if one in row]
            if len(cells) == len(columns):
                values[name] = read(*cells)
    except _UNREADABLE as error:
        raise _refusal(binding, name, column, row[column], error) from error
    return values


def _refusal(binding: Binding, name: str, column: str, cell: Any, error: Exception) -> Poison:
    field = f"{binding.entity.__name__}.{name} ({type(error).__name__})"
    reason = "decimal_without_scale" if isinstance(error, Unscaled) else "bad_value"
    detail = f"{binding.system.name} {column}={cell!r:.80} is not a value of {field}."
    return Poison(reason, detail)


def columns_of(binding: Binding) -> frozenset[str]:
    """The columns without which a whole row of the binding's table cannot be read."""
    bound = {binding.anchor_key}
    for copies in (False, True):
        singles, joined = _readers(binding, copies, None)
        bound |= {column for _, column, _, _ in singles}
        bound |= {column for _, columns, _ in joined for column in columns}
    return frozenset(bound)


def columns_of_field(binding: Binding, name: str) -> frozenset[str]:
    """The columns of one bound field."""
    place = binding.places[name]
    column, others, _ = _reader(binding.system, place, bare_type(binding.field(name).type))
    return frozenset((column, *others))


def known_columns(bindings: Iterable[Binding]) -> frozenset[str]:
    """The columns of a table that its bindings read in any way, or leave unread knowingly."""
    known: set[str | None] = set()
    for binding in bindings:
        known |= columns_of(binding) | binding.unread
        known |= {binding.key, binding.version, binding.updated_at, binding.reference}
        known.add(binding.touched_by)
    return frozenset(name for name in known if name is not None)


def version_of(binding: Binding, row: Row) -> int | None:
    """The owner's own version: a counter, or its last-changed instant in microseconds.

    Raises Poison for a cell that is neither.
    """
    cell = row.get(binding.version)
    if cell is None or isinstance(cell, int):
        return cell
    try:
        moment = instant_of(cell)
    except _UNREADABLE as error:
        detail = f"{binding.system.name} {binding.version}={cell!r:.80} is no version."
        raise Poison("bad_value", detail) from error
    return None if moment is None else int(moment.timestamp() * 1_000_000)


@lru_cache(1024)
def _readers(
    binding: Binding, copies: bool, fields: frozenset[str] | None
) -> tuple[Sequence[_Single], Sequence[_Joined]]:
    """How each field is read: those of one column apart from the others, for they are most."""
    singles: list[_Single] = []
    joined: list[_Joined] = []
    for name, place in (binding.copies if copies else binding.owns).items():
        if fields is not None and name not in fields:
            continue
        column, others, read = _reader(binding.system, place, bare_type(binding.field(name).type))
        if others:
            joined.append((name, (column, *others), read))
        else:
            singles.append((name, column, read, _keeps_null(read)))
    return singles, joined


def _keeps_null(read: Read) -> bool:
    """Most cells of most rows are null, and reading them costs nothing where this is known."""
    try:
        return read(None) is None
    except _UNREADABLE:
        return False


def _reader(system: System, place: Place, bare: Any) -> tuple[str, tuple[str, ...], Read]:
    if isinstance(place, MoneyColumns):
        return place.amount, (place.currency,), _read_money
    if isinstance(place, RateColumns):
        return place.amount, (place.currency, place.per), _rate_reader(place)
    if isinstance(place, FxColumns):
        return place.rate, (place.base, place.quote, place.on, place.source), _read_fx
    if isinstance(place, PartColumn):
        return place.name, (), _part_reader(system, place, bare)
    return place.name, (), _column_reader(system, place, bare)


def _part_reader(system: System, place: PartColumn, bare: Any) -> Read:
    """Parts out of a JSON cell, which an envelope spells as text."""
    is_list = get_origin(bare) is list
    part_type = get_args(bare)[0] if is_list else bare
    fields = part_fields(part_type)
    readers = [
        (name, *_inner_reader(system, inner, bare_type(fields[name])))
        for name, inner in place.parts.items()
    ]

    def read_one(told: Mapping[str, Any]) -> Any:
        cells = {
            name: read(told.get(column), *map(told.get, others))
            for name, column, others, read in readers
        }
        return part_type(**cells)

    def read(cell: Any) -> Any:
        told = msgspec.json.decode(cell) if isinstance(cell, str) else cell
        if told is None:
            return None
        return [read_one(one) for one in told] if is_list else read_one(told)

    return read


def _inner_reader(system: System, place: Place, bare: Any) -> tuple[str, tuple[str, ...], Read]:
    """Parts cannot wait for what they refer to: only an anchor's own key always resolves."""
    if bare in BY_ID_TYPE and isinstance(place, Column):
        home = anchor(BY_ID_TYPE[bare])
        if (place.names or system) is not home:
            raise TypeError(f"{place.name}: a part refers by the key of {home.name} alone.")
    return _reader(system, place, bare)


def _column_reader(system: System, place: Column, bare: Any) -> Read:
    if place.read is not None:
        return place.read
    if get_origin(bare) is list:
        return _listed(_column_reader(system, place, get_args(bare)[0]))
    if bare in BY_ID_TYPE:
        return _referring(BY_ID_TYPE[bare], (place.names or system).value)
    if isinstance(bare, type) and issubclass(bare, Enum):
        return _translating(place.words or {m.value: m for m in bare})
    return PLAIN[bare]


def _read_money(amount: Any, currency: Any) -> Money | None:
    return money(decimal_of(amount), currency)


def _read_fx(rate: Any, base: Any, quote: Any, on: Any, source: Any) -> FxRate | None:
    return fx_rate(decimal_of(rate), base, quote, date_of(on), text_of(source))


def _rate_reader(place: RateColumns) -> Read:
    unit = _translating(place.words or {m.value: m for m in RateUnit})
    return lambda amount, currency, per: rate(decimal_of(amount), currency, unit(per))


@cache
def _referring(entity: type, system: str) -> Read:
    """The same few records are referred to again and again, by whatever fields are read."""

    @lru_cache(_MOST_REFERRED, typed=True)
    def read(cell: Any) -> Ref | None:
        return None if cell in (None, "") else Ref(entity, system, str(cell))

    return read


def _translating(words: Mapping[str, Enum]) -> Read:
    return lambda cell: None if cell is None else words[cell]


def _listed(read: Read) -> Read:
    return lambda cells: None if cells is None else [read(cell) for cell in cells]
