"""From a real Kafka to the projection: bare JSON without context headers, a topic of four lanes.

Billing's invoices again: records never seen; updates that nobody is owed a copy of; updates that
owe a delivery each; the same once more, which is stale; and a steady rate, from append to commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import asyncpg

from bench.brokered import brokered, consumer_of
from bench.events import TOPIC, append_all, events
from bench.listening import Drained, drain, listener_over
from bench.pacing import Watched, paced
from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from cdc.log.port import NewRecord
from hub.embedded import Cluster
from hub.memory import calm_collector
from schema.system import System
from sync.connectors.binding import Binding
from sync.connectors.erp_bindings import LEGAL_ENTITY
from sync.connectors.ports import Reads, RowQuery, Rows
from sync.store.migrate import migrate
from sync.store.pool import connect

KEYS = 100_000
GROUP = "bench"


class _ElsewhereLedger:
    """An ERP that holds no copy of an invoice: an update of one owes it nothing."""

    system = System.ERP
    bindings: tuple[Binding, ...] = (LEGAL_ENTITY,)

    async def fetch(self, query: RowQuery) -> Rows:
        raise NotImplementedError(f"nothing is read back here, not even {query}")

    async def close(self) -> None:
        """It holds nothing."""


ALONE: Mapping[System, Reads] = {System.ERP: _ElsewhereLedger()}


async def bench_kafka(folder: Path) -> dict[str, float]:
    with Cluster.start(folder / "postgres") as cluster, brokered(folder / "kafka") as (_, access):
        cluster.create_database("bench")
        pool = await connect(cluster.dsn("bench"))
        await migrate(pool)
        calm_collector()  # as every role of the hub does
        log = KafkaLog(access)
        try:
            return await _figures(access, log, pool)
        finally:
            await log.close()
            await pool.close()


async def _figures(access: KafkaAccess, log: KafkaLog, pool: asyncpg.Pool) -> dict[str, float]:
    reads = await _load(access, log, pool, events(range(KEYS), "r", lsn=None))
    alone = await _load(access, log, pool, events(range(KEYS), "u", lsn=1), ALONE)
    owing = await _load(access, log, pool, events(range(KEYS), "u", lsn=2))
    stale = await _load(access, log, pool, events(range(KEYS), "u", lsn=2))
    latencies = await _paced(access, pool)
    return {
        "first_reads_per_s": reads.per_s,
        "events_per_s": alone.per_s,
        "cpu_us_per_event": alone.cpu_us,
        "events_per_s_with_outbox": owing.per_s,
        "cpu_us_per_event_with_outbox": owing.cpu_us,
        "stale_per_s": stale.per_s,
        **latencies,
    }


async def _load(
    access: KafkaAccess,
    log: KafkaLog,
    pool: asyncpg.Pool,
    records: Iterable[NewRecord],
    connectors: Mapping[System, Reads] | None = None,
) -> Drained:
    """Append everything first, then let one listener apply it."""
    appended = await append_all(log, records)
    listener = listener_over(consumer_of(access, TOPIC, GROUP), pool, connectors)
    try:
        return await drain(listener, appended)
    finally:
        await listener.close()


async def _paced(access: KafkaAccess, pool: asyncpg.Pool) -> dict[str, float]:
    await pool.execute("CHECKPOINT")  # what the loads left to be written is not this one's
    watched = Watched(consumer_of(access, TOPIC, GROUP))
    listener = listener_over(watched, pool)
    try:
        await listener.step()  # it joins; there is nothing yet
        return await paced(listener, watched, "kafka", access.bootstrap_servers[0], KEYS)
    finally:
        await listener.close()
