"""Columns that an owner has and no binding reads: what is kept of them, and which there are.

Their cells are kept beside the owner's part of a record (`<system>_extra`), spelled as in the
envelope, until a binding reads them. Their names are noted for whoever may want to bind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import structlog

from sync.connectors.binding import Binding, Row, Touch
from sync.connectors.codec import known_columns

log = structlog.get_logger(__name__)

_NOTE = """
INSERT INTO extra_column (system, captured_table, name, is_kept)
SELECT $1, $2, name, $4 FROM unnest($3::text[]) AS told (name)
WHERE NOT EXISTS (SELECT FROM extra_column noted WHERE
    (noted.system, noted.captured_table, noted.name, noted.is_kept) = ($1, $2, told.name, $4))
ON CONFLICT (system, captured_table, name) DO UPDATE SET is_kept = excluded.is_kept
    WHERE extra_column.is_kept <> excluded.is_kept
RETURNING name
"""
"""A name that is noted is left alone: who meets it on conflict would lock it until the commit."""
_ALL = """
SELECT system, captured_table, name, is_kept, seen_since FROM extra_column
ORDER BY system, captured_table, name
"""
_LARGEST = 2**63 - 1
_MOST_SHAPES = 256
"""Rows of a table have few sets of columns: partial ones lack some."""

Table = tuple[str, str]
"""(system, captured table)."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """What of a table's rows no binding reads. `keeper` is the binding it is kept with."""

    known: frozenset[str]
    keeper: Binding | None
    _unread: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict, compare=False)
    """By the columns of a row, which are those of the rows before it: the ones nobody knows."""

    def of(self, row: Row) -> Mapping[str, Any] | None:
        """The cells of the columns that nobody knows; None where there are none.

        Of a table that may hold secrets only the names are told.
        """
        columns = tuple(row)
        unread = self._unread.get(columns)
        if unread is None:
            unread = self._unread_of(columns)
        if not unread:
            return None
        if self.keeper is None or not self.keeper.keeps_extra:
            return dict.fromkeys(unread)
        return {name: _kept(row[name]) for name in unread}

    def _unread_of(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        if len(self._unread) >= _MOST_SHAPES:
            self._unread.clear()
        unread = tuple(name for name in columns if name not in self.known)
        return self._unread.setdefault(columns, unread)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraColumn:
    """A column that no binding reads; of one that is not kept only the name is known."""

    system: str
    table: str
    name: str
    is_kept: bool
    seen_since: datetime


class ExtraColumns:
    """The columns of all captured tables that the bindings of this version do not read."""

    def __init__(self, pool: asyncpg.Pool, bindings: Iterable[Binding]) -> None:
        self._pool = pool
        self._leftovers = leftovers(bindings)

    async def now(self) -> Sequence[ExtraColumn]:
        return [one for one in await noted_columns(self._pool) if not self._is_known(one)]

    def _is_known(self, one: ExtraColumn) -> bool:
        leftover = self._leftovers.get((one.system, one.table))
        return leftover is None or one.name in leftover.known


def by_table(columns: Iterable[ExtraColumn]) -> dict[str, str]:
    """How many columns each table has, and which, in words."""
    found: dict[str, list[str]] = {}
    for one in columns:
        kept = "" if one.is_kept else " (not kept)"
        found.setdefault(f"{one.system}.{one.table}", []).append(f"{one.name}{kept}")
    return {table: f"{len(names)}: {', '.join(names)}" for table, names in found.items()}


def leftovers(bindings: Iterable[Binding]) -> dict[Table, Leftover]:
    """By captured table, for the tables that some binding reads."""
    by_table: dict[Table, list[Binding]] = {}
    for binding in bindings:
        if binding.table is not None:
            by_table.setdefault((binding.system.value, binding.table), []).append(binding)
    return {table: leftover_of(bound) for table, bound in by_table.items()}


def leftover_of(bindings: Sequence[Binding], touches: Iterable[Touch] = ()) -> Leftover:
    """Of one table: kept with the binding that owns its rows; of mere copies nothing is kept."""
    owning = [one for one in bindings if one.owns]
    keepers = [one for one in owning if one.is_part_of is None] or owning
    touched = {column for touch in touches for column in touch.columns}
    return Leftover(known_columns(bindings) | touched, keepers[0] if keepers else None)


async def noted_columns(on: asyncpg.Connection | asyncpg.Pool) -> list[ExtraColumn]:
    """Every column that was noted, those among them that a binding has gained since."""
    return [
        ExtraColumn(system=system, table=table, name=name, is_kept=is_kept, seen_since=since)
        for system, table, name, is_kept, since in await on.fetch(_ALL)
    ]


async def note_columns(
    connection: asyncpg.Connection, binding: Binding, told: Iterable[Mapping[str, Any] | None]
) -> None:
    """Remember the names of columns that no binding reads, and tell of each new one once."""
    names = sorted(set().union(*filter(None, told)))
    of = binding.system.value, binding.table, names, binding.keeps_extra
    for row in await connection.fetch(_NOTE, *of):
        log.warning(
            "column.unbound", table=f"{of[0]}.{binding.table}", column=row["name"], is_kept=of[3]
        )


def _kept(cell: Any) -> Any:
    """A cell as jsonb can hold it: without NUL, and a number of any size."""
    if cell is None:
        return None
    if isinstance(cell, str):
        return cell.replace("\0", "")
    if isinstance(cell, int) and abs(cell) > _LARGEST:
        return str(cell)
    return cell
