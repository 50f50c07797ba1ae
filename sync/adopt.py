"""What happens when a new version's binding reads a column that was kept as an extra one.

The kept cells become the field: each row is locked, told again at the position it has, and loses
the cells. So it may run while the intake does, any number of times, and be killed anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from types import MappingProxyType

import asyncpg
import msgspec
import structlog

from schema.errors import Poison
from schema.position import Position, Topic
from sync.changes import Change
from sync.connectors.binding import Binding
from sync.connectors.codec import columns_of_field, decode
from sync.extra import ExtraColumn, leftovers, noted_columns
from sync.intake import Intake
from sync.store.projection_tables import table_for

log = structlog.get_logger(__name__)

_PAGE = 500
_FORGET = """
DELETE FROM extra_column WHERE (system, captured_table) = ($1, $2) AND name = ANY($3)
"""


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the projection as if its log record came once more."""

    position: Position
    appended_at: datetime
    key: bytes | None = None
    value: bytes | None = None
    headers: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Of one table: the fields to make of kept cells, and the cells to take away."""

    binding: Binding
    fields: frozenset[str]
    gone: Sequence[str]


async def adopt_columns(pool: asyncpg.Pool, intake: Intake, bindings: Iterable[Binding]) -> int:
    """Make fields of the kept cells that bindings read by now; answers in how many rows.

    Cells that nobody may keep any more are forgotten. Of a column whose cells were not kept the
    log says that it needs a new snapshot.
    """
    noted = await noted_columns(pool)
    count = 0
    for (system, table), leftover in leftovers(bindings).items():
        mine = [c for c in noted if (c.system, c.table) == (system, table)]
        known = [c.name for c in mine if c.name in leftover.known]
        if leftover.keeper is not None:
            count += await _adopt(pool, intake, _plan(leftover.keeper, mine, known))
        await pool.execute(_FORGET, system, table, known)
    return count


def _plan(binding: Binding, noted: Sequence[ExtraColumn], known: Sequence[str]) -> _Plan:
    kept = frozenset(column.name for column in noted if column.is_kept)
    columns = {name: columns_of_field(binding, name) for name in binding.owns}
    fields = frozenset(n for n, cells in columns.items() if cells <= kept.intersection(known))
    told = {cell for name in fields for cell in columns[name]} | binding.unread
    if lost := sorted(set(known) - told):
        log.warning("column.needs_snapshot", table=binding.table, columns=lost)
    gone = sorted(kept.intersection(known) if binding.keeps_extra else kept)
    return _Plan(binding=binding, fields=fields, gone=gone)


async def _adopt(pool: asyncpg.Pool, intake: Intake, plan: _Plan) -> int:
    after, count = "", 0
    while plan.gone:
        ids = await _adopt_page(pool, intake, plan, after)
        if not ids:
            break
        after, count = ids[-1], count + len(ids)
    if count:
        log.info("column.adopted", table=plan.binding.table, columns=plan.gone, rows=count)
    return count


async def _adopt_page(pool: asyncpg.Pool, intake: Intake, plan: _Plan, after: str) -> Sequence[str]:
    """The ids of the rows that hold such cells, in their order; none when there are no more."""
    s, table = plan.binding.system.value, table_for(plan.binding.entity).fullname
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(_select(s, table), plan.gone, after, _PAGE)
        changes = [change for row in rows if (change := _change(plan, row)) is not None]
        for epoch, told in groupby(sorted(changes, key=_epoch), _epoch):
            again = [change for change, _ in told]
            await intake.take(connection, again, {s: epoch}, is_fenced=False)
        ids = [row["id"] for row in rows]
        await connection.execute(_remove(s, table), ids, plan.gone)
    return ids


def _epoch(change: tuple[Change, int]) -> int:
    return change[1]


def _select(s: str, table: str) -> str:
    return (
        f"SELECT id, {s}_key AS key, {s}_version AS version, {s}_as_of AS as_of,"
        f" {s}_partition AS partition, {s}_offset AS offset, {s}_epoch AS epoch, {s}_lsn AS lsn,"
        f" {s}_extra AS extra FROM {table} WHERE {s}_extra ?| $1 AND id > $2"
        " ORDER BY id LIMIT $3 FOR UPDATE"
    )


def _remove(s: str, table: str) -> str:
    rest = f"nullif({s}_extra - $2::text[], '{{}}')"
    return f"UPDATE {table} SET {s}_extra = {rest} WHERE id = ANY($1)"


def _change(plan: _Plan, row: asyncpg.Record) -> tuple[Change, int] | None:
    """The row told again with the fields of its kept cells, and its epoch."""
    binding = plan.binding
    try:
        values = decode(binding, row["extra"], fields=plan.fields)
    except Poison as poison:
        log.warning("column.unreadable", table=binding.table, id=row["id"], why=poison.detail)
        return None
    if not values:
        return None
    topic = Topic(f"{binding.system.value}.{binding.table}")
    position = Position(topic=topic, partition=row["partition"], offset=row["offset"])
    change = Change(
        binding=binding,
        record=_Row(position=position, appended_at=row["as_of"]),
        key=row["key"],
        anchor_key=None,
        values=values,
        copies={},
        lsn=row["lsn"],
        version=row["version"],
        as_of=row["as_of"],
        is_partial=True,
    )
    return change, row["epoch"]
