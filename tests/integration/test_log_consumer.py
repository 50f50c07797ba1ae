"""Reading the Postgres log as members of a group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from time import monotonic

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
SOON = timedelta(seconds=5)


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
    """What the consumer reads until it has `count` records, or 5 seconds have passed."""
    read: list[LogRecord] = []
    async with asyncio.timeout(5):
        while len(read) < count:
            read += await consumer.poll(100, timedelta(milliseconds=100))
    return read


async def settle(*consumers: PostgresConsumer, within_s: float) -> list[frozenset[LogPartition]]:
    """The assignments once the four partitions are shared out completely."""
    async with asyncio.timeout(within_s):
        while True:
            for consumer in consumers:
                await consumer.poll(1, timedelta(milliseconds=20))
            shares = [await consumer.assignment() for consumer in consumers]
            if sum(map(len, shares)) == 4 and max(map(len, shares)) - min(map(len, shares)) <= 1:
                return shares


async def test_every_record_is_read_once_and_in_order(
    log: PostgresLog, member: Callable[[], PostgresConsumer]
) -> None:
    """Batches smaller than the backlog still deliver each partition's offsets without a gap."""
    await log.append(records(range(500)))
    read = await drain(member(), 500)
    assert {record.value for record in read} == {b"%d" % n for n in range(500)}
    for lane in {record.position.lane for record in read}:
        offsets = [record.position.offset for record in read if record.position.lane == lane]
        assert offsets == list(range(len(offsets)))


async def test_headers_and_nulls_come_back(
    log: PostgresLog, member: Callable[[], PostgresConsumer]
) -> None:
    """A tombstone with headers is read as it was appended."""
    await log.append([NewRecord(topic=TOPIC, key=b"k", value=None, headers={"a": b"\x00\xff"})])
    [record] = await drain(member(), 1)
    assert (record.key, record.value, dict(record.headers)) == (b"k", None, {"a": b"\x00\xff"})
    assert record.appended_at.tzinfo is not None


async def test_an_append_wakes_a_waiting_poll(
    log: PostgresLog, member: Callable[[], PostgresConsumer]
) -> None:
    """The notification ends the wait, long before the next look would."""
    await log.append(records(range(1)))
    consumer = member()
    await drain(consumer, 1)
    polling = asyncio.create_task(consumer.poll(10, SOON))
    done, _ = await asyncio.wait({polling}, timeout=0.1)
    assert not done
    started = monotonic()
    await log.append(records(range(1)))
    assert len(await polling) == 1
    assert monotonic() - started < 0.25


async def test_a_new_assignment_is_announced_before_its_records(
    log: PostgresLog, member: Callable[[], PostgresConsumer]
) -> None:
    """The caller can seek before the first record of a partition comes."""
    await log.append([NewRecord(topic=TOPIC, key=b"k", value=b"%d" % n) for n in range(5)])
    consumer = member()
    assert await consumer.poll(10, SOON) == []
    for lane in await consumer.assignment():
        consumer.seek(lane, 3)
    assert [record.value for record in await consumer.poll(10, SOON)] == [b"3", b"4"]


async def test_a_paused_partition_is_kept_but_silent(
    log: PostgresLog, member: Callable[[], PostgresConsumer]
) -> None:
    """Pause holds the records back, resume returns them, the assignment stays."""
    await log.append([NewRecord(topic=TOPIC, key=b"k", value=b"v")])
    consumer = member()
    for lane in await consumer.assignment():
        consumer.pause(lane)
    assert await consumer.poll(10, AT_ONCE) == []
    for lane in await consumer.assignment():
        consumer.resume(lane)
    assert len(await consumer.poll(10, AT_ONCE)) == 1


async def test_a_topic_that_appears_later_is_read(
    log: PostgresLog, member: Callable[[], PostgresConsumer]
) -> None:
    """A prefix subscription needs no restart, and takes nothing of other systems."""
    consumer = member()
    assert await consumer.poll(10, AT_ONCE) == []
    await log.append(records(range(3), Topic("hr.public.people")))
    await log.append(records(range(3), Topic("crm.public.contacts")))
    assert {record.position.topic for record in await drain(consumer, 3)} == {"crm.public.contacts"}


async def test_a_new_member_gets_its_share_within_a_second(
    log: PostgresLog, member: Callable[[], PostgresConsumer]
) -> None:
    """Two members have two partitions each, and none in common."""
    await log.append(records(range(1)))
    first, second = member(), member()
    assert len(await first.assignment()) == 4
    shares = await settle(first, second, within_s=2)
    assert [len(share) for share in shares] == [2, 2]
    assert not shares[0] & shares[1]


async def test_the_partitions_of_a_dead_member_are_taken_over(
    log: PostgresLog, pool: asyncpg.Pool, member: Callable[[], PostgresConsumer]
) -> None:
    """Ending a member's session frees its partitions; it learns so and may join again."""
    await log.append(records(range(1)))
    first, second = member(), member()
    await settle(first, second, within_s=2)
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
    [share] = await settle(survivor, within_s=2)
    assert len(share) == 4
    await settle(first, second, within_s=3)


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
        shares = await settle(*stay, within_s=5)
        assert len(frozenset().union(*shares)) == 4
        held = await pool.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert held == 4


async def test_commit_tells_how_far_the_group_is(
    log: PostgresLog, pool: asyncpg.Pool, member: Callable[[], PostgresConsumer]
) -> None:
    """The last committed offset is kept per group and partition."""
    lane = LogPartition(topic=TOPIC, partition=2)
    consumer = member()
    await consumer.commit({lane: 5})
    await consumer.commit({lane: 9})
    rows = await pool.fetch(
        "SELECT group_name, topic, partition, next_offset FROM log_group_offset"
    )
    assert [tuple(row) for row in rows] == [("hub", TOPIC, 2, 9)]


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
