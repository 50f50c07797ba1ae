"""A topic whose rows break the contract is parked, alone, and goes on where it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import asyncpg
import orjson
import pytest
from support.envelopes import envelope, whole
from support.intaking import ACCOUNTS, CUSTOMERS, DECODER
from support.targets import until

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.port import LogRecord, NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from schema.errors import NotFound
from schema.position import Position, Topic
from sync.changes import Incoming, Reject
from sync.clock import utc_now
from sync.intake import Intake
from sync.signed import Signed
from sync.xref import Xref

SOON = Pace(batch=2, wait=timedelta(milliseconds=50))
ANN = Signed(by="ann@firm.example", why="The binding reads the new column.")
CUSTOMER = {"customer_no": "C1", "crm_account": "ACC-1", "terms_days": 30, "version": 1}


class Outdated(Decoder):
    """A binding that misses a column of every account but the first, until it is mended."""

    def __init__(self) -> None:
        super().__init__(())
        self.is_mended = False

    def decode(self, record: LogRecord) -> Sequence[Incoming]:
        breaks = record.position.topic == ACCOUNTS and b"ACC-1" not in (record.key or b"")
        if breaks and not self.is_mended:
            detail = "crm.public.accounts has no column segment"
            return [Reject(record=record, reason="contract_break", detail=detail)]
        return DECODER.decode(record)


def account(number: int) -> NewRecord:
    row = {
        "id": f"ACC-{number}",
        "account_name": f"Client {number}",
        "segment": "SMB",
        "owner_email": None,
    }
    value = envelope(ACCOUNTS, whole(ACCOUNTS, row), op="c", lsn=number)
    return NewRecord(topic=Topic(ACCOUNTS), key=orjson.dumps({"id": row["id"]}), value=value)


async def test_a_topic_that_is_resumed_at_once_skips_nothing(
    pool: asyncpg.Pool, hub_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has looked at the parked topics between the break and its mending."""
    async with asyncpg.create_pool(hub_database, min_size=1) as plain:
        await PostgresLog(plain, partitions=1).append([account(n) for n in (1, 2, 3)])
    decoder, intake = Outdated(), Intake(pool, Xref(pool), {}, utc_now)
    park = intake.parked_topics.park

    async def park_and_mend(position: Position, reason: str) -> None:
        await park(position, reason)
        decoder.is_mended = True
        await intake.parked_topics.resume(ACCOUNTS, ANN)

    monkeypatch.setattr(intake.parked_topics, "park", park_and_mend)
    consumer = PostgresConsumer(dsn=hub_database, group="intake", prefixes=("crm.",))
    running = asyncio.create_task(Listener(consumer, decoder, intake, SOON).run())

    async def names() -> bool:
        found = await pool.fetch("SELECT name FROM projection.client ORDER BY name")
        return [row["name"] for row in found] == ["Client 1", "Client 2", "Client 3"]

    await until(names, seconds=20)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_only_the_broken_topic_waits_and_nothing_is_lost(
    pool: asyncpg.Pool, hub_database: str
) -> None:
    """What came before the break and all other topics are applied; after the mending, the rest."""
    customer = NewRecord(
        topic=Topic(CUSTOMERS),
        key=orjson.dumps({"customer_no": "C1"}),
        value=envelope(CUSTOMERS, whole(CUSTOMERS, CUSTOMER), op="c", lsn=50),
    )
    async with asyncpg.create_pool(hub_database, min_size=1) as plain:
        log = PostgresLog(plain, partitions=1)
        await log.append([account(n) for n in (1, 2, 3)])
        await log.append([customer])
    decoder, intake = Outdated(), Intake(pool, Xref(pool), {}, utc_now)
    consumer = PostgresConsumer(dsn=hub_database, group="intake", prefixes=("crm.", "erp."))
    running = asyncio.create_task(Listener(consumer, decoder, intake, SOON).run())

    async def passed(topic: str, count: int) -> bool:
        sql = "SELECT next_offset FROM consumer_offset WHERE topic = $1"
        return bool(await pool.fetchval(sql, topic) == count)

    await until(lambda: passed(CUSTOMERS, 1), seconds=20)
    await until(lambda: passed(ACCOUNTS, 1), seconds=20)
    [parked] = await intake.parked_topics.now()
    assert (parked.position.topic, parked.position.offset) == (ACCOUNTS, 1)
    assert "no column segment" in parked.reason
    assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0

    decoder.is_mended = True
    await intake.parked_topics.resume(ACCOUNTS, ANN)
    await until(lambda: passed(ACCOUNTS, 3), seconds=20)
    names = await pool.fetchval("SELECT array_agg(name ORDER BY name) FROM projection.client")
    assert names == ["Client 1", "Client 2", "Client 3"]
    with pytest.raises(NotFound, match="is not parked"):
        await intake.parked_topics.resume(ACCOUNTS, ANN)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
