"""The same updates captured by Debezium into Kafka and by our reader into the log in Postgres."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import asyncpg

from bench.brokered import end_of
from bench.connecting import require_running, until
from bench.events import TOPIC
from bench.invoices import RECORDS, ROWS, UPDATES, update_invoices
from bench.machine import child_named, cpu_seconds
from cdc.capture.debezium import TopicPlan, connector_of, prepare_owner
from cdc.capture.table_shape import CapturedTable
from cdc.capture.wal_reader import WalReader
from cdc.log.kafka import KafkaLog
from cdc.log.postgres import PostgresLog
from cdc.log.tables import LOG_TABLES
from hub.embedded import Cluster
from hub.kafka.rest import ConnectApi

TABLES = (CapturedTable(schema="public", name="invoices"),)
PARTITIONS = 4

_APPENDED = "SELECT sum(next_offset)::int FROM log_partition"


async def compare_captures(
    cluster: Cluster, owner: asyncpg.Connection, api: ConnectApi, log: KafkaLog
) -> dict[str, float]:
    """Both have read the table and wait; the updates are made; each captures them alone.

    Debezium's connector is gone afterwards: what it wrote is there, and nothing is left to capture.
    """
    cluster.create_database("log")
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
        await update_invoices(owner)
        started, cpu = time.monotonic(), time.process_time()
        await _run_until(reader, ours_end, RECORDS)
        ours = UPDATES / (time.process_time() - cpu), UPDATES / (time.monotonic() - started)
    theirs = await _debezium_captures(api, name, log)
    await asyncio.to_thread(api.remove, name)
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
    plan = TopicPlan(partitions=PARTITIONS, retention_ms=24 * 3_600_000)
    made = connector_of("billing", dsn, TABLES, plan)
    schemas = {f"{part}.converter.schemas.enable": "true" for part in ("key", "value")}
    await asyncio.to_thread(api.apply, replace(made, config={**made.config, **schemas}))
    await until("the snapshot", lambda: asyncio.to_thread(api.is_following, made.name))
    return made.name


async def _debezium_captures(api: ConnectApi, name: str, log: KafkaLog) -> tuple[float, float]:
    """Events per CPU second of Connect, whose JVM is warm, and events per second."""
    pid = child_named("ConnectStandalone")
    started, cpu = time.monotonic(), cpu_seconds(pid)
    await asyncio.to_thread(api.resume, name)

    async def is_done() -> bool:
        await require_running(api, name)
        return await end_of(log, [TOPIC]) >= RECORDS

    await until("capture by Debezium", is_done)
    return UPDATES / (cpu_seconds(pid) - cpu), UPDATES / (time.monotonic() - started)


async def _run_until(reader: WalReader, end: Callable[[], Awaitable[int]], records: int) -> None:
    running = asyncio.create_task(reader.run())

    async def is_done() -> bool:
        if running.done():
            running.result()  # raises what ended it
        return await end() >= records

    try:
        await until("our capture", is_done)
    finally:
        running.cancel()
        await asyncio.wait([running])
