"""Processes that are killed in the middle of a statement, on each kind of session that we open."""

from __future__ import annotations

import asyncpg

from cdc.capture.table_shape import CapturedTable
from cdc.capture.wal_reader import WalReader
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from sync.store.pool import connect

LOCK = 20_261_128
_TAKE = "SELECT pg_advisory_lock($1)"
_LONG = "SELECT pg_sleep(3600)"


async def in_the_pool(dsn: str) -> None:
    async with await connect(dsn, size=1) as pool, pool.acquire() as connection:
        await _sleep(connection)


async def in_the_log(dsn: str) -> None:
    consumer = PostgresConsumer(dsn=dsn, group="asleep")
    await _sleep((await consumer._join()).connection)


async def in_a_capture(dsn: str) -> None:
    async with await connect(dsn, size=1) as pool:
        reader = WalReader(
            system="crm",
            dsn=dsn,
            tables=(CapturedTable(schema="public", name="accounts"),),
            log=PostgresLog(pool),
            slot="asleep",
            publication="asleep",
        )
        await _sleep(await reader._connect())


async def _sleep(connection: asyncpg.Connection) -> None:
    await connection.execute(_TAKE, LOCK)
    await connection.execute(_LONG)
