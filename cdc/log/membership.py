"""Which member of a consumer group reads which partition, settled by advisory locks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import asyncpg

from schema.position import LogPartition

# Every member holds the group's key shared; the sessions that do are the members.
_JOIN = "SELECT pg_advisory_lock_shared($1)"

_RANK = """
SELECT count(*) FILTER (WHERE pid < pg_backend_pid()) AS before_us, count(*) AS members
FROM pg_locks
WHERE locktype = 'advisory' AND granted AND mode = 'ShareLock' AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = (($1::bigint >> 32) & 4294967295)::oid
    AND objid = ($1::bigint & 4294967295)::oid
"""

# The limit stops the scan, and so the locking, at the wanted number of locks.
_TAKE = """
SELECT key FROM unnest($1::bigint[]) AS key WHERE pg_try_advisory_lock(key) LIMIT $2
"""

_GIVE_BACK = "SELECT pg_advisory_unlock(key) FROM unnest($1::bigint[]) AS key"


class Membership:
    """A session's place in a group. When the session ends, however it ends, so does the place.

    A partition is held by the session lock of one member, so never by two. Each member's share
    follows from its rank among the sessions; what is above the share is given back, what is below
    it is taken as soon as others have given back. Nothing moves that need not.
    """

    def __init__(self, connection: asyncpg.Connection, group: str) -> None:
        self._connection = connection
        self._group = group
        self._held: frozenset[LogPartition] = frozenset()

    async def join(self) -> None:
        await self._connection.execute(_JOIN, _key("group", self._group))

    async def settle(self, partitions: Sequence[LogPartition]) -> frozenset[LogPartition]:
        """Give back and take, once, and answer what we hold now. Repeat it to converge."""
        rank, members = await self._connection.fetchrow(_RANK, _key("group", self._group))
        share = len(partitions) // members + (rank < len(partitions) % members)
        wanted = sorted(self._held & frozenset(partitions))
        await self._give_back(self._held - frozenset(wanted[:share]))
        await self._take([lane for lane in partitions if lane not in self._held], share)
        return self._held

    async def _give_back(self, lanes: frozenset[LogPartition]) -> None:
        if lanes:
            await self._connection.execute(_GIVE_BACK, [self._key(lane) for lane in lanes])
            self._held -= lanes

    async def _take(self, free: Sequence[LogPartition], share: int) -> None:
        if len(self._held) >= share:
            return
        by_key = {self._key(lane): lane for lane in free}
        taken = await self._connection.fetch(_TAKE, list(by_key), share - len(self._held))
        self._held |= {by_key[row["key"]] for row in taken}

    def _key(self, lane: LogPartition) -> int:
        return _key("partition", self._group, lane.topic, str(lane.partition))


def _key(*parts: str) -> int:
    """A 64-bit advisory lock key."""
    digest = hashlib.blake2b("\0".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
