"""A reader of the log that hangs while the server answers it must not keep its place for ever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import asyncpg
import orjson
from support.listening import PREFIXES, bear_with_us
from support.members import lanes_of_members
from support.processes import Worker, running
from support.targets import until

from cdc.log.port import NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from schema.position import Topic

PATIENCE_S = 3
RECORDS = 300
LONG = b"x" * 100_000
"""All of these together are more than the sockets in between hold."""

_ANSWERED = """
SELECT pid, query_start FROM pg_stat_activity
WHERE datname = current_database() AND wait_event = 'ClientWrite'
"""


async def test_its_place_is_free_though_it_was_not_idle(
    hub_database: str, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    """The time-out of idle sessions does not see it: the server waits for it to take its answer."""
    async with asyncpg.create_pool(hub_database, min_size=1) as plain:
        topic = Topic("billing.public.invoices")
        keys = [orjson.dumps({"id": n}) for n in range(RECORDS)]
        await PostgresLog(plain).append([NewRecord(topic=topic, key=k, value=LONG) for k in keys])
    async with running(tmp_path / "words", read_again_and_again, hub_database) as zombie:
        await frozen_in_mid_answer(pool, zombie)
        assert await lanes_of_members(pool)

        async def is_free() -> bool:
            return not await lanes_of_members(pool)

        await until(is_free, seconds=60)


async def read_again_and_again(dsn: str) -> None:
    """All there is, until killed."""
    bear_with_us(PATIENCE_S)
    consumer = PostgresConsumer(dsn=dsn, group="intake", prefixes=PREFIXES)
    while True:
        await consumer.poll(RECORDS, timedelta(milliseconds=100))
        for lane in await consumer.assignment():
            consumer.seek(lane, 0)


async def frozen_in_mid_answer(pool: asyncpg.Pool, zombie: Worker) -> None:
    """Freeze it again and again, until the server is left with an answer that nobody takes."""

    async def is_stuck() -> bool:
        before = set(await pool.fetch(_ANSWERED))
        if not before:
            return False
        zombie.freeze()
        await zombie.runs_for(0.2)
        if before & set(await pool.fetch(_ANSWERED)):
            return True
        zombie.thaw()
        return False

    await until(is_stuck, seconds=60)
