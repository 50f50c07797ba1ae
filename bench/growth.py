"""(h) What an event costs when the projection holds one million records of its type, and ten.

Updates of billing's invoices spread evenly over all of them, which is the hardest case: hardly a
page of the table or of an index is needed twice.
"""

from __future__ import annotations

import random
from pathlib import Path

import asyncpg

from bench.events import TOPIC, append_all, events
from bench.listening import Drained, drain, listener_over
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from cdc.log.tables import LOG_TABLES
from hub.embedded import Cluster
from hub.memory import calm_collector
from sync.store.migrate import migrate
from sync.store.pool import connect

SMALL, LARGE = 1_000_000, 10_000_000
UPDATES = 60_000
_FILL_S = 1_800

_NUMBERED = """
SELECT n, 'in_' || lpad(n::text, greatest(6, length(n::text)), '0') AS key,
    'inv_' || left(md5(n::text), 26) AS id
FROM generate_series($1::int, $2::int - 1) AS n
"""
_FILL_LINKS = f"""
INSERT INTO xref (system, entity, external_id, record_id)
SELECT 'billing', 'invoice', key, id FROM ({_NUMBERED}) AS numbered
"""
_FILL_RECORDS = f"""
INSERT INTO projection.invoice (id, project_id, legal_entity_id, currency, description,
    net_amount, net_currency, issued_on, due_on, draft_status, billing_key, billing_version,
    billing_as_of, billing_partition, billing_offset, billing_epoch)
SELECT id, 'prj_' || left(md5((n % 997)::text), 26), 'ent_' || left(md5((n % 3)::text), 26),
    'EUR', 'Consulting services', 1000 + n % 9000, 'EUR', '2026-09-01', '2026-10-01', 'draft',
    key, 1, now(), 0, 0, 1
FROM ({_NUMBERED}) AS numbered
"""


async def bench_growth(folder: Path) -> dict[str, float]:
    with Cluster.start(folder / "postgres") as cluster:
        cluster.create_database("bench")
        dsn = cluster.dsn("bench")
        pool = await connect(dsn)
        await migrate(pool, LOG_TABLES)
        calm_collector()  # as every role of the hub does
        try:
            await _grow(pool, 0, SMALL)
            small = await _updated(dsn, pool, SMALL)
            await _grow(pool, SMALL, LARGE)
            large = await _updated(dsn, pool, LARGE)
        finally:
            await pool.close()
    return {
        "events_per_s_1m": small.per_s,
        "events_per_s_10m": large.per_s,
        "cost_10m_vs_1m": small.per_s / large.per_s,
    }


async def _grow(pool: asyncpg.Pool, start: int, end: int) -> None:
    for fill in (_FILL_LINKS, _FILL_RECORDS):
        await pool.execute(fill, start, end, timeout=_FILL_S)
    for after in ("VACUUM (ANALYZE) xref, projection.invoice", "CHECKPOINT"):
        await pool.execute(after, timeout=_FILL_S)


async def _updated(dsn: str, pool: asyncpg.Pool, records: int) -> Drained:
    """By a listener that remembers nothing yet; an update of each record at most once."""
    async with asyncpg.create_pool(dsn) as log_pool:
        numbers = random.Random(records).sample(range(records), UPDATES)
        appended = await append_all(PostgresLog(log_pool), events(numbers, "u", lsn=1))
    consumer = PostgresConsumer(dsn=dsn, group="bench", topics=(TOPIC,))
    listener = listener_over(consumer, pool)
    try:
        return await drain(listener, appended)
    finally:
        await listener.close()
