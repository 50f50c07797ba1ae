"""(b) From the log to the projection: events per second, and the ratio to a bare COPY-merge.

Two loads of the same table: snapshot reads of records never seen, which touch the projection
alone, and streamed updates, each of which also owes a delivery to a replica. Then the intake alone
is given the same updates again, decoded, which the fence refuses.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import starmap
from pathlib import Path
from typing import Any

import asyncpg

from bench.events import TOPIC, append_all, events, invoice_row
from bench.listening import BATCH, Drained, drain, listener_over
from bench.pacing import Watched, paced
from cdc.decode import Decoder
from cdc.listener import Listener
from cdc.log.port import LogRecord, NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from cdc.log.tables import LOG_TABLES
from hub.embedded import Cluster
from hub.memory import calm_collector
from schema.position import LogPartition, Position
from sync.clock import utc_now
from sync.connectors.billing_bindings import INVOICE
from sync.connectors.codec import decode
from sync.intake import Claim, Intake
from sync.store.migrate import migrate
from sync.store.pool import connect
from sync.xref import Xref

KEYS = 100_000


async def bench_cdc(folder: Path) -> dict[str, float]:
    with Cluster.start(folder / "postgres") as cluster:
        cluster.create_database("bench")
        dsn = cluster.dsn("bench")
        pool = await connect(dsn)
        log_pool = await asyncpg.create_pool(dsn)
        await migrate(pool, LOG_TABLES)
        log = PostgresLog(log_pool)
        consumer = Watched(PostgresConsumer(dsn=dsn, group="bench", topics=(TOPIC,)))
        listener = listener_over(consumer, pool)
        calm_collector()  # as every role of the hub does
        reads = await _load(log, listener, events(range(KEYS), "r", lsn=None))
        updates = await _load(log, listener, events(range(KEYS), "u", lsn=1))
        stale_per_s = await _stale_per_s(pool)
        bare = await _bare_copy_merge(pool)
        latencies = await paced(listener, consumer, "postgres", dsn, KEYS)
        await listener.close()
        await log_pool.close()
        await pool.close()
    return {
        "events_per_s": reads.per_s,
        "events_per_s_with_outbox": updates.per_s,
        "cpu_us_per_event": reads.cpu_us,
        "cpu_us_per_event_with_outbox": updates.cpu_us,
        "stale_rows_per_s": stale_per_s,
        "copy_rows_per_s": KEYS / bare,
        "ratio_to_copy": bare / KEYS * reads.per_s,
        "batch": BATCH,
        "envelope_bytes": len(next(iter(events(range(1), "r", lsn=None))).value or b""),
        **latencies,
    }


async def _load(log: PostgresLog, listener: Listener, records: Iterable[NewRecord]) -> Drained:
    """Append everything first, then time the listener until nothing is left."""
    return await drain(listener, await append_all(log, records))


async def _stale_per_s(pool: asyncpg.Pool) -> float:
    """Rows per second; the first batch, from which the intake learns of the replay, not counted."""
    intake = Intake(pool, Xref(pool), {}, utc_now, consumer="replay")
    [(lane, _)] = (await intake.starts_of([LogPartition(topic=TOPIC, partition=0)])).items()
    replayed = list(starmap(_record, enumerate(events(range(KEYS), "u", lsn=1))))
    decode_one = Decoder([INVOICE]).decode
    portions = [
        [change for record in replayed[start : start + BATCH] for change in decode_one(record)]
        for start in range(0, KEYS, BATCH)
    ]
    ends = [Claim(lane=lane, expected=n, next_offset=n + BATCH) for n in range(0, KEYS, BATCH)]
    await intake.apply(portions[0], ends[:1])
    started = time.monotonic()
    for portion, claim in zip(portions[1:], ends[1:], strict=True):
        await intake.apply(portion, [claim])
    return (KEYS - BATCH) / (time.monotonic() - started)


def _record(offset: int, new: NewRecord) -> LogRecord:
    return LogRecord(
        position=Position(topic=new.topic, partition=0, offset=offset),
        key=new.key,
        value=new.value,
        headers=new.headers,
        appended_at=utc_now(),
    )


async def _bare_copy_merge(pool: asyncpg.Pool) -> float:
    """The same decoded rows by the shortest way: COPY to a staging table, one upsert."""
    rows = [_plain(number) for number in range(KEYS)]
    async with pool.acquire() as connection:
        await connection.execute(
            'CREATE TABLE bare (id text COLLATE "C" PRIMARY KEY, client text, project text,'
            " entity text, description text, amount numeric(20, 6), currency text, issued_on date,"
            " due_on date, status text, pos bigint); CREATE TEMP TABLE stage (LIKE bare)"
        )
        started = time.monotonic()
        for start in range(0, KEYS, BATCH):
            async with connection.transaction():
                await connection.copy_records_to_table("stage", records=rows[start : start + BATCH])
                await connection.execute(
                    "INSERT INTO bare SELECT * FROM stage ON CONFLICT (id) DO UPDATE"
                    " SET amount = excluded.amount, pos = excluded.pos"
                    " WHERE excluded.pos > bare.pos; TRUNCATE stage"
                )
        return time.monotonic() - started


def _plain(number: int) -> tuple[Any, ...]:
    values = decode(INVOICE, invoice_row(number, 0))
    net = values["net"]
    return (
        f"inv_{number:026d}",
        None,
        f"prj_{number % 997:026d}",
        values["legal_entity_id"].external_id,
        values["description"],
        net.amount,
        net.currency,
        values["issued_on"],
        values["due_on"],
        values["draft_status"].value,
        number,
    )
