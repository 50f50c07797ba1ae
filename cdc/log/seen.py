"""What was told and appended already, beside a log that cannot remember it itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from cdc.log.outage import outage_of
from cdc.log.port import Appends, NewRecord, Told

REMEMBER = """
INSERT INTO webhook_seen (system, id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true
"""
_IS_KNOWN = "SELECT EXISTS (SELECT FROM webhook_seen WHERE (system, id) = ($1, $2))"
_FORGET = "DELETE FROM webhook_seen WHERE seen_at < now() - $1::interval"


class SeenBeside:
    """Appends, then remembers: what breaks in between is appended again, which does no harm.

    For a log in another engine. What is appended twice is read back twice, or has its position.
    """

    def __init__(self, pool: asyncpg.Pool, log: Appends) -> None:
        self._pool = pool
        self._log = log

    async def append_once(self, told: Told, records: Sequence[NewRecord]) -> bool:
        with outage_of("the hub's database"):
            if await self._pool.fetchval(_IS_KNOWN, told.system, told.id):
                return False
            await self._log.append(records)
            await self._pool.execute(REMEMBER, told.system, told.id)
        return True


async def forget(pool: asyncpg.Pool, older: timedelta) -> None:
    """Forget what was told longer ago than anybody sends again."""
    await pool.execute(_FORGET, older)
