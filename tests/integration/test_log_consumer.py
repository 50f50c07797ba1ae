"""Reading the Postgres log as members of a group: what its locks promise beyond the contract."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import asyncpg
import pytest

from cdc.log.port import LogRecord, NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from cdc.log.tables import LOG_TABLES
from schema.errors import Unavailable
from schema.position import LogPartition, Topic

TOPIC = Topic("crm.public.accounts")
AT_ONCE = timedelta(0)
DEADLINE_S = 30


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as pool:
        await pool.execute(LOG_TABLES)
        yield pool


@pytest.fixture
async def log(pool: asyncpg.Pool) -> PostgresLog:
    return PostgresLog(pool)


@pytest.fixture
async def member(database: str) -> AsyncIterator[Callable[[], PostgresConsumer]]:
    """Make members of one group; they leave after the test."""
    members: list[PostgresConsumer] = []

    def make() -> PostgresConsumer:
        members.append(PostgresConsumer(dsn=database, group="hub", prefixes=("crm.",)))
        return members[-1]

    yield make
    for consumer in members:
        await consumer.close()


def records(numbers: range, topic: Topic = TOPIC) -> list[NewRecord]:
    return [NewRecord(topic=topic, key=b"%d" % n, value=b"%d" % n) for n in numbers]


async def drain(consumer: PostgresConsumer, count: int) -> list[LogRecord]:
    """What the consumer reads until it has `count` records, or the deadline has passed."""
    read: list[LogRecord] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(read) < count:
            read += await consumer.poll(100, timedelta(milliseconds=100))
    return read


async def settle(*consumers: PostgresConsumer) -> list[frozenset[LogPartition]]:
    """The assignments once the four partitions are shared out completely."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            for consumer in consumers:
                await consumer.poll(1, timedelta(milliseconds=20))
            shares = [await consumer.assignment() for consumer in consumers]
            if sum(map(len, shares)) == 4 and max(map(len, shares)) - min(map(len, shares)) <= 1:
                return shares


async def test_the_partitions_of_a_dead_member_are_taken_over(
    log: PostgresLog, pool: asyncpg.Pool, member: Callable[[], PostgresConsumer]
) -> None:
    """Ending a member's session frees its partitions; it learns so and may join again."""
    await log.append(records(range(1)))
    first, second = member(), member()
    await settle(first, second)
    await pool.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'concord hub' AND pid = "
        "(SELECT max(pid) FROM pg_stat_activity WHERE application_name = 'concord hub')"
    )
    survivors: list[PostgresConsumer] = []
    for consumer in (first, second):
        try:
            await consumer.poll(1, AT_ONCE)
            survivors.append(consumer)
        except Unavailable:
            assert consumer._assigned == frozenset()
    [survivor] = survivors
    [share] = await settle(survivor)
    assert len(share) == 4
    await settle(first, second)


async def test_no_partition_ever_has_two_readers(
    log: PostgresLog, pool: asyncpg.Pool, member: Callable[[], PostgresConsumer]
) -> None:
    """While members come and go, the locks never show a partition with two holders."""
    await log.append(records(range(1)))
    stay = [member()]
    for joins in (True, True, False, True, False, False):
        if joins:
            stay.append(member())
        else:
            await stay.pop(0).close()
        shares = await settle(*stay)
        assert len(frozenset().union(*shares)) == 4
        held = await pool.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert held == 4


async def test_the_hot_query_walks_the_primary_key(log: PostgresLog, pool: asyncpg.Pool) -> None:
    """Reading costs what is read, not what is stored: no scan and no sort of the table."""
    from cdc.log.postgres_consumer import _SELECT_RECORDS, _SETTINGS

    await log.append(records(range(100)))
    async with pool.acquire() as connection, connection.transaction():
        for name, setting in _SETTINGS.items():
            await connection.execute("SELECT set_config($1, $2, true)", name, setting)
        plan = await connection.fetch(
            "EXPLAIN " + _SELECT_RECORDS, [TOPIC] * 4, [0, 1, 2, 3], [0] * 4, 500
        )
    text = "\n".join(line[0] for line in plan)
    assert "Index Scan using log_record_pkey" in text
    assert "Sort" not in text
