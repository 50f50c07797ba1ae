"""Until when all that each owner had committed is in the projection.

Whoever takes the projection for an owner's word asks this first: a captured owner may be ahead of
its capture, and the log of what has been applied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic

import asyncpg
import structlog

from schema.position import Ends, LogPartition

log = structlog.get_logger(__name__)

NEVER = datetime.min.replace(tzinfo=UTC)

_CAUGHT_UP = "SELECT system, caught_up_at FROM capture_state"
_APPLIED = "SELECT topic, partition, next_offset FROM consumer_offset WHERE consumer = $1"
_LOOK_AGAIN_S = 0.2


async def behind(
    pool: asyncpg.Pool, ends: Mapping[LogPartition, int], consumer: str
) -> set[LogPartition]:
    """The partitions of which not all before these ends is applied."""
    rows = await pool.fetch(_APPLIED, consumer)
    applied = {LogPartition(topic=topic, partition=p): end for topic, p, end in rows}
    return {lane for lane, end in ends.items() if applied.get(lane, 0) < end}


class Applied:
    """What the intake has applied of a log; what still waits there is waited for a while."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        ends: Ends,
        *,
        consumer: str = "intake",
        patience: timedelta = timedelta(minutes=1),
    ) -> None:
        self._pool = pool
        self._ends = ends
        self._consumer = consumer
        self._patience = patience

    async def until(self) -> Mapping[str, datetime]:
        """By system, if it is captured; NEVER where the intake is behind.

        Raises Unavailable when the log does not answer.
        """
        caught_up = dict(await self._pool.fetch(_CAUGHT_UP))
        ends = await self._ends()
        due = monotonic() + self._patience.total_seconds()
        while (late := await self._behind(ends)) and monotonic() < due:  # noqa: ASYNC110  # commits
            await asyncio.sleep(_LOOK_AGAIN_S)
        if late:
            log.warning("applied.behind", systems=sorted(late))
        return {system: NEVER if system in late else at for system, at in caught_up.items()}

    async def _behind(self, ends: Mapping[LogPartition, int]) -> set[str]:
        """The systems that are told of there."""
        late = await behind(self._pool, ends, self._consumer)
        return {lane.topic.partition(".")[0] for lane in late}
