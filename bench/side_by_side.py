"""Beside Debezium, in one run: its capture and ours, its JDBC sink and our listeners.

The same updates of billing's invoices are captured by both, one after the other: Debezium into
Kafka, our reader into the log in Postgres. What Debezium wrote, JSON with schemas, is then applied
by both, one after the other, each into a database of its own.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from bench.brokered import STATE, brokered
from bench.captures import compare_captures
from bench.invoices import fill_invoices
from bench.sinks import SINK, bench_jdbc_sink, bench_listeners, compared
from cdc.capture.debezium import password_variable
from cdc.log.kafka import KafkaLog
from hub.demo.systems import create_tables
from hub.embedded import Cluster
from hub.kafka.artifacts import Artifacts, prepare_artifacts
from hub.kafka.connect import Connect
from hub.kafka.rest import ConnectApi


async def bench_beside(folder: Path) -> dict[str, float]:
    with (
        Cluster.start(folder / "postgres") as cluster,
        brokered(folder / "kafka") as (artifacts, access),
    ):
        cluster.create_database("billing")
        owner = await asyncpg.connect(cluster.dsn("billing"))
        await create_tables("billing", owner)
        await fill_invoices(owner)
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
                captured = await compare_captures(cluster, owner, api, log)
                theirs = await bench_jdbc_sink(cluster, api)
            connect_worker.stop()  # nothing of ours runs there
            return captured | compared(theirs, await bench_listeners(cluster, access))
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
