"""The feed as its followers read it, while old events are forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from support.targets import until

from schema.canon import Invoice, Project
from schema.entity import entity_name
from schema.errors import Invalid
from sync.clock import utc_now
from sync.feed import Feed, StatusEvent, Transition, _Sealed, append_events
from sync.opaque import seal

OLD, NEW = utc_now() - timedelta(days=30), utc_now()


class Watched:
    """A pool that counts the pages that were read."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.read = 0

    async def fetch(self, *asked: Any) -> list[asyncpg.Record]:
        rows: list[asyncpg.Record] = await self._pool.fetch(*asked)
        self.read += 1
        return rows

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


@pytest.fixture
def watched(pool: asyncpg.Pool) -> Watched:
    return Watched(pool)


@pytest.fixture
async def feed(watched: Watched) -> AsyncIterator[Feed]:
    feed = Feed(watched)
    yield feed
    await feed.close()


async def happen(pool: asyncpg.Pool, of: type, record_id: str, at: datetime) -> None:
    event = Transition(
        entity=entity_name(of), record_id=record_id, before="a", after="b", subject={}, at=at
    )
    async with pool.acquire() as connection, connection.transaction():
        await append_events(connection, [event])


def every(_: StatusEvent) -> bool:
    return True


async def test_a_follower_of_a_quiet_type_has_missed_nothing(
    pool: asyncpg.Pool, watched: Watched, feed: Feed
) -> None:
    """Events of other types were forgotten, which it had passed by."""
    async with aclosing(feed.follow(Project, after=None, only=every)) as events:
        coming = asyncio.create_task(anext(events))

        async def has_read() -> bool:
            return watched.read >= due

        due = 1
        await until(has_read)
        await happen(pool, Invoice, "in_1", OLD)
        due = watched.read + 2  # the first of them may have begun before
        await until(has_read)
        assert await feed.trim(NEW - timedelta(days=7)) == 1
        await happen(pool, Project, "prj_1", NEW)
        async with asyncio.timeout(20):
            assert (await coming).record_id == "prj_1"


async def test_a_follower_that_has_missed_an_event_is_told(pool: asyncpg.Pool, feed: Feed) -> None:
    """It was slow, and what came next is forgotten: it need not wait for another one."""
    await happen(pool, Project, "prj_1", NEW)
    start = seal(_Sealed(v=1, n=0))
    async with aclosing(feed.follow(Project, after=start, only=every)) as events:
        assert (await anext(events)).record_id == "prj_1"
        await happen(pool, Project, "prj_2", NEW)
        assert await feed.trim(NEW + timedelta(days=1)) == 2
        with pytest.raises(Invalid, match="no longer kept"):
            async with asyncio.timeout(20):
                await anext(events)
