"""How current a capture is that we do not run, by the heartbeats it leaves in the log."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import orjson
from support.envelopes import record
from support.intaking import ACCOUNTS, DECODER

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.port import NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from schema.position import Topic
from sync.clock import utc_now
from sync.intake import Intake
from sync.lag import Lags
from sync.xref import Xref

HEARTBEATS = Topic("__debezium-heartbeat.crm")
APPLIED = """
INSERT INTO consumer_offset (consumer, topic, partition, next_offset, committed_at, appended_at)
VALUES ('intake', $1, 0, 1, $2, $3)
"""


def heartbeat(at: datetime) -> NewRecord:
    value = orjson.dumps({"ts_ms": int(at.timestamp() * 1000)})
    key = orjson.dumps({"serverName": "crm"})
    return NewRecord(topic=HEARTBEATS, key=key, value=value)


def near(span: timedelta, seconds: float) -> bool:
    return abs(span.total_seconds() - seconds) < 5


async def test_the_listener_hears_heartbeats(pool: asyncpg.Pool, hub_database: str) -> None:
    """The last one counts, and an older one that comes again changes nothing."""
    now = datetime.now(UTC)
    beats = [heartbeat(now - timedelta(seconds=s)) for s in (200, 100, 150)]
    async with asyncpg.create_pool(hub_database, min_size=1) as plain:
        log = PostgresLog(plain, partitions=1)
        lags = Lags(pool)
        consumer = PostgresConsumer(dsn=hub_database, group="intake", topics=(HEARTBEATS,))
        intake = Intake(pool, Xref(pool), {}, utc_now)
        pace = Pace(wait=timedelta(milliseconds=20))
        listener = Listener(consumer, Decoder([]), intake, pace, hears=lags.hear)
        for beat in beats:
            await log.append([beat])
            async with asyncio.timeout(20):
                while not await listener.step():
                    continue
        await listener.close()
    [capture] = await lags.captures()
    assert capture.system == "crm"
    assert near(capture.unseen, 100)
    assert near(capture.behind, 100)


async def test_a_busy_capture_is_as_current_as_its_last_change(pool: asyncpg.Pool) -> None:
    """Heartbeats also come while it works off what its owner committed long ago."""
    lags, now = Lags(pool), datetime.now(UTC)
    await lags.hear("crm", now - timedelta(seconds=60))
    committed, appended = now - timedelta(hours=1), now - timedelta(seconds=30)
    await pool.execute(APPLIED, ACCOUNTS, committed, appended)
    await lags.hear("crm", now - timedelta(seconds=20))
    [capture] = await lags.captures()
    assert near(capture.behind, 3600)
    assert near(capture.unseen, 20)
    await lags.hear("crm", now)
    [capture] = await lags.captures()
    assert near(capture.behind, 0)


def test_a_heartbeat_without_a_key_is_of_its_topic() -> None:
    value = orjson.dumps({"ts_ms": 1_000})
    assert DECODER.decode(record(HEARTBEATS, None, value)) == []
    heard, DECODER.heartbeats = DECODER.heartbeats, {}
    assert heard == {"crm": datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)}
