"""Cutting lists in the projection: which records, in which order, and where each one stands.

Only ids leave here; what is said of the records is read from their owners, as the policy says.
Text is ordered without regard to case, words in the order of their declaration, and amounts
within their currency, never across.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import asyncpg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from schema.entity import bare_type
from schema.errors import Invalid
from schema.listing import deciding_systems, listed_fields
from schema.money import Money
from schema.system import System
from sync.ordering import Cut, Mark, Order
from sync.read.statements import alive, any_of, comparison, compiled, each_near, refers_to
from sync.store.projection_tables import table_for

_TEXT = sa.Text()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The stretch that was cut, in list order.

    `has_more` says whether others follow in the direction of the cut, `is_bounded` whether it
    starts at a cursor. `decided` tells of each system whose words decided it how old the oldest
    of them is.
    """

    marks: tuple[Mark, ...]
    has_more: bool
    is_bounded: bool
    decided: Mapping[System, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """One expression a list is ordered by. Unknown values come last."""

    value: Any
    is_descending: bool = False


class Cuts:
    """Ordered lists of the projection; one query per call."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def select(self, entity: type, cut: Cut) -> Slice:
        """A stretch of all the records of the type."""
        systems = deciding_systems(entity, _named(cut))
        rows = await self._fetch(_ordered(entity, cut, systems, *_bounds(entity, cut)))
        return _slice(rows, cut, systems)

    async def select_each(
        self, entity: type, key: str, nears: Sequence[str], cut: Cut
    ) -> Mapping[str, Slice]:
        """The same stretch of each near end's list: the records whose `key` holds its id.

        A cursor counts for the list it was given in; the others start at their beginning.
        """
        systems = deciding_systems(entity, _named(cut) | {key})
        rows = await self._fetch(_lateral(entity, key, nears, cut, systems))
        by_near: dict[str, list[asyncpg.Record]] = {near: [] for near in nears}
        for row in rows:
            by_near[row["near"]].append(row)
        return {near: _slice(some, cut, systems, near) for near, some in by_near.items()}

    async def ranks(self, entity: type, ids: Sequence[str], cut: Cut) -> Slice:
        """All of these records that pass the cut's filters, in its order."""
        cut = Cut(limit=len(ids), order=cut.order, filters=cut.filters)
        systems = deciding_systems(entity, _named(cut))
        among = table_for(entity).c.id == any_of(list(ids))
        return _slice(await self._fetch(_ordered(entity, cut, systems, among)), cut, systems)

    async def _fetch(self, statement: sa.Select[Any]) -> list[asyncpg.Record]:
        sql, arguments = compiled(statement)
        try:
            rows: list[asyncpg.Record] = await self._pool.fetch(sql, *arguments)
        except asyncpg.DataError as error:  # values come checked, except those in a cursor
            raise Invalid(
                "The cursor is not one of this graph; pass it back as it was given."
            ) from error
        return rows


def _ordered(entity: type, cut: Cut, systems: Sequence[System], *conditions: Any) -> sa.Select[Any]:
    """One row more than the limit, so that it shows whether others follow."""
    columns, keys = table_for(entity).c, _keys(entity, cut.order)
    values = (key.value.label(f"o{at}") for at, key in enumerate(keys[:-1]))
    texts = (sa.cast(key.value, _TEXT).label(f"s{at}") for at, key in enumerate(keys[:-1]))
    as_of = (columns[f"{system.value}_as_of"] for system in systems)
    order = (_direction(key.value, key, cut.is_backward) for key in keys)
    passing = (comparison(entity, narrowed) for narrowed in cut.filters)
    chosen = alive(entity, columns.id, *values, *texts, *as_of).where(*passing, *conditions)
    return chosen.order_by(*order).limit(cut.limit + 1)


def _lateral(
    entity: type, key: str, nears: Sequence[str], cut: Cut, systems: Sequence[System]
) -> sa.Select[Any]:
    """One index walk per near end, in one query."""
    near = each_near(nears)
    mine = refers_to(entity, key, near.c.id)
    far = _ordered(entity, cut, systems, mine, *_bounds(entity, cut, near.c.id)).lateral("far")
    keys = _keys(entity, cut.order)
    placed = [*(far.c[f"o{at}"] for at in range(len(keys) - 1)), far.c.id]
    order = (
        _direction(value, key, cut.is_backward) for value, key in zip(placed, keys, strict=True)
    )
    found = sa.select(near.c.id.label("near"), far).join(far, sa.true())
    return found.order_by(near.c.place, *order)


def _keys(entity: type, order: Order | None) -> list[_Key]:
    last = _Key(value=table_for(entity).c.id)
    return [*_values(entity, order), last] if order else [last]


def _values(entity: type, order: Order) -> Iterator[_Key]:
    columns, name = table_for(entity).c, order.field
    bare = bare_type(listed_fields(entity)[name].type)
    value: Any
    if bare is Money:
        yield _Key(value=columns[f"{name}_currency"])
        value = columns[f"{name}_amount"]
    elif bare is str:
        value = sa.func.lower(columns[name], type_=_TEXT)
    elif isinstance(bare, type) and issubclass(bare, Enum):
        words = pg.array([sa.literal(member.value, _TEXT) for member in bare])
        value = sa.func.array_position(words, columns[name], type_=sa.Integer())
    else:
        value = columns[name]
    yield _Key(value=value, is_descending=order.is_descending)


def _direction(value: Any, key: _Key, is_backward: bool) -> Any:
    is_down = key.is_descending is not is_backward
    unknown = sa.nulls_first if is_backward else sa.nulls_last
    return unknown(value.desc() if is_down else value.asc())


def _bounds(entity: type, cut: Cut, near: Any = None) -> Iterator[Any]:
    keys = _keys(entity, cut.order)
    for mark, is_after in ((cut.after, True), (cut.before, False)):
        if mark is not None:
            yield _beyond(keys, mark, is_after, near)


def _beyond(keys: Sequence[_Key], mark: Mark, is_after: bool, near: Any) -> Any:
    """Whether a row stands beyond the mark, compared value by value."""
    told = [*mark.values, mark.id]
    if len(told) != len(keys):
        raise Invalid("The cursor is not one of this graph; pass it back as it was given.")
    same: list[Any] = []
    beyond = []
    for key, text in zip(keys, told, strict=True):
        beyond.append(sa.and_(*same, _further(key, text, is_after)))
        same.append(key.value.is_(None) if text is None else key.value == _told(key, text))
    if near is None:
        return sa.or_(*beyond)
    return sa.or_(near != sa.bindparam(None, mark.near, type_=_TEXT), *beyond)


def _further(key: _Key, text: str | None, is_after: bool) -> Any:
    if text is None:
        return sa.false() if is_after else key.value.is_not(None)
    is_above = is_after is not key.is_descending
    compared = key.value > _told(key, text) if is_above else key.value < _told(key, text)
    return sa.or_(compared, key.value.is_(None)) if is_after else compared


def _told(key: _Key, text: str) -> Any:
    kind = _TEXT if isinstance(key.value.type, sa.Text) else key.value.type
    return sa.cast(sa.bindparam(None, text, type_=_TEXT), kind)


def _slice(
    rows: Sequence[asyncpg.Record], cut: Cut, systems: Sequence[System], near: str | None = None
) -> Slice:
    kept = list(rows[: cut.limit])
    start = cut.before if cut.is_backward else cut.after
    if cut.is_backward:
        kept.reverse()
    return Slice(
        marks=tuple(Mark(values=_texts(row), id=row["id"], near=near) for row in kept),
        has_more=len(rows) > cut.limit,
        is_bounded=start is not None and start.near == near,
        decided={s: _oldest(row[f"{s.value}_as_of"] for row in kept) for s in systems},
    )


def _texts(row: asyncpg.Record) -> tuple[str | None, ...]:
    return tuple(row[name] for name in ("s0", "s1") if name in row)


def _oldest(moments: Iterator[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _named(cut: Cut) -> frozenset[str]:
    """The fields that decide what the list holds, and in which order."""
    filtered = frozenset(narrowed.field for narrowed in cut.filters)
    return filtered | {cut.order.field} if cut.order else filtered
