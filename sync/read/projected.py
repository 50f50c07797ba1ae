"""Reading from the projection: the same parts, pages and order as at the owners.

Keys are compared as their system compares them: keys made of digits as numbers, all others
byte by byte. A system that has both kinds for one type would be paged in another order here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin

import asyncpg
import sqlalchemy as sa

from schema.entity import anchor, bare_type, owned_fields
from schema.fx import FxRate, fx_rate
from schema.money import Money, money
from schema.rate import Rate, RateUnit, rate
from schema.system import System
from sync.json_form import as_spoken, from_json
from sync.policy import Filter, Keyset
from sync.read.parts import Part, Parts, Stretch
from sync.read.statements import alive, any_of, comparison, compiled, holds_any
from sync.records import Provenance, Source
from sync.store.projection_indexes import key_order
from sync.store.projection_tables import column_names, has_parts, table_for
from sync.token import WriteToken

Convert = Callable[..., Any]

_POLL_SECONDS = 0.025


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the projection knows of one owner's parts of some records.

    `gone` are records that the owner has deleted; of others absent from `parts` nothing is known.
    """

    parts: Parts
    gone: frozenset[str] = frozenset()


class Projected:
    """The projection, as canonical parts; one query per call."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def deleted(self, entity: type, ids: Sequence[str]) -> dict[str, datetime]:
        """When the anchor deleted those of the records that it has deleted."""
        rows = await self._pool.fetch(_deleted(entity), list(ids))
        return {row["id"]: row["deleted_at"] for row in rows}

    async def select_parts(
        self, entity: type, systems: Sequence[System], ids: Iterable[str]
    ) -> dict[System, Known]:
        rows = await self._pool.fetch(_by_ids(entity), list(ids))
        return {system: _known(entity, system, rows) for system in systems}

    async def select_by_key(
        self, entity: type, systems: Sequence[System], key: str, values: Sequence[str]
    ) -> Stretch:
        """All records that refer to `values`."""
        rows = await self._pool.fetch(_by_key(entity, key), list(values))
        return Stretch(parts={system: _known(entity, system, rows).parts for system in systems})

    async def select_page(
        self, entity: type, systems: Sequence[System], filters: Sequence[Filter], keyset: Keyset
    ) -> Stretch:
        sql, arguments = page_statement(entity, filters, keyset)
        rows = await self._pool.fetch(sql, *arguments)
        kept = rows[: keyset.limit]
        if keyset.is_backward:
            kept.reverse()
        return Stretch(
            parts={system: _known(entity, system, kept).parts for system in systems},
            has_more=len(rows) > keyset.limit,
        )

    async def is_filled(self, entity: type) -> bool:
        """Whether any record of the type has ever arrived."""
        return bool(await self._pool.fetchval(_any(entity)))

    async def shows(self, token: WriteToken, wait: timedelta) -> bool:
        """Whether the write that gave the token has arrived, waiting at most `wait` for it."""
        if token.version is None:
            return False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait.total_seconds()):
                while await self._version(token) < token.version:  # noqa: ASYNC110  # a commit
                    await asyncio.sleep(_POLL_SECONDS)
                return True
        return False

    async def _version(self, token: WriteToken) -> int:
        table, column = table_for(token.entity), f"{token.system.value}_version"
        sql = f"SELECT {column} FROM {table.fullname} WHERE id = $1"  # our own names
        version = await self._pool.fetchval(sql, token.record_id)
        return -1 if version is None else int(version)


def _known(entity: type, system: System, rows: Sequence[asyncpg.Record]) -> Known:
    s = system.value
    read = _reader(entity, system)
    seen = [row for row in rows if row[f"{s}_as_of"] is not None]
    return Known(
        parts={row["id"]: read(row) for row in seen if row[f"{s}_deleted_at"] is None},
        gone=frozenset(row["id"] for row in seen if row[f"{s}_deleted_at"] is not None),
    )


@cache
def _reader(entity: type, system: System) -> Callable[[asyncpg.Record], Part]:
    places = [
        (field.name, column_names(field), _converter(bare_type(field.type)))
        for field in owned_fields(entity).values()
        if field.owner is system
    ]
    s = system.value

    def read(row: asyncpg.Record) -> Part:
        return Part(
            values={name: convert(*(row[c] for c in columns)) for name, columns, convert in places},
            provenance=Provenance(
                owner=system,
                record_key=row[f"{s}_key"],
                as_of=row[f"{s}_as_of"],
                source=Source.PROJECTION,
                version=row[f"{s}_version"],
            ),
        )

    return read


def _converter(bare: Any) -> Convert:
    if bare in _AMOUNTS:
        return _AMOUNTS[bare]
    if has_parts(bare):
        return from_json(bare)
    if get_origin(bare) is list:
        convert = _converter(get_args(bare)[0])
        return lambda cells: None if cells is None else [convert(cell) for cell in cells]
    if isinstance(bare, type) and issubclass(bare, Enum):
        return lambda cell: None if cell is None else bare(cell)
    return lambda cell: cell


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    return money(_as_spoken(amount), currency)


def _rate(amount: Decimal | None, currency: str | None, per: str | None) -> Rate | None:
    return rate(_as_spoken(amount), currency, None if per is None else RateUnit(per))


def _as_spoken(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else as_spoken(amount)


_AMOUNTS: dict[Any, Convert] = {Money: _money, Rate: _rate, FxRate: fx_rate, Decimal: _as_spoken}


@cache
def _deleted(entity: type) -> str:
    columns = table_for(entity).c
    deleted_at = columns[f"{anchor(entity).value}_deleted_at"]
    found = sa.select(columns.id, deleted_at.label("deleted_at"))
    return compiled(found.where(columns.id == any_of(), deleted_at.is_not(None)))[0]


@cache
def _by_ids(entity: type) -> str:
    return compiled(sa.select(*_columns(entity)).where(table_for(entity).c.id == any_of()))[0]


@cache
def _by_key(entity: type, key: str) -> str:
    order = _key_order(entity)
    referring = alive(entity, *_columns(entity)).where(holds_any(entity, key))
    return compiled(referring.order_by(*order))[0]


@cache
def _any(entity: type) -> str:
    return compiled(sa.select(sa.exists(sa.select(*_columns(entity)))))[0]


def page_statement(
    entity: type, filters: Sequence[Filter], keyset: Keyset
) -> tuple[str, list[Any]]:
    """One page of the records in their owner's order of keys, and one row more if there is one."""
    order = _key_order(entity)
    statement = alive(entity, *_columns(entity)).where(
        *(comparison(entity, narrowed) for narrowed in filters)
    )
    if keyset.after is not None:
        statement = statement.where(sa.tuple_(*order) > _bound(keyset.after))
    if keyset.before is not None:
        statement = statement.where(sa.tuple_(*order) < _bound(keyset.before))
    ordered = (column.desc() for column in order) if keyset.is_backward else order
    return compiled(statement.order_by(*ordered).limit(keyset.limit + 1))


def _columns(entity: type) -> list[Any]:
    fences = ("_partition", "_offset", "_epoch", "_lsn", "_extra")
    return [c for c in table_for(entity).c if not c.name.endswith(fences)]


def _key_order(entity: type) -> tuple[sa.ColumnElement[int], sa.ColumnElement[str]]:
    return key_order(table_for(entity).c[f"{anchor(entity).value}_key"])


def _bound(key: str) -> sa.Tuple:
    return sa.tuple_(len(key) if key.isascii() and key.isdigit() else 0, key)
