"""(h) What an event costs when the projection holds one million records of its type, and ten.

Updates of billing's invoices spread evenly over all of them, which is the hardest case: hardly a
page of the table or of an index is needed twice. An update changes amount and version, as the other
benches' do, and the records are as a listener leaves them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import asyncpg

from bench.events import TOPIC, append_all, events
from bench.listening import Drained, drain, listener_over
from cdc.log.port import NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from cdc.log.tables import LOG_TABLES
from hub.embedded import Cluster
from hub.memory import calm_collector
from schema.entities.invoice import Invoice
from sync.store.migrate import migrate
from sync.store.pool import connect
from sync.store.projection_tables import table_for

SMALL, LARGE = 1_000_000, 10_000_000
PATTERN = 12 * 997
"""So many invoices are applied by a listener, each of another project of the load.

The others are their like under other keys."""
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
_KEEP_PATTERN = f"""
CREATE TABLE pattern AS
SELECT row_number() OVER (ORDER BY billing_key) - 1 AS place, * FROM {table_for(Invoice)}
"""
_COPIED = ", ".join(
    column.name
    for column in table_for(Invoice).columns
    if column.computed is None and column.name not in ("id", "billing_key")
)
_FILL_RECORDS = f"""
INSERT INTO {table_for(Invoice)} (id, billing_key, {_COPIED})
SELECT numbered.id, numbered.key, {_COPIED}
FROM ({_NUMBERED}) AS numbered JOIN pattern ON place = n % {PATTERN}
"""


async def bench_growth(folder: Path) -> dict[str, float]:
    with Cluster.start(folder / "postgres") as cluster:
        cluster.create_database("bench")
        dsn = cluster.dsn("bench")
        pool = await connect(dsn)
        await migrate(pool, LOG_TABLES)
        calm_collector()  # as every role of the hub does
        try:
            await _applied(dsn, pool, events(range(PATTERN), "r", lsn=None))
            await pool.execute(_KEEP_PATTERN)
            await _grow(pool, PATTERN, SMALL)
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
    """An update of each record at most once."""
    numbers = random.Random(records).sample(range(records), UPDATES)
    return await _applied(dsn, pool, events(numbers, "u", lsn=1))


async def _applied(dsn: str, pool: asyncpg.Pool, records: Iterable[NewRecord]) -> Drained:
    """By a listener that remembers nothing yet."""
    async with asyncpg.create_pool(dsn) as log_pool:
        appended = await append_all(PostgresLog(log_pool), records)
    consumer = PostgresConsumer(dsn=dsn, group="bench", topics=(TOPIC,))
    listener = listener_over(consumer, pool)
    try:
        return await drain(listener, appended)
    finally:
        await listener.close()
