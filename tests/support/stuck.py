"""Processes that are killed in the middle of a statement, on each kind of session that we open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from cdc.capture.table_shape import CapturedTable
from cdc.capture.wal_reader import WalReader
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from schema.position import Topic
from sync.store.pool import connect

_TABLE = "log_partition"


@asynccontextmanager
async def locked(pool: asyncpg.Pool) -> AsyncIterator[None]:
    """While the block runs, all of them wait in the first statement that touches the table."""
    async with pool.acquire() as holder, holder.transaction():
        await holder.execute(f"LOCK TABLE {_TABLE}")
        yield


async def in_the_pool(dsn: str) -> None:
    async with await connect(dsn, size=1) as pool:
        await pool.execute(f"SELECT FROM {_TABLE}")


async def in_the_log(dsn: str) -> None:
    await PostgresConsumer(dsn=dsn, group="stuck", topics=(Topic("crm"),)).assignment()


async def in_a_capture(dsn: str) -> None:
    async with await connect(dsn, size=1) as pool:
        reader = WalReader(
            system="crm",
            dsn=dsn,
            tables=(CapturedTable(schema="public", name=_TABLE),),
            log=PostgresLog(pool),
            slot="stuck",
            publication="stuck",
        )
        await reader.prepare()
