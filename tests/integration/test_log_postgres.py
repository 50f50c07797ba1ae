"""Appending to the Postgres log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from cdc.log.port import NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.tables import LOG_TABLES
from schema.errors import Unavailable
from schema.position import Topic

ACCOUNTS = Topic("crm.public.accounts")
INVOICES = Topic("erp.public.invoices")


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(database, min_size=1, max_size=10) as pool:
        await pool.execute(LOG_TABLES)
        yield pool


def record(number: int, topic: Topic = ACCOUNTS) -> NewRecord:
    return NewRecord(topic=topic, key=b"%d" % number, value=b"value %d" % number)


async def test_the_tables_can_be_created_again(pool: asyncpg.Pool) -> None:
    """The migration may run on every start: nothing is lost by it."""
    await PostgresLog(pool).append([record(1)])
    await pool.execute(LOG_TABLES)
    assert await pool.fetchval("SELECT count(*) FROM log_record") == 1


async def test_an_append_is_all_or_nothing(pool: asyncpg.Pool) -> None:
    """A batch that cannot be stored leaves no record and no gap in the offsets."""
    log = PostgresLog(pool)
    await pool.execute("ALTER TABLE log_record ADD CHECK (value <> 'refused')")
    refused = NewRecord(topic=INVOICES, key=b"2", value=b"refused")
    with pytest.raises(asyncpg.CheckViolationError):
        await log.append([record(1), refused])
    assert await pool.fetchval("SELECT count(*) FROM log_record") == 0
    await log.append([record(1)])
    assert await pool.fetchval('SELECT "offset" FROM log_record') == 0


async def test_the_first_creator_decides_the_number_of_partitions(pool: asyncpg.Pool) -> None:
    """Appenders configured differently still agree where a key belongs."""
    few, many = PostgresLog(pool, partitions=2), PostgresLog(pool, partitions=16)
    await few.append([record(0)])
    await many.append([record(number) for number in range(50)])
    assert await pool.fetchval("SELECT max(partition) FROM log_record") == 1


async def test_a_reader_never_sees_a_gap_that_is_filled_later(pool: asyncpg.Pool) -> None:
    """With many appenders at work, what is visible of a partition has no holes at any time."""
    log = PostgresLog(pool)

    async def append(appender: int) -> None:
        for batch in range(20):
            numbers = range(appender * 1000 + batch * 7, appender * 1000 + batch * 7 + 7)
            topics = (ACCOUNTS, INVOICES) if appender % 2 else (INVOICES, ACCOUNTS)
            await log.append([record(n, topic) for topic in topics for n in numbers])

    appending = asyncio.gather(*(append(appender) for appender in range(6)))
    holes = looks = 0
    while not appending.done():
        holes += await pool.fetchval(
            'SELECT count(*) FROM (SELECT max("offset") + 1 - count(*) AS missing '
            "FROM log_record GROUP BY topic, partition) AS lanes WHERE missing <> 0"
        )
        looks += 1
    await appending
    assert (holes, await pool.fetchval("SELECT count(*) FROM log_record")) == (0, 6 * 20 * 14)
    assert looks > 10, "the reader did not look while the appenders worked"


async def test_an_appender_waits_for_the_one_before_it(pool: asyncpg.Pool) -> None:
    """While an appender has not committed, no later offset of its partition becomes visible."""
    log = PostgresLog(pool, partitions=1)
    await log.append([record(0)])
    async with pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM log_partition FOR UPDATE")
        waiting = asyncio.create_task(log.append([record(1)]))
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        assert not done
    await waiting


async def test_trim_deletes_by_age_and_warns_about_unread_records(pool: asyncpg.Pool) -> None:
    """Old records go, read or not; a group that will miss some is named with its offsets."""
    log = PostgresLog(pool, partitions=1)
    await log.append([record(number) for number in range(3)])
    await pool.execute("UPDATE log_record SET appended_at = appended_at - interval '8 days'")
    await log.append([record(3)])
    await pool.execute("INSERT INTO log_group_offset VALUES ('hub', $1, 0, 1)", ACCOUNTS)
    with capture_logs() as logs:
        assert await log.trim(timedelta(days=7)) == 3
    assert [(entry["event"], entry["wanted"], entry["oldest"]) for entry in logs] == [
        ("log.trimmed_unread", 1, 3)
    ]
    assert await pool.fetchval('SELECT array_agg("offset") FROM log_record') == [3]


async def test_a_lost_database_is_unavailable(pool: asyncpg.Pool) -> None:
    """The caller learns that trying again later is the thing to do."""
    log = PostgresLog(pool)
    await pool.close()
    with pytest.raises(Unavailable):
        await log.append([record(1)])
