"""What Debezium wrote, into a table by its JDBC sink and into the projection by our listeners."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from bench.captures import PARTITIONS
from bench.connecting import require_running, until
from bench.invoices import RECORDS, ROUNDS, ROWS
from bench.listening import Drained
from bench.machine import cpu_seconds
from bench.member import JOINED
from cdc.capture.debezium import Connector
from cdc.log.kafka_access import KafkaAccess
from hub.embedded import Cluster
from hub.kafka.rest import ConnectApi
from schema.ids import mint
from sync.store.migrate import migrate
from sync.store.pool import connect

SINK = Path(__file__).parent / "jdbc_sink"
TASKS = LISTENERS = (1, 2)

_KNOWN_CUSTOMER = """
INSERT INTO xref (system, entity, external_id, record_id) VALUES ('billing', 'client', 'cus_1', $1)
"""
_APPLIED = "SELECT coalesce(sum(next_offset), 0)::int FROM consumer_offset"
_SINK_FIRST = "SELECT EXISTS (SELECT FROM invoices)"
_SINK_DONE = f"SELECT count(*) = {ROWS} FROM invoices WHERE version > {ROUNDS}"


async def bench_jdbc_sink(cluster: Cluster, api: ConnectApi) -> dict[int, float]:
    """Events per second of the sink in one task and in two."""
    return {tasks: await _jdbc_sink(cluster, api, tasks) for tasks in TASKS}


async def bench_listeners(cluster: Cluster, access: KafkaAccess) -> dict[int, Drained]:
    """Our listeners, one and two."""
    return {count: await _listeners(cluster, access, count) for count in LISTENERS}


def compared(theirs: Mapping[int, float], ours: Mapping[int, Drained]) -> dict[str, float]:
    """By name; each at its best is compared."""
    best = max(theirs.values())
    return {
        "kafka.schema_events_per_s": ours[1].per_s,
        "kafka.schema_cpu_us_per_event": ours[1].cpu_us,
        "kafka.schema_events_per_s_two_listeners": ours[2].per_s,
        "kafka.schema_cpu_us_per_event_two_listeners": ours[2].cpu_us,
        "kafka.jdbc_sink_events_per_s": theirs[1],
        "kafka.jdbc_sink_events_per_s_two_tasks": theirs[2],
        "kafka.vs_jdbc_sink_one_listener": ours[1].per_s / best,
        "kafka.vs_jdbc_sink": max(one.per_s for one in ours.values()) / best,
    }


async def _listeners(cluster: Cluster, access: KafkaAccess, count: int) -> Drained:
    """By so many listeners that have joined, from the first records applied to the last."""
    database = f"hub_{count}"
    cluster.create_database(database)
    pool = await connect(cluster.dsn(database))
    await migrate(pool)
    await pool.execute(_KNOWN_CUSTOMER, mint("cli", "crm", "ACC-00001"))

    arguments = access.bootstrap_servers[0], cluster.dsn(database), str(PARTITIONS // count)
    async with _joined(count, *arguments) as members:

        async def applied() -> int:
            if any(member.returncode is not None for member in members):
                raise RuntimeError("a listener has failed")
            return int(await pool.fetchval(_APPLIED))

        async def has_begun() -> bool:
            return await applied() > 0

        async def is_done() -> bool:
            return await applied() >= RECORDS

        await until("the first of our records", has_begun)
        first = await applied()
        started, cpu = time.monotonic(), sum(cpu_seconds(m.pid) for m in members)
        await until("our listeners", is_done)
        drained = Drained(
            events=RECORDS - first,
            seconds=time.monotonic() - started,
            cpu_seconds=sum(cpu_seconds(m.pid) for m in members) - cpu,
        )
    await pool.close()
    return drained


@asynccontextmanager
async def _joined(count: int, *arguments: str) -> AsyncIterator[list[Process]]:
    """Listeners in processes of their own, which begin when all have their share."""
    command = sys.executable, "-m", "bench.member", *arguments
    start = asyncio.create_subprocess_exec
    members = [await start(*command, stdin=PIPE, stdout=PIPE) for _ in range(count)]
    try:
        for member in members:
            assert member.stdout is not None
            if await member.stdout.readline() != JOINED:
                raise RuntimeError("a listener did not join")
        for member in members:
            assert member.stdin is not None
            member.stdin.write(b"\n")
        yield members
    finally:
        for member in members:
            member.kill()
            await member.wait()


async def _jdbc_sink(cluster: Cluster, api: ConnectApi, tasks: int) -> float:
    """Events per second, from the first row in its table to the last."""
    database = f"sink_{tasks}"
    cluster.create_database(database)
    server = urlsplit(cluster.dsn(database))
    config = json.loads((SINK / "connector.json").read_text()) | {
        "tasks.max": str(tasks),
        "connection.url": f"jdbc:postgresql://{server.hostname}:{server.port}/{database}",
        "connection.username": unquote(server.username or ""),
        "connection.password": unquote(server.password or ""),
    }
    await asyncio.to_thread(api.apply, Connector(name=database, config=config))
    target = await asyncpg.connect(cluster.dsn(database))

    async def says(sql: str) -> bool:
        await require_running(api, database)
        return await _answers(target, sql)

    try:
        await until("the first row of the sink", lambda: says(_SINK_FIRST))
        started = time.monotonic()
        await until("the sink", lambda: says(_SINK_DONE))
        return RECORDS / (time.monotonic() - started)
    finally:
        await target.close()
        await asyncio.to_thread(api.remove, database)


async def _answers(target: asyncpg.Connection, sql: str) -> bool:
    try:
        return bool(await target.fetchval(sql))
    except asyncpg.UndefinedTableError:  # which the sink has yet to create
        return False
