"""How far behind everything is, as time: from the owner's commit to the last copy.

Four lags follow each other: capture (owner's commit to log), queue (log to listener), apply (the
whole way to the projection) and propagate (owner's commit to the copy). Of what has passed, the
last tells how long it took; what still waits in the log is told by the log itself (`backlog`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from schema.position import Topic

_TOPICS = """
SELECT topic,
    max(appended_at - committed_at) AS capture,
    max(moved_at - appended_at) AS queue,
    max(moved_at - committed_at) AS apply
FROM consumer_offset WHERE consumer = $1 AND committed_at IS NOT NULL
GROUP BY topic ORDER BY topic
"""
_TARGETS = """
SELECT target,
    count(*) FILTER (WHERE state = 'pending') AS pending,
    count(*) FILTER (WHERE state = 'dead') AS dead,
    max(now() - caused_at) FILTER (WHERE state IN ('pending', 'sending')) AS oldest,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY settled_at - caused_at)
        FILTER (WHERE state = 'delivered' AND settled_at > now() - interval '5 minutes') AS p95
FROM delivery GROUP BY target ORDER BY target
"""
_CAPTURES = """
SELECT system, now() - caught_up_at AS behind, now() - seen_at AS unseen, held_bytes
FROM capture_state ORDER BY system
"""
_SEE = """
INSERT INTO capture_state (system, caught_up_at, seen_at, held_bytes)
VALUES ($1, now(), now(), $3)
ON CONFLICT (system) DO UPDATE SET seen_at = now(), held_bytes = excluded.held_bytes,
    caught_up_at = CASE WHEN $2 THEN now() ELSE capture_state.caught_up_at END
"""


_HEAR = """
INSERT INTO capture_state (system, caught_up_at, seen_at) VALUES ($1, $2, $2)
ON CONFLICT (system) DO UPDATE SET seen_at = excluded.seen_at,
    caught_up_at = coalesce((
        SELECT max(committed_at) FROM consumer_offset
        WHERE consumer = $3 AND starts_with(topic, $1 || '.')
            AND appended_at > capture_state.seen_at), excluded.caught_up_at)
WHERE capture_state.seen_at < excluded.seen_at
"""
_HOLD = "UPDATE capture_state SET held_bytes = $2 WHERE system = $1"
_TEAR = """
INSERT INTO torn_transaction (system, why) VALUES ($1, $2)
ON CONFLICT (system, why) DO UPDATE SET times = torn_transaction.times + 1, last_at = now()
"""
_TORN = "SELECT system, why, times, last_at FROM torn_transaction ORDER BY system, why"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicLag:
    """The last record of a table that was applied: how long each stretch took."""

    topic: Topic
    capture: timedelta
    queue: timedelta
    apply: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What a group has still to read of a topic; `oldest_at` is when the first of it came."""

    topic: Topic
    records: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetLag:
    """A system that receives copies: what waits, and how long the last five minutes' took."""

    target: str
    pending: int
    dead: int
    oldest: timedelta | None
    p95: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureLag:
    """A capture: since when it may lack something, since when it is silent, the WAL it holds."""

    system: str
    behind: timedelta
    unseen: timedelta
    held_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """How often transactions of a system were seen in pieces, and why: late, large or shared."""

    system: str
    why: str
    times: int
    last_at: datetime


class Lags:
    """The lags of one hub."""

    def __init__(self, pool: asyncpg.Pool, *, consumer: str = "intake") -> None:
        self._pool = pool
        self._consumer = consumer

    async def topics(self) -> Sequence[TopicLag]:
        return [TopicLag(**row) for row in await self._pool.fetch(_TOPICS, self._consumer)]

    async def targets(self) -> Sequence[TargetLag]:
        return [TargetLag(**row) for row in await self._pool.fetch(_TARGETS)]

    async def captures(self) -> Sequence[CaptureLag]:
        return [CaptureLag(**row) for row in await self._pool.fetch(_CAPTURES)]

    async def see(self, system: str, *, is_caught_up: bool, held_bytes: int | None) -> None:
        """A capture says that it is alive, and whether it has all its owner had just now."""
        await self._pool.execute(_SEE, system, is_caught_up, held_bytes)

    async def hear(self, system: str, sent_at: datetime) -> None:
        """A capture that we do not run was alive.

        It had all its owner had committed, unless changes came since its last heartbeat: then all
        up to the last of them.
        """
        await self._pool.execute(_HEAR, system, sent_at, self._consumer)

    async def hold(self, system: str, held_bytes: int | None) -> None:
        """What WAL an owner keeps for a capture that we do not run."""
        await self._pool.execute(_HOLD, system, held_bytes)

    async def note_torn(self, system: str, why: str) -> None:
        """A transaction that should have been seen as a whole was not."""
        await self._pool.execute(_TEAR, system, why)

    async def torn(self) -> Sequence[Torn]:
        return [Torn(**row) for row in await self._pool.fetch(_TORN)]
