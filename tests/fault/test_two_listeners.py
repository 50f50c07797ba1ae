"""Listeners that share the log: whoever hangs or dies, the others go on and nothing is doubled."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from structlog.testing import capture_logs
from support import listening
from support.captured import BINDINGS, Firm
from support.listening import PREFIXES, listen
from support.load import under_load
from support.members import lanes_of_members
from support.oracle import assert_holds, caught_up
from support.processes import Worker, running
from support.targets import until
from support.working import at_work

from cdc.log.port import LogRecord
from cdc.log.postgres_consumer import PostgresConsumer

PATIENCE_S = 3
"""How long the server bears with a session that hangs; a minute outside of tests."""
LANES = 3 * 4
_END_MEMBERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'concord intake'
"""
_BLOCKED = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def test_they_share_take_over_and_never_double(
    hub_database: str, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    """Two share the partitions, a third gets its part, and inherits when another is killed."""
    firm = Firm(31)
    async with (
        listener(tmp_path / "first", hub_database) as first,
        listener(tmp_path / "second", hub_database) as second,
    ):
        async with under_load(hub_database, firm):
            await shared_out(pool, 2)
            async with listener(tmp_path / "third", hub_database) as third:
                await shared_out(pool, 3)
                await first.runs_for(1)
                await first.kill()
                await shared_out(pool, 2)
                await third.runs_for(1)
        await caught_up(pool, second)
    await assert_holds(pool, firm)


async def test_a_zombie_that_wakes_up_changes_nothing(
    hub_database: str, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    """Frozen in mid-transaction, it loses its partitions, locks and work; then it rejoins."""
    firm = Firm(32)
    async with (
        listener(tmp_path / "zombie", hub_database) as zombie,
        listener(tmp_path / "living", hub_database) as living,
    ):
        async with under_load(hub_database, firm):
            await shared_out(pool, 2)
            async with pool.acquire() as connection, connection.transaction():
                # Events are appended last: whoever waits here has all of its batch in hand.
                await connection.execute("SELECT FROM feed_head FOR UPDATE")
                await all_blocked(pool, 2)
                zombie.freeze()
            await shared_out(pool, 1)
        await caught_up(pool, living)
        zombie.thaw()
        async with under_load(hub_database, firm):
            await shared_out(pool, 2)
        await caught_up(pool, zombie, living)
    await assert_holds(pool, firm)


async def test_a_batch_that_another_has_applied_is_dropped(
    hub_database: str, pool: asyncpg.Pool
) -> None:
    """It loses its place between reading and applying: its claims are refused, and it goes on."""
    firm = Firm(33)
    slow = Held(PostgresConsumer(dsn=hub_database, group="intake", prefixes=PREFIXES))
    quick = PostgresConsumer(dsn=hub_database, group="intake", prefixes=PREFIXES)
    with capture_logs() as logs:

        async def is_refused() -> bool:
            return "listener.superseded" in {entry["event"] for entry in logs}

        async with at_work(listening.listener(pool, slow, BINDINGS).run):
            async with under_load(hub_database, firm):
                await slow.is_holding.wait()
                await pool.execute(_END_MEMBERS)
                async with at_work(listening.listener(pool, quick, BINDINGS).run):
                    await passed_by(pool, slow.held)
                    slow.may_go.set()
                    await until(is_refused, seconds=60)
            await caught_up(pool)
    await assert_holds(pool, firm)


class Held:
    """A consumer that keeps the first batch it read to itself until it may go."""

    def __init__(self, consumer: PostgresConsumer) -> None:
        self._consumer = consumer
        self.held: Sequence[LogRecord] = ()
        self.may_go = asyncio.Event()
        self.is_holding = asyncio.Event()

    async def poll(self, limit: int, wait: timedelta) -> Sequence[LogRecord]:
        records = await self._consumer.poll(limit, wait)
        if records and not self.held:
            self.held = records
            self.is_holding.set()
            await self.may_go.wait()
        return records

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)


def listener(words: Path, dsn: str) -> AbstractAsyncContextManager[Worker]:
    return running(words, listen, dsn, PATIENCE_S)


async def shared_out(pool: asyncpg.Pool, members: int) -> None:
    """Return once that many members hold all partitions, in equal parts."""

    async def is_shared_out() -> bool:
        parts = await lanes_of_members(pool)
        return len(parts) == members and parts == [LANES // members] * members

    await until(is_shared_out, seconds=60)


async def all_blocked(pool: asyncpg.Pool, count: int) -> None:
    async def are_blocked() -> bool:
        return bool(await pool.fetchval(_BLOCKED) >= count)

    await until(are_blocked, seconds=60)


async def passed_by(pool: asyncpg.Pool, records: Sequence[LogRecord]) -> None:
    """Return once others have applied these records."""
    ends = {r.position.lane: r.position.offset for r in records}

    async def are_passed() -> bool:
        rows = await pool.fetch("SELECT topic, partition, next_offset FROM consumer_offset")
        applied = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
        return all(applied[lane.topic, lane.partition] > end for lane, end in ends.items())

    await until(are_passed, seconds=60)
