"""The log in a Postgres database: appending and retention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import asyncpg
import structlog

from cdc.log.headers import encode_headers
from cdc.log.outage import outage_of
from cdc.log.partitioner import partition_of
from cdc.log.port import NewRecord, Told
from cdc.log.seen import REMEMBER
from schema.position import LogPartition, Topic
from sync.lag import Backlog

_log = structlog.get_logger()

_COUNT_PARTITIONS = """
SELECT topic, count(*) AS partitions FROM log_partition WHERE topic = ANY($1) GROUP BY topic
"""

# One creator at a time, so that the first one decides how many partitions a topic has.
_LOCK_CREATION = "SELECT pg_advisory_xact_lock(hashtextextended('log_partition', 0))"

_CREATE_TOPICS = """
INSERT INTO log_partition (topic, partition)
SELECT wanted.topic, partition
FROM unnest($1::text[]) AS wanted (topic), generate_series(0, $2 - 1) AS partition
WHERE NOT EXISTS (SELECT FROM log_partition AS known WHERE known.topic = wanted.topic)
"""

# Sorted, so that two appenders never wait for each other in a circle.
_LOCK_PARTITIONS = """
SELECT topic, partition, next_offset
FROM log_partition JOIN unnest($1::text[], $2::integer[]) AS lane (topic, partition)
    USING (topic, partition)
ORDER BY topic, partition FOR UPDATE OF log_partition
"""

_ADVANCE_PARTITIONS = """
WITH advanced AS (
    UPDATE log_partition SET next_offset = next_offset + lane.appended
    FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS lane (topic, partition, appended)
    WHERE log_partition.topic = lane.topic AND log_partition.partition = lane.partition
)
SELECT pg_notify('log_record', '')
"""

_COLUMNS = ("topic", "partition", "offset", "key", "value", "headers")

_TRIM = """
WITH trimmed AS (
    DELETE FROM log_record WHERE appended_at < now() - $1::interval
    RETURNING topic, partition, "offset"
)
SELECT topic, partition, count(*) AS records, max("offset") + 1 AS next_offset
FROM trimmed GROUP BY topic, partition
"""

_BACKLOG = """
SELECT lane.topic, sum(lane.next_offset - coalesce(read.next_offset, 0))::bigint AS records,
    min(oldest.appended_at) AS oldest_at
FROM log_partition AS lane
LEFT JOIN log_group_offset AS read
    ON (read.group_name, read.topic, read.partition) = ($1, lane.topic, lane.partition)
LEFT JOIN LATERAL (
    SELECT appended_at FROM log_record
    WHERE topic = lane.topic AND partition = lane.partition
        AND "offset" >= coalesce(read.next_offset, 0)
    ORDER BY "offset" LIMIT 1
) AS oldest ON true
WHERE lane.next_offset > coalesce(read.next_offset, 0)
GROUP BY lane.topic ORDER BY lane.topic
"""

_SELECT_ENDS = "SELECT topic, partition, next_offset FROM log_partition"

# Where nothing is left, the next record will be the first.
_SELECT_FIRSTS = """
SELECT topic, partition, coalesce((
    SELECT min("offset") FROM log_record AS record
    WHERE (record.topic, record.partition) = (lane.topic, lane.partition)
), next_offset)
FROM log_partition AS lane
"""

_SELECT_UNREAD = """
SELECT group_name, topic, partition, read.next_offset AS wanted, lane.next_offset AS oldest
FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS lane (topic, partition, next_offset)
JOIN log_group_offset AS read USING (topic, partition)
WHERE read.next_offset < lane.next_offset
"""


class PostgresLog:
    """Appends under the row lock of each partition, held until commit.

    So offsets have no gaps and rise in commit order: a reader that has seen an offset will never
    see a lower one appear. A topic that nobody made is created by its first record.
    """

    def __init__(self, pool: asyncpg.Pool, *, partitions: int = 4) -> None:
        self._pool = pool
        self._default_partitions = partitions
        self._partitions: dict[Topic, int] = {}

    async def append(self, records: Sequence[NewRecord]) -> None:
        """Append all records or none; raises `Unavailable` while the database does not answer."""
        if not records:
            return
        with outage_of("the log"):
            async with self._pool.acquire() as connection:
                await self._create_unknown({record.topic for record in records}, connection)
                async with connection.transaction():
                    await self._append(self._by_partition(records), connection)

    async def append_once(self, told: Told, records: Sequence[NewRecord]) -> bool:
        """Append in the transaction that remembers what was told: exactly once, whatever breaks."""
        with outage_of("the log"):
            async with self._pool.acquire() as connection:
                await self._create_unknown({record.topic for record in records}, connection)
                async with connection.transaction():
                    if not await connection.fetchval(REMEMBER, told.system, told.id):
                        return False
                    await self._append(self._by_partition(records), connection)
        return True

    async def make(self, topics: Collection[Topic], partitions: int | None = None) -> None:
        """See `Makes.make`."""
        with outage_of("the log"):
            async with self._pool.acquire() as connection:
                await self._create_unknown(set(topics), connection, partitions)

    async def backlog(self, group: str) -> Sequence[Backlog]:
        """What the group has not read, by topic; nothing of a topic that is read to its end."""
        with outage_of("the log"):
            rows = await self._pool.fetch(_BACKLOG, group)
        return [Backlog(**row) for row in rows]

    async def trim(self, retention: timedelta) -> int:
        """Delete the records older than `retention`, read or not, and return how many.

        Retention is a promise of space. A group that falls behind it is warned about, with the
        offsets that it will never see: its projection needs a new snapshot.
        """
        with outage_of("the log"):
            async with self._pool.acquire() as connection, connection.transaction():
                trimmed = await connection.fetch(_TRIM, retention)
                unread = await connection.fetch(
                    _SELECT_UNREAD,
                    *_columns(trimmed, "topic", "partition", "next_offset"),
                )
        for row in unread:
            _log.warning("log.trimmed_unread", **row)
        return sum(row["records"] for row in trimmed)

    async def ends(self) -> Mapping[LogPartition, int]:
        """The next offset of each partition."""
        with outage_of("the log"):
            rows = await self._pool.fetch(_SELECT_ENDS)
        return {LogPartition(topic=topic, partition=p): end for topic, p, end in rows}

    async def firsts(self) -> Mapping[LogPartition, int]:
        """The offset of the oldest record that each partition still has."""
        with outage_of("the log"):
            rows = await self._pool.fetch(_SELECT_FIRSTS)
        return {LogPartition(topic=topic, partition=p): first for topic, p, first in rows}

    async def _create_unknown(
        self, topics: set[Topic], connection: asyncpg.Connection, partitions: int | None = None
    ) -> None:
        unknown = sorted(topics - self._partitions.keys())
        if not unknown:
            return
        async with connection.transaction():
            await connection.execute(_LOCK_CREATION)
            await connection.execute(
                _CREATE_TOPICS, unknown, partitions or self._default_partitions
            )
            counted = await connection.fetch(_COUNT_PARTITIONS, unknown)
        self._partitions |= {Topic(row["topic"]): row["partitions"] for row in counted}

    def _by_partition(self, records: Sequence[NewRecord]) -> dict[LogPartition, list[NewRecord]]:
        lanes: defaultdict[LogPartition, list[NewRecord]] = defaultdict(list)
        for record in records:
            partition = partition_of(record.key, self._partitions[record.topic])
            lanes[LogPartition(topic=record.topic, partition=partition)].append(record)
        return lanes

    async def _append(
        self, lanes: dict[LogPartition, list[NewRecord]], connection: asyncpg.Connection
    ) -> None:
        topics = [lane.topic for lane in lanes]
        partitions = [lane.partition for lane in lanes]
        firsts = await connection.fetch(_LOCK_PARTITIONS, topics, partitions)
        rows: list[tuple[object, ...]] = []
        for topic, partition, first in firsts:
            records = lanes[LogPartition(topic=topic, partition=partition)]
            rows += (_row(partition, *numbered) for numbered in enumerate(records, first))
        await connection.copy_records_to_table("log_record", records=rows, columns=_COLUMNS)
        appended = [len(records) for records in lanes.values()]
        await connection.execute(_ADVANCE_PARTITIONS, topics, partitions, appended)


def _row(partition: int, offset: int, record: NewRecord) -> tuple[object, ...]:
    headers = encode_headers(record.headers)
    return record.topic, partition, offset, record.key, record.value, headers


def _columns(rows: Sequence[asyncpg.Record], *names: str) -> list[list[object]]:
    """Rows as one array per column, the form that `unnest` takes."""
    return [[row[name] for row in rows] for name in names]
