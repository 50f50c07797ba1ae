"""Sweeps: every record an owner has, to find what is gone and what nobody told of.

A sweep that was cut off says nothing. A completed one says which records it did not meet, of those
that were known before it began; each of them is read back from its owner, whose word it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from cdc.capture.api_rows import Collection
from cdc.capture.poll import Desk
from cdc.log.port import Appends
from sync.connectors.ports import PAGE_LIMIT, Reads, RowQuery
from sync.store.holdings import missing_from

_OPEN = """
SELECT id FROM sweep WHERE (system, collection) = ($1, $2)
    AND completed_at IS NOT NULL AND settled_at IS NULL ORDER BY id
"""
_CUT_OFF = "DELETE FROM sweep WHERE (system, collection) = ($1, $2) AND completed_at IS NULL"
_BEGIN = "INSERT INTO sweep (system, collection) VALUES ($1, $2) RETURNING id"
_SEE = "INSERT INTO sweep_seen (sweep, key) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING"
_COMPLETE = "UPDATE sweep SET completed_at = now() WHERE id = $1"
_SETTLE = "UPDATE sweep SET settled_at = now(), missing = $2 WHERE id = $1"
_FORGET = "DELETE FROM sweep_seen WHERE sweep = $1"
_TRIM = "DELETE FROM sweep WHERE (system, collection) = ($1, $2) AND id <= $3 - 100"
_IS_DUE = """
SELECT NOT EXISTS (
    SELECT FROM sweep WHERE (system, collection) = ($1, $2)
        AND settled_at IS NOT NULL AND began_at > now() - $3::interval)
"""


class Sweeper:
    """Sweeps one collection. Runs where nobody else sweeps it: see `ApiCapture`."""

    def __init__(
        self, desk: Desk, owner: Reads, log: Appends, pool: asyncpg.Pool, limit: int = PAGE_LIMIT
    ) -> None:
        self._desk = desk
        self._owner = owner
        self._log = log
        self._pool = pool
        self._limit = limit

    async def is_due(self, every: timedelta) -> bool:
        due: bool = await self._pool.fetchval(_IS_DUE, *self._names, every)
        return due

    async def sweep(self) -> int:
        """Read everything, then settle; answers how many records were missing.

        Raises Unavailable when the owner or the log does not answer: then nothing was missing.
        """
        for (completed,) in await self._pool.fetch(_OPEN, *self._names):
            await self._settle(completed)  # it was cut off between its end and its word
        await self._pool.execute(_CUT_OFF, *self._names)
        sweep: int = await self._pool.fetchval(_BEGIN, *self._names)
        await self._see_all(sweep)
        await self._pool.execute(_COMPLETE, sweep)
        await self._desk.filled()
        return await self._settle(sweep)

    async def _see_all(self, sweep: int) -> None:
        op, after, has_more = (await self._desk.mark()).op, None, True
        while has_more:
            query = RowQuery(binding=self._collection.binding, after=after, limit=self._limit)
            page = await self._owner.fetch(query)
            keys = [self._collection.key_of(row) for row in page.rows]
            if self._collection.is_spread:
                await self._log.append([self._collection.hint(key, op) for key in keys])
            else:
                await self._desk.take(op, page.rows)
            await self._pool.execute(_SEE, sweep, keys)
            after = keys[-1] if keys else None
            has_more = page.has_more and bool(keys)

    async def _settle(self, sweep: int) -> int:
        """Tell the log what was missing, then forget what was met; twice does no harm."""
        async with self._pool.acquire() as connection:
            missing: Sequence[str] = await missing_from(
                connection, self._collection.bindings, sweep
            )
        await self._log.append([self._collection.hint(key) for key in missing])
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_SETTLE, sweep, len(missing))
            await connection.execute(_FORGET, sweep)
            await connection.execute(_TRIM, *self._names, sweep)
        return len(missing)

    @property
    def _collection(self) -> Collection:
        return self._desk.collection

    @property
    def _names(self) -> tuple[str, str]:
        return self._collection.binding.system.value, self._collection.table
