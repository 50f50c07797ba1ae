"""The listener reads ahead of the intake, and loses and repeats nothing by it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import orjson
import pytest
from support.envelopes import envelope, whole
from support.intaking import ACCOUNTS, DECODER
from support.targets import until
from support.working import at_work

from cdc.listener import Listener, Pace
from cdc.log.port import NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from schema.errors import Unavailable
from schema.position import Topic
from sync.changes import Incoming
from sync.clock import utc_now
from sync.intake import Claim, Intake, Superseded
from sync.xref import Xref

PACE = Pace(batch=3, wait=timedelta(milliseconds=200), backoff=timedelta(milliseconds=10))


class Faltering(Intake):
    """Fails some of its batches before they have an effect, with the next one read already."""

    def fail(self, *errors: Exception | None) -> None:
        self.errors = list(errors)
        self.has_waited = False

    async def apply(self, incoming: Sequence[Incoming], claims: Sequence[Claim]) -> None:
        error = self.errors.pop(0) if self.errors else None
        self.has_waited |= await next_batch_is_read()
        if error is not None:
            raise error
        await super().apply(incoming, claims)


async def next_batch_is_read() -> bool:
    """Return when the listener has read ahead; answers whether that had to be waited for."""
    reading = [task for task in asyncio.all_tasks() if task.get_name() == "read ahead"]
    if reading:
        await asyncio.wait(reading, timeout=10)
    return bool(reading)


async def append(dsn: str, names: Sequence[str]) -> None:
    """One account after the other, each with its name."""
    records = [
        NewRecord(
            topic=Topic(ACCOUNTS),
            key=orjson.dumps({"id": f"ACC-{number}"}),
            value=envelope(
                ACCOUNTS,
                whole(ACCOUNTS, {"id": f"ACC-{number}", "account_name": name}),
                op="c",
                lsn=number,
            ),
        )
        for number, name in enumerate(names, start=1)
    ]
    async with asyncpg.create_pool(dsn, min_size=1) as plain:
        await PostgresLog(plain, partitions=2).append(records)


@asynccontextmanager
async def listening(dsn: str, intake: Intake) -> AsyncIterator[None]:
    """A listener at work while the block runs."""
    consumer = PostgresConsumer(dsn=dsn, group="test", topics=(Topic(ACCOUNTS),))
    async with at_work(Listener(consumer, DECODER, intake, PACE).run):
        yield


async def offsets_reach(pool: asyncpg.Pool, table: str, end: int) -> None:
    async def is_there() -> bool:
        return bool(await pool.fetchval(f"SELECT sum(next_offset) FROM {table}") == end)

    await until(is_there, seconds=20)


@pytest.mark.parametrize(
    "errors",
    [
        (),
        (Unavailable("an owner is down"),),
        (None, Superseded()),
        (None, asyncpg.DeadlockDetectedError("deadlock detected"), Superseded()),
    ],
    ids=["nothing", "an outage", "superseded", "a deadlock"],
)
async def test_a_batch_that_failed_is_read_again(
    pool: asyncpg.Pool, hub_database: str, errors: Sequence[Exception | None]
) -> None:
    """What was read ahead of the failure is dropped, and everything is applied once, in order."""
    names = [f"Client {n}" for n in range(20)]
    names[7] = "A\0B"
    await append(hub_database, names)
    intake = Faltering(pool, Xref(pool), {}, utc_now)
    intake.fail(*errors)
    async with listening(hub_database, intake):
        await offsets_reach(pool, "consumer_offset", len(names))
        await offsets_reach(pool, "log_group_offset", len(names))
    assert intake.has_waited
    found = await pool.fetch("SELECT name FROM projection.client")
    assert sorted(row["name"] for row in found) == sorted(n for n in names if "\0" not in n)
    assert await pool.fetchval("SELECT array_agg(reason) FROM dead_letter") == ["unstorable"]


class Overtaken(Listener):
    """Another consumer is faster each time."""

    times = 0

    async def step(self) -> int:
        self.times += 1
        await asyncio.sleep(0)
        raise Superseded


async def test_who_is_overtaken_pauses_before_the_next_attempt(
    pool: asyncpg.Pool, hub_database: str
) -> None:
    """However often that happens, it leaves the machine to the one that is faster."""
    intake, pace = Intake(pool, Xref(pool), {}, utc_now), Pace(backoff=timedelta(hours=1))
    consumer = PostgresConsumer(dsn=hub_database, group="test", topics=(Topic(ACCOUNTS),))
    overtaken = Overtaken(consumer, DECODER, intake, pace)
    async with at_work(overtaken.run):
        for _ in range(100):
            await asyncio.sleep(0)
        assert overtaken.times == 1


async def test_a_name_longer_than_an_index_takes_is_parked_alone(
    pool: asyncpg.Pool, hub_database: str
) -> None:
    """One such name used to end the listener, and every listener that was started after it."""
    names = ["Acme", random.Random(5).randbytes(3000).hex(), "Beta"]
    await append(hub_database, names)
    async with listening(hub_database, Intake(pool, Xref(pool), {}, utc_now)):
        await offsets_reach(pool, "consumer_offset", len(names))
    found = await pool.fetch("SELECT name FROM projection.client ORDER BY name")
    assert [row["name"] for row in found] == ["Acme", "Beta"]
    assert await pool.fetchval("SELECT array_agg(reason) FROM dead_letter") == ["unstorable"]
