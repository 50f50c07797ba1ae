"""The feed: status transitions in commit order, for subscribers that must not miss one.

Events are numbered under a row lock that is held until the commit, so an event that becomes
visible never has a lower number than one seen before. A follower reads pages of the table at its
own pace; nothing is buffered for it, so a slow one costs no memory.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import asyncpg

from schema.entity import entity_name
from schema.errors import Invalid
from sync.opaque import seal, unseal
from sync.store.bell import Bell

CHANNEL = "feed"
_PAGE = 200
_POLL = timedelta(seconds=1)

_NUMBER = "UPDATE feed_head SET next_id = next_id + $1 RETURNING next_id - $1"
_APPEND = """
INSERT INTO feed_event (id, entity, record_id, before, after, subject, at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[],
                     $7::timestamptz[])
"""
_SPAN = """
SELECT next_id, coalesce((SELECT min(id) FROM feed_event), next_id) AS oldest FROM feed_head
"""
# The span and a page, of one moment; of an empty page only the span.
_READ = """
SELECT next_id, coalesce((SELECT min(id) FROM feed_event), next_id) AS oldest, event.*
FROM feed_head LEFT JOIN LATERAL (
    SELECT id, record_id, before, after, subject, at FROM feed_event
    WHERE id >= $1 AND entity = $2 ORDER BY id LIMIT $3) AS event ON true
ORDER BY id
"""
_TRIM = """
DELETE FROM feed_event WHERE id < coalesce(
    (SELECT min(id) FROM feed_event WHERE at >= $1), (SELECT next_id FROM feed_head))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A record's status went from one state to another; the states are canonical words."""

    entity: str
    record_id: str
    before: str | None
    after: str | None
    subject: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEvent:
    """A transition with its place in the feed. `subject` holds the ids the record refers to."""

    cursor: str
    entity: type
    record_id: str
    before: str | None
    after: str | None
    subject: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class _Sealed:
    v: Literal[1]
    n: int


async def append_events(connection: asyncpg.Connection, events: Sequence[Transition]) -> None:
    """Append as the last thing of a transaction: the feed is locked from here to its commit."""
    if not events:
        return
    first = await connection.fetchval(_NUMBER, len(events))
    await connection.execute(
        _APPEND,
        list(range(first, first + len(events))),
        [e.entity for e in events],
        [e.record_id for e in events],
        [e.before for e in events],
        [e.after for e in events],
        [dict(e.subject) for e in events],
        [e.at for e in events],
    )
    await connection.execute("SELECT pg_notify($1, '')", CHANNEL)


class Feed:
    """One per process; any number of followers."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._bell = Bell(pool, CHANNEL)

    async def follow(
        self, entity: type, *, after: str | None, only: Callable[[StatusEvent], bool]
    ) -> AsyncGenerator[StatusEvent, None]:
        """Every event of the type after a cursor, or from now on, as long as it is iterated.

        Raises Invalid when the cursor is none of this feed, or when the follower is so far
        behind that its next event is no longer kept.
        """
        next_id = await self._start(after)
        while True:
            ring = await self._bell.next_ring()
            rows = await self._pool.fetch(_READ, next_id, entity_name(entity), _PAGE)
            _require_kept(next_id, rows[0])
            is_last = len(rows) < _PAGE
            next_id = rows[0]["next_id"] if is_last else rows[-1]["id"] + 1
            for row in rows:
                if row["id"] is not None and only(event := _event(entity, row)):
                    yield event
            if is_last:
                await Bell.wait(ring, _POLL)

    async def trim(self, before: datetime) -> int:
        """Forget all events up to the first that is not older than `before`; answers how many."""
        status = await self._pool.execute(_TRIM, before)
        return int(status.rpartition(" ")[2])

    async def close(self) -> None:
        await self._bell.close()

    async def _start(self, after: str | None) -> int:
        span = await self._pool.fetchrow(_SPAN)
        if after is None:
            return int(span["next_id"])
        wanted = unseal(after, _Sealed, what="cursor").n + 1
        if wanted > span["next_id"]:
            raise Invalid("This cursor is from another feed; subscribe without `after`.")
        _require_kept(wanted, span)
        return wanted


def _require_kept(wanted: int, span: asyncpg.Record) -> None:
    if wanted < span["oldest"]:
        raise Invalid(
            "Events after this cursor are no longer kept; query the present state, "
            "then subscribe without `after`."
        )


def _event(entity: type, row: asyncpg.Record) -> StatusEvent:
    return StatusEvent(
        cursor=seal(_Sealed(v=1, n=row["id"])),
        entity=entity,
        record_id=row["record_id"],
        before=row["before"],
        after=row["after"],
        subject=row["subject"],
        at=row["at"],
    )
