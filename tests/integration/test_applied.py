"""Until when the projection has all that an owner had committed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import asyncpg

from schema.position import LogPartition, Topic
from sync.applied import NEVER, Applied, Ends
from sync.lag import Lags

LANE = LogPartition(topic=Topic("crm.public.accounts"), partition=0)
_APPLY = """
INSERT INTO consumer_offset (consumer, topic, partition, next_offset) VALUES ('intake', $1, $2, $3)
ON CONFLICT (consumer, topic, partition) DO UPDATE SET next_offset = excluded.next_offset
"""


async def test_an_owner_is_heard_up_to_its_capture_once_the_log_is_applied(
    pool: asyncpg.Pool,
) -> None:
    """Others are not waited for any longer than that one has patience."""
    lags, began = Lags(pool), datetime.now(UTC)
    for system in ("crm", "psa"):
        await lags.see(system, is_caught_up=True, held_bytes=None)

    async def ends() -> dict[LogPartition, int]:
        return {LANE: 7}

    await pool.execute(_APPLY, LANE.topic, LANE.partition, 6)
    behind = await Applied(pool, ends, patience=timedelta(0)).until()
    assert behind["crm"] == NEVER
    assert behind["psa"] >= began
    watched = _Watched(pool, ends)
    waiting = asyncio.create_task(watched.until())
    await watched.has_looked.wait()
    assert not waiting.done()
    await pool.execute(_APPLY, LANE.topic, LANE.partition, 7)
    assert (await waiting)["crm"] >= began


class _Watched(Applied):
    """Says when it has looked how far the intake is."""

    def __init__(self, pool: asyncpg.Pool, ends: Ends) -> None:
        super().__init__(pool, ends)
        self.has_looked = asyncio.Event()

    async def _behind(self, ends: Mapping[LogPartition, int]) -> set[str]:
        found = await super()._behind(ends)
        self.has_looked.set()
        return found
