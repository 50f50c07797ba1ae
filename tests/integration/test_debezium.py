"""A real Debezium over a real Kafka: what it writes, and that it arrives in the projection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import orjson
import pytest
from support.captured_owner import ANN, Owner
from support.debezium import DEADLINE_S, captured
from support.kafka import artifacts_or_skip
from support.targets import until
from support.working import at_work

from cdc.capture.debezium import Connector, differences, password_variable
from cdc.capture.signals import Signals
from cdc.capture.table_shape import CapturedTable
from cdc.capture.transaction import transaction_topic
from cdc.capture.wal_reader import WalReader
from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from cdc.log.kafka_checks import look_at, troubles_of
from cdc.log.kafka_consumer import KafkaLogConsumer
from cdc.log.port import LogRecord, NewRecord
from cdc.transactions import Limits
from cdc.wholes import Wholes
from hub.demo.systems import create_tables
from hub.embedded import Cluster
from hub.kafka.broker import Broker
from hub.kafka.connect import Connect
from hub.kafka.rest import ConnectApi
from hub.registry import captured_tables
from schema.errors import Invalid
from schema.position import LogPartition, Topic
from schema.system import System
from sync.clock import utc_now
from sync.connectors import crm
from sync.intake import Intake
from sync.lag import Lags
from sync.resnapshots import KeyRange, Resnapshots
from sync.sweep import Sweep
from sync.xref import Xref

pytestmark = pytest.mark.kafka

LEDGER = """
CREATE DOMAIN amount AS numeric(12, 2);
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE ledger (
    id bigint PRIMARY KEY, name text, is_active boolean, revenue amount, rate numeric(9, 6),
    since date, opened time, opened_ms time(3), seen_at timestamp, seen_ms timestamp(3),
    changed_at timestamptz, tags text[], scores integer[], reference uuid, logo bytea,
    ratio double precision, small smallint, feeling mood, story text
)
"""
ROW = """
INSERT INTO ledger VALUES (
    $1, 'Ünïcode', true, 12.30, 1.250000, '2026-02-28', '08:30:00.123456', '08:30:00.123',
    '2026-01-02 03:04:05.678901', '2026-01-02 03:04:05.678', '2026-01-02 03:04:05.6789+02',
    '{a,NULL,"b c"}', '{1,2}', '0197c0de-0000-7000-8000-000000000001', '\\x00ff', 0.1, 7, 'good',
    $2
)
"""
GHOST = """
WITH one AS (
    INSERT INTO projection.client (id, name, crm_key, crm_partition, crm_offset, crm_epoch)
    VALUES ('cli_ghost', 'Ghost', 'ACC-00007', 0, 0, 1) RETURNING id)
INSERT INTO xref (system, entity, external_id, record_id)
SELECT 'crm', 'client', 'ACC-00007', id FROM one
"""
OPPORTUNITY = """
INSERT INTO opportunities
    (id, account_id, title, amount, currency, starts_on, owner_email, entity_code)
VALUES ('OPP-90001', 'ACC-90001', '0', 1, 'EUR', '2026-01-01', 'a@b.test', 'NL01')
"""
TOGETHER = """
SELECT (SELECT name FROM projection.client WHERE crm_key = 'ACC-90001') AS client,
    (SELECT name FROM projection.engagement WHERE crm_key = 'OPP-90001') AS engagement
"""
FIRST = " WHERE id = 'ACC-00001'"
NULLS = "INSERT INTO ledger (id) VALUES (3)"
CHANGES = (
    "UPDATE ledger SET name = 'changed' WHERE id = 1",
    "UPDATE ledger SET revenue = NULL, tags = '{}' WHERE id = 2",
    "UPDATE ledger SET id = 9 WHERE id = 3",
    "DELETE FROM ledger WHERE id = 2",
    "TRUNCATE ledger",
)


@pytest.fixture(scope="session")
def worker(
    broker: Broker, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connect]:
    password = urlsplit(cluster.dsn()).password or ""
    secrets = {password_variable(system): password for system in ("crm", "ledger")}
    folder = tmp_path_factory.mktemp("connect")
    running = Connect(artifacts_or_skip(), folder, broker.address, secrets)
    yield running
    running.stop()


@pytest.fixture
def access(broker: Broker) -> KafkaAccess:
    return KafkaAccess(bootstrap_servers=(broker.address,))


@pytest.fixture
async def owner(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def test_it_writes_what_our_own_reader_writes(
    owner: asyncpg.Connection, database: str, worker: Connect, access: KafkaAccess
) -> None:
    """Snapshot and stream, every type and kind of change: an owner may go from one to the other."""
    await owner.execute(LEDGER)
    await owner.execute(ROW, 1, "short")
    tables = (CapturedTable(schema="public", name="ledger"),)
    ours = Collected()
    reader = WalReader(
        system="ledger", dsn=database, tables=tables, log=ours, slot="ours", publication="ours"
    )
    async with at_work(reader.run), captured(worker, "ledger", database, tables):
        await until(lambda: ours.reach(1), seconds=DEADLINE_S)
        long = "".join(chr(65 + n * n % 57) for n in range(90_000))
        await owner.execute(ROW, 2, long)
        for statement in (NULLS, *CHANGES):
            await owner.execute(statement)
        await until(lambda: ours.reach(11), seconds=DEADLINE_S)
        theirs = await read(access, Topic("ledger.public.ledger"), len(ours.records))
    assert len(theirs) == len(ours.records)
    for their, our in zip(theirs, ours.records, strict=True):
        assert essence(their) == essence(our)


async def test_a_row_reaches_the_projection(
    owner: asyncpg.Connection,
    database: str,
    worker: Connect,
    access: KafkaAccess,
    pool: asyncpg.Pool,
) -> None:
    """What the CRM's own database does is what the graph answers: made, changed, deleted."""
    await create_tables("crm", owner)
    await owner.execute(account("ACC-00001", "Before the capture"))
    tables = captured_tables([crm.CLIENT])
    async with (
        captured(worker, "crm", database, tables) as connector,
    ):

        async def is_named(*names: str) -> bool:
            sql = "SELECT name FROM projection.client WHERE crm_deleted_at IS NULL ORDER BY name"
            return [row["name"] for row in await pool.fetch(sql)] == list(names)

        async with listening(pool, access, tables):
            await until(lambda: is_named("Before the capture"), seconds=DEADLINE_S)
            await owner.execute(account("ACC-00002", "New"))
            await owner.execute(
                "UPDATE accounts SET account_name = 'Changed' WHERE id = 'ACC-00001'"
            )
            await until(lambda: is_named("Changed", "New"), seconds=DEADLINE_S)
            await owner.execute("DELETE FROM accounts" + FIRST)
            await until(lambda: is_named("New"), seconds=DEADLINE_S)
        assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0
        topics = [Topic(f"crm.{table}") for table in tables]
        facts = await asyncio.to_thread(look_at, access, topics)
        assert list(troubles_of(facts, ["crm"], timedelta(days=3))) == []
        short = troubles_of(facts, ["crm"], timedelta(days=30))
        assert {trouble.name for trouble in short} == {"short_retention"}
        with ConnectApi(worker.url) as api:
            assert differences(connector, api.config(connector.name) or {}) == []


async def test_a_range_is_read_again_by_a_signal(
    owner: asyncpg.Connection,
    database: str,
    worker: Connect,
    access: KafkaAccess,
    pool: asyncpg.Pool,
) -> None:
    """Drift inside the range is healed, and what Debezium never told to be deleted is deleted."""
    await create_tables("crm", owner)
    for number in (1, 2, 3):
        await owner.execute(account(f"ACC-0000{number}", f"Client {number}"))
    tables = captured_tables([crm.CLIENT])
    async with (
        asyncpg.create_pool(database, min_size=1) as accounts,
        captured(worker, "crm", database, tables, run="-range"),
    ):
        log = KafkaLog(access)
        topics = [Topic(f"crm.{table}") for table in tables]
        resnapshots = Resnapshots(pool, partial(log.ends, topics))
        intake = Intake(pool, Xref(pool), {System.CRM: Owner(accounts)}, utc_now)
        sweep = Sweep(pool, intake, {System.CRM: Owner(accounts)}, resnapshots, utc_now)
        signals = Signals(
            system="crm",
            dsn=database,
            resnapshots=resnapshots,
            unseen=sweep.unseen,
            quiet=timedelta(seconds=10),
        )

        async def names() -> list[str]:
            sql = "SELECT name FROM projection.client WHERE crm_deleted_at IS NULL ORDER BY id"
            return sorted(row["name"] for row in await pool.fetch(sql))

        async def are(*wanted: str) -> bool:
            return await names() == list(wanted)

        async with listening(pool, access, tables), at_work(signals.run, sweep.run):
            await until(lambda: are("Client 1", "Client 2", "Client 3"), seconds=DEADLINE_S)
            await pool.execute("UPDATE projection.client SET name = 'drift'")
            await pool.execute(GHOST)
            keys = KeyRange(low="ACC-00002", high="ACC-00009")
            [number] = await resnapshots.ask("crm", ["public.accounts"], keys, ANN)

            async def is_done() -> bool:
                known = await resnapshots.known(number)
                assert known.failure is None
                return known.state == "done"

            await until(is_done, seconds=DEADLINE_S)
            assert await names() == ["Client 2", "Client 3", "drift"]
        assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0
        await log.close()


async def test_a_transaction_is_seen_as_a_whole_and_the_capture_is_heard_of(
    owner: asyncpg.Connection,
    database: str,
    worker: Connect,
    access: KafkaAccess,
    pool: asyncpg.Pool,
) -> None:
    """Two tables change together, and no reader sees one of them alone; heartbeats tell of it."""
    await create_tables("crm", owner)
    tables = captured_tables([crm.CLIENT, crm.ENGAGEMENT])
    topics = [*(Topic(f"crm.{table}") for table in tables), transaction_topic("crm")]
    log = KafkaLog(access, partitions=1)
    await log.make(topics)
    seen: set[tuple[Any, Any]] = set()
    async with (
        captured(worker, "crm", database, tables, run="-whole"),
    ):
        lags = Lags(pool)
        patient = Limits(patience=timedelta(seconds=20))
        wholes = Wholes({"crm"}, lambda: log.ends(topics), lags.note_torn, patient)
        consumer = KafkaLogConsumer(
            access=access, group="wholes", topics=(*topics, Topic("__debezium-heartbeat.crm"))
        )
        decoder, intake = (
            Decoder([crm.CLIENT, crm.ENGAGEMENT]),
            Intake(pool, Xref(pool), {}, utc_now),
        )
        pace = Pace(batch=1, wait=timedelta(milliseconds=100))
        listener = Listener(consumer, decoder, intake, pace, wholes, lags.hear)

        async def is_seen(number: int) -> bool:
            await listener.step()
            seen.add(tuple(await pool.fetchrow(TOGETHER)))
            return (f"{number}", f"{number}") in seen

        async def tells_ends() -> bool:
            await listener.step()
            return wholes.has(LogPartition(topic=topics[0], partition=0))

        try:
            await until(tells_ends, seconds=DEADLINE_S)
            async with owner.transaction():
                await owner.execute(account("ACC-90001", "0"))
                await owner.execute(OPPORTUNITY)
            await until(lambda: is_seen(0), seconds=DEADLINE_S)
            for number in range(1, 6):
                async with owner.transaction():
                    await owner.execute("UPDATE accounts SET account_name = $1", f"{number}")
                    await owner.execute("UPDATE opportunities SET title = $1", f"{number}")
            await until(lambda: is_seen(5), seconds=DEADLINE_S)

            async def is_heard_of() -> bool:
                await listener.step()
                return bool(await lags.captures())

            await until(is_heard_of, seconds=DEADLINE_S)
        finally:
            await listener.close()
            await log.close()
        assert [pair for pair in seen if pair[0] != pair[1]] == []
        assert len(seen) > 1
        assert await lags.torn() == []
        [capture] = await lags.captures()
        assert capture.unseen < timedelta(seconds=60)


async def test_what_connect_refuses_is_told_in_its_words(worker: Connect) -> None:
    """A connector that cannot be is an error of ours, not something to wait for."""
    with ConnectApi(worker.url) as api:
        with pytest.raises(Invalid, match="Kafka Connect refuses"):
            api.apply(Connector(name="broken", config={"connector.class": "no.such.Class"}))
        assert api.config("broken") is None


class Collected:
    """A log in memory."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []

    async def append(self, records: Sequence[NewRecord]) -> None:
        self.records += records

    async def reach(self, count: int) -> bool:
        return len(self.records) >= count


@asynccontextmanager
async def listening(
    pool: asyncpg.Pool, access: KafkaAccess, tables: Sequence[CapturedTable]
) -> AsyncIterator[None]:
    topics = tuple(Topic(f"crm.{table}") for table in tables)
    consumer = KafkaLogConsumer(access=access, group="intake", topics=topics)
    intake = Intake(pool, Xref(pool), {}, utc_now)
    pace = Pace(wait=timedelta(milliseconds=200))
    async with at_work(Listener(consumer, Decoder([crm.CLIENT]), intake, pace).run):
        yield


async def read(access: KafkaAccess, topic: Topic, count: int) -> list[LogRecord]:
    consumer = KafkaLogConsumer(access=access, group=f"test-{topic}", topics=(topic,))
    records: list[LogRecord] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            while len(records) < count:
                records += await consumer.poll(100, timedelta(milliseconds=200))
    finally:
        await consumer.close()
    return records


def account(key: str, name: str) -> str:
    columns = "id, account_name, segment, owner_email, billing_country"
    return f"INSERT INTO accounts ({columns}) VALUES ('{key}', '{name}', 'SMB', 'a@b.test', 'NL')"


def essence(record: NewRecord | LogRecord) -> tuple[Any, ...]:
    """What a consumer may rely on: of the row before a delete that is the key alone."""
    key = record.key and orjson.loads(record.key)
    headers = {name: orjson.loads(raw) for name, raw in record.headers.items()}
    if record.value is None:
        return key, headers, None
    told = orjson.loads(record.value)
    before = told["before"] and {name: told["before"][name] for name in key}
    source = {name: told["source"][name] for name in ("name", "schema", "table", "origin")}
    return key, headers, told["op"], before, _in_instants(told["after"]), source


def _in_instants(row: dict[str, Any] | None) -> dict[str, Any] | None:
    """One of them writes the zeros at the end of a second's fraction, the other does not."""
    if row is None or row["changed_at"] is None:
        return row
    return {**row, "changed_at": datetime.fromisoformat(row["changed_at"])}
