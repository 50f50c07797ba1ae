"""Re-snapshots: tables, or ranges of their keys, that are to be read again at their owner.

Asked, reading, read (all of it is in the log), done (what was not there is deleted), or failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from schema.position import Ends, Topic
from sync.signed import Signed

_SELECT = """
SELECT id, system, "table", low, high, state, reached, starts, ends,
    rows_read, deleted, failure, asked_at
FROM resnapshot
"""
_ASK = """
INSERT INTO resnapshot (system, "table", low, high, asked_by, asked_why)
SELECT $1, t, $3, $4, $5, $6 FROM unnest($2::text[]) WITH ORDINALITY AS wanted (t, n) ORDER BY n
RETURNING id
"""
_NEXT = f"{_SELECT} WHERE system = $1 AND state = ANY ($2) ORDER BY id LIMIT 1"
_READ = f"{_SELECT} WHERE state = 'read' ORDER BY id"
_UNSETTLED = f"""{_SELECT}
WHERE settled_at IS NULL OR state = 'failed' AND settled_at > now() - $1::interval ORDER BY id
"""
_BEGIN = """
UPDATE resnapshot SET state = 'reading', begun_at = now(), begun_lsn = $2, starts = $3
WHERE id = $1 AND state = 'asked'
"""
_REACH = "UPDATE resnapshot SET reached = $2, rows_read = rows_read + $3 WHERE id = $1"
_FINISH = "UPDATE resnapshot SET state = 'read', ends = $2 WHERE id = $1"
_COUNT = "UPDATE resnapshot SET deleted = deleted + $2 WHERE id = $1"
_SETTLE = "UPDATE resnapshot SET state = $2, failure = $3, settled_at = now() WHERE id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """Keys from `low` to `high`, both included; None is open. One column, the first of the key.

    Keys of digits are compared with bounds of digits as numbers, others as text.
    """

    low: str | None = None
    high: str | None = None

    @property
    def is_everything(self) -> bool:
        return self.low is None and self.high is None

    @property
    def is_of_numbers(self) -> bool:
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        return bool(bounds) and all(map(_is_number, bounds))

    def reaches(self, key: str) -> bool:
        """Whether a key is not above the highest."""
        if self.high is None:
            return True
        if _is_number(self.high) and _is_number(key):
            return int(key) <= int(self.high)
        return key <= self.high

    def condition(self, column: str, low: str, high: str) -> str:
        """That a column is in the range, whose bounds are parameters called `low` and `high`."""
        low, high = f"{low}::text", f"{high}::text"
        if self.is_of_numbers:
            column = as_number(column)
            low, high = f"{low}::numeric", f"{high}::numeric"
        return f"{column} >= coalesce({low}, {column}) AND {column} <= coalesce({high}, {column})"


def as_number(column: str) -> str:
    """A column of keys as numbers; those of other characters than digits as null."""
    return f"CASE WHEN {column} ~ '^[0-9]+$' THEN {column}::numeric END"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resnapshot:
    """One table that is read again, and how far that is.

    `reached` is the primary key of the last row in the log, as text. `starts` and `ends` are
    offsets by partition: what the log held before the first row, and after the last one.
    """

    id: int
    system: str
    table: str
    keys: KeyRange
    state: str
    reached: tuple[str, ...] | None
    starts: Mapping[str, int]
    ends: Mapping[str, int]
    rows_read: int
    deleted: int
    asked_at: datetime
    failure: str | None

    @property
    def topic(self) -> Topic:
        return Topic(f"{self.system}.{self.table}")


class Resnapshots:
    """The list of them. `ends` are the next offsets of the log."""

    def __init__(self, pool: asyncpg.Pool, ends: Ends) -> None:
        self._pool = pool
        self._ends = ends

    async def ask(
        self, system: str, tables: Sequence[str], keys: KeyRange, signed: Signed
    ) -> list[int]:
        """Ask for tables (`schema.table`) in this order; whoever captures them takes it up."""
        rows = await self._pool.fetch(
            _ASK, system, tables, keys.low, keys.high, signed.by, signed.why
        )
        return [row["id"] for row in rows]

    async def next(self, system: str, *states: str) -> Resnapshot | None:
        """The oldest of a system in one of the states."""
        row = await self._pool.fetchrow(_NEXT, system, states)
        return None if row is None else _resnapshot(row)

    async def known(self, number: int) -> Resnapshot:
        """One of them, as it is now."""
        return _resnapshot(await self._pool.fetchrow(f"{_SELECT} WHERE id = $1", number))

    async def read(self) -> list[Resnapshot]:
        """Those whose rows are in the log, and of which nobody has looked yet what is gone."""
        return [_resnapshot(row) for row in await self._pool.fetch(_READ)]

    async def unsettled(self, failed_within: timedelta) -> list[Resnapshot]:
        """Those that are not done, and those that failed within a time."""
        return [_resnapshot(row) for row in await self._pool.fetch(_UNSETTLED, failed_within)]

    async def begin(self, wanted: Resnapshot, lsn: int) -> None:
        """Say before the first row is read where the log and the owner's history stand."""
        await self._pool.execute(_BEGIN, wanted.id, lsn, await self._ends_of(wanted))

    async def reach(self, wanted: Resnapshot, key: Sequence[str] | None, rows: int) -> None:
        """Say that the rows up to a key are in the log."""
        await self._pool.execute(_REACH, wanted.id, key, rows)

    async def finish(self, wanted: Resnapshot) -> None:
        """Say that all rows are in the log."""
        await self._pool.execute(_FINISH, wanted.id, await self._ends_of(wanted))

    async def count_deleted(self, wanted: Resnapshot, deleted: int) -> None:
        await self._pool.execute(_COUNT, wanted.id, deleted)

    async def settle(self, wanted: Resnapshot, *, failure: str | None = None) -> None:
        state = "done" if failure is None else "failed"
        await self._pool.execute(_SETTLE, wanted.id, state, failure)

    async def _ends_of(self, wanted: Resnapshot) -> dict[str, int]:
        ends = await self._ends()
        return {str(at.partition): end for at, end in ends.items() if at.topic == wanted.topic}


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit()


def _resnapshot(row: asyncpg.Record) -> Resnapshot:
    return Resnapshot(
        id=row["id"],
        system=row["system"],
        table=row["table"],
        keys=KeyRange(low=row["low"], high=row["high"]),
        state=row["state"],
        reached=None if row["reached"] is None else tuple(row["reached"]),
        starts=row["starts"] or {},
        ends=row["ends"] or {},
        rows_read=row["rows_read"],
        deleted=row["deleted"],
        asked_at=row["asked_at"],
        failure=row["failure"],
    )
