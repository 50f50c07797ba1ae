"""A batch that fails and is tried again: what the first attempt learned was taken back with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import orjson
import pytest
from support.envelopes import envelope

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.port import NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from cdc.log.tables import LOG_TABLES
from schema.ids import mint
from schema.position import Topic
from sync.clock import utc_now
from sync.connectors import crm
from sync.intake import Intake
from sync.store.migrate import migrate
from sync.store.pool import connect
from sync.xref import Xref

ACCOUNTS = Topic("crm.public.accounts")
SOON = Pace(wait=timedelta(milliseconds=50))


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with await connect(database, size=4) as opened:
        await migrate(opened, LOG_TABLES)
        yield opened


async def test_links_of_a_failed_attempt_are_made_by_the_next(
    database: str, pool: asyncpg.Pool
) -> None:
    """A new key shares its batch with a row that cannot be stored; any process knows it after."""
    renamed, bad = {"id": "ACC-90001"}, {"id": "ACC-00002"}
    former = {"__debezium.oldkey": orjson.dumps({"id": "ACC-00001"})}
    async with asyncpg.create_pool(database, min_size=1, max_size=1) as plain:
        await PostgresLog(plain, partitions=1).append(
            [
                _record(renamed, "Acme", 100, former),
                _record(renamed, "Acme II", 200),
                _record({"id": "ACC-00003"}, "Beta", 300),
                _record(bad, "A\0B", 400),
            ]
        )
    await _listened(database, pool)
    rows = await pool.fetch("SELECT external_id, record_id FROM xref")
    assert {row["external_id"]: row["record_id"] for row in rows} == {
        "ACC-90001": mint("cli", "crm", "ACC-00001"),
        "ACC-00003": mint("cli", "crm", "ACC-00003"),
    }
    assert await pool.fetchval("SELECT array_agg(reason) FROM reject") == ["unstorable"]


async def _listened(database: str, pool: asyncpg.Pool) -> None:
    """Apply what the log holds, as one process."""
    consumer = PostgresConsumer(dsn=database, group="intake", prefixes=("crm.",))
    intake = Intake(pool, Xref(pool), {}, utc_now)
    listener = Listener(consumer, Decoder([crm.CLIENT]), intake, SOON)
    try:
        while not await listener.step():
            pass
    finally:
        await consumer.close()


def _record(
    key: dict[str, str], name: str, lsn: int, headers: dict[str, bytes] | None = None
) -> NewRecord:
    row = {**key, "account_name": name, "segment": "SMB", "owner_email": None}
    value = envelope(ACCOUNTS, row, op="c" if headers else "u", lsn=lsn)
    return NewRecord(topic=ACCOUNTS, key=orjson.dumps(key), value=value, headers=headers or {})
