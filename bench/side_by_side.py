"""Beside Debezium, in one run: its capture and ours, its JDBC sink and our intake.

The same 200,000 updates of billing's invoices are captured by both, one after the other: Debezium
into Kafka, our reader into the log in Postgres. What Debezium wrote, JSON with schemas, is then
applied by both, one after the other, each into a database of its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from bench.brokered import STATE, brokered, consumer_of, end_of
from bench.events import TOPIC
from bench.kafka import ALONE
from bench.listening import drain, listener_over
from bench.machine import child_named, cpu_seconds
from cdc.capture.debezium import (
    Connector,
    TopicPlan,
    connector_of,
    password_variable,
    prepare_owner,
)
from cdc.capture.table_shape import CapturedTable
from cdc.capture.wal_reader import WalReader
from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from cdc.log.postgres import PostgresLog
from cdc.log.tables import LOG_TABLES
from hub.demo.systems import create_tables
from hub.embedded import Cluster
from hub.kafka.artifacts import Artifacts, prepare_artifacts
from hub.kafka.connect import Connect
from hub.kafka.rest import ConnectApi
from hub.memory import calm_collector
from schema.ids import mint
from sync.store.migrate import migrate
from sync.store.pool import connect

SINK = Path(__file__).parent / "jdbc_sink"
TABLES = (CapturedTable(schema="public", name="invoices"),)
ROWS = 8_000
ROUNDS = 10
UPDATES = ROWS * ROUNDS
LONGEST_S = 300

_FILL = f"""
INSERT INTO customers (id, crm_account, currency) VALUES ('cus_1', 'ACC-00001', 'EUR');
INSERT INTO invoices (id, customer, project_code, entity_code, currency, amount_net, status,
    issued_on, due_on, description)
SELECT 'in_' || lpad(n::text, 6, '0'), 'cus_1', 'P-2601-' || lpad((n % 997)::text, 3, '0'),
    'NL01', 'EUR', 1000 + n % 9000, 'draft', DATE '2026-09-01', DATE '2026-10-01',
    'Consulting services'
FROM generate_series(1, {ROWS}) AS n
"""
_KNOWN_CUSTOMER = """
INSERT INTO xref (system, entity, external_id, record_id) VALUES ('billing', 'client', 'cus_1', $1)
"""
_UPDATE = "UPDATE invoices SET amount_net = amount_net + 1, version = version + 1"
_APPENDED = "SELECT sum(next_offset)::int FROM log_partition"
_SINK_FIRST = "SELECT EXISTS (SELECT FROM invoices)"
_SINK_DONE = f"SELECT count(*) = {ROWS} FROM invoices WHERE version > {ROUNDS}"


async def bench_beside(folder: Path) -> dict[str, float]:
    with (
        Cluster.start(folder / "postgres") as cluster,
        brokered(folder / "kafka") as (artifacts, access),
    ):
        for database in ("billing", "log", "hub", "sink"):
            cluster.create_database(database)
        owner = await asyncpg.connect(cluster.dsn("billing"))
        await create_tables("billing", owner)
        await owner.execute(_FILL)
        password = unquote(urlsplit(cluster.dsn()).password or "")
        connect_worker = Connect(
            with_sink(artifacts, folder / "plugins"),
            folder / "connect",
            access.bootstrap_servers[0],
            {password_variable("billing"): password},
        )
        log = KafkaLog(access)
        try:
            with ConnectApi(connect_worker.url) as api:
                captured = await _captures(cluster, owner, api, log)
                return captured | await _sinks(cluster, api, access)
        finally:
            await log.close()
            connect_worker.stop()
            await owner.close()


def with_sink(artifacts: Artifacts, folder: Path) -> Artifacts:
    """The artifacts with the JDBC sink among the connectors."""
    sink = prepare_artifacts(STATE, print, SINK / "pom.xml")
    (folder / "plugins").mkdir(parents=True)
    (folder / "lib").symlink_to(artifacts.folder / "lib")
    for plugin in (*artifacts.plugins.iterdir(), *sink.plugins.iterdir()):
        (folder / "plugins" / plugin.name).symlink_to(plugin)
    return replace(artifacts, folder=folder)


async def _captures(
    cluster: Cluster, owner: asyncpg.Connection, api: ConnectApi, log: KafkaLog
) -> dict[str, float]:
    """Both have read the table and wait; the updates are made; each captures them alone."""
    dsn = cluster.dsn("billing")
    name = await _follow(api, dsn)
    await asyncio.to_thread(api.pause, name)
    async with asyncpg.create_pool(cluster.dsn("log")) as pool, pool.acquire() as connection:
        await connection.execute(LOG_TABLES)
        reader = WalReader(
            system="billing",
            dsn=dsn,
            tables=TABLES,
            log=PostgresLog(pool),
            slot="ours",
            publication="ours",
        )

        async def ours_end() -> int:
            return await connection.fetchval(_APPENDED) or 0

        await _run_until(reader, ours_end, ROWS)
        for _ in range(ROUNDS):
            await owner.execute(_UPDATE)
        started, cpu = time.monotonic(), time.process_time()
        await _run_until(reader, ours_end, ROWS + UPDATES)
        ours = UPDATES / (time.process_time() - cpu), UPDATES / (time.monotonic() - started)
    theirs = await _debezium_captures(api, name, log)
    return {
        "capture.events_per_s": ours[1],
        "capture.events_per_cpu_s": ours[0],
        "capture.debezium_events_per_s": theirs[1],
        "capture.debezium_events_per_cpu_s": theirs[0],
        "capture.vs_debezium_cpu": ours[0] / theirs[0],
    }


async def _follow(api: ConnectApi, dsn: str) -> str:
    """The connector we recommend, with schemas, once it has read the table."""
    await prepare_owner(dsn, TABLES)
    plan = TopicPlan(partitions=1, retention_ms=24 * 3_600_000)
    made = connector_of("billing", dsn, TABLES, plan)
    schemas = {f"{part}.converter.schemas.enable": "true" for part in ("key", "value")}
    await asyncio.to_thread(api.apply, replace(made, config={**made.config, **schemas}))
    await _until("the snapshot", lambda: asyncio.to_thread(api.is_following, made.name))
    return made.name


async def _debezium_captures(api: ConnectApi, name: str, log: KafkaLog) -> tuple[float, float]:
    """Events per CPU second of Connect, whose JVM is warm, and events per second."""
    pid = child_named("ConnectStandalone")
    started, cpu = time.monotonic(), cpu_seconds(pid)
    await asyncio.to_thread(api.resume, name)

    async def is_done() -> bool:
        await _require_running(api, name)
        return await end_of(log, [TOPIC]) >= ROWS + UPDATES

    await _until("capture by Debezium", is_done)
    return UPDATES / (cpu_seconds(pid) - cpu), UPDATES / (time.monotonic() - started)


async def _sinks(cluster: Cluster, api: ConnectApi, access: KafkaAccess) -> dict[str, float]:
    """What Debezium wrote, into a table by its own sink and into the projection by us."""
    theirs = await _jdbc_sink(cluster, api)
    pool = await connect(cluster.dsn("hub"))
    await migrate(pool)
    await pool.execute(_KNOWN_CUSTOMER, mint("cli", "crm", "ACC-00001"))
    calm_collector()  # as every role of the hub does
    listener = listener_over(consumer_of(access, TOPIC, "bench"), pool, ALONE)
    try:
        ours = await drain(listener, ROWS + UPDATES)
    finally:
        await listener.close()
        await pool.close()
    return {
        "kafka.schema_events_per_s": ours.per_s,
        "kafka.schema_cpu_us_per_event": ours.cpu_us,
        "kafka.jdbc_sink_events_per_s": theirs,
        "kafka.vs_jdbc_sink": ours.per_s / theirs,
    }


async def _jdbc_sink(cluster: Cluster, api: ConnectApi) -> float:
    """Events per second, from the first row in its table to the last."""
    server = urlsplit(cluster.dsn("sink"))
    config = json.loads((SINK / "connector.json").read_text()) | {
        "connection.url": f"jdbc:postgresql://{server.hostname}:{server.port}/sink",
        "connection.username": unquote(server.username or ""),
        "connection.password": unquote(server.password or ""),
    }
    await asyncio.to_thread(api.apply, Connector(name="sink", config=config))
    target = await asyncpg.connect(cluster.dsn("sink"))

    async def says(sql: str) -> bool:
        await _require_running(api, "sink")
        return await _answers(target, sql)

    try:
        await _until("the first row of the sink", lambda: says(_SINK_FIRST))
        started = time.monotonic()
        await _until("the sink", lambda: says(_SINK_DONE))
        return (ROWS + UPDATES) / (time.monotonic() - started)
    finally:
        await target.close()
        await asyncio.to_thread(api.remove, "sink")


async def _require_running(api: ConnectApi, name: str) -> None:
    if (why := await asyncio.to_thread(api.failure, name)) is not None:
        raise RuntimeError(f"{name} has failed: {why}")


async def _answers(target: asyncpg.Connection, sql: str) -> bool:
    try:
        return bool(await target.fetchval(sql))
    except asyncpg.UndefinedTableError:  # which the sink has yet to create
        return False


async def _run_until(reader: WalReader, end: Callable[[], Awaitable[int]], records: int) -> None:
    running = asyncio.create_task(reader.run())

    async def is_done() -> bool:
        if running.done():
            running.result()  # raises what ended it
        return await end() >= records

    try:
        await _until("our capture", is_done)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def _until(what: str, is_done: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not await is_done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} not done after {LONGEST_S} s")
        await asyncio.sleep(0.1)
