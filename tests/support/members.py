"""The listeners that share the Postgres log, as the server sees them."""

from __future__ import annotations

import asyncpg

_LANES = """
SELECT pid, count(*) AS lanes FROM pg_locks
WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY pid
"""


async def lanes_of_members(pool: asyncpg.Pool) -> list[int]:
    """How many partitions each of them holds, of those that hold any."""
    return [row["lanes"] for row in await pool.fetch(_LANES)]
