"""Records that a system holds no longer, though no change said so: found, and told as deletes.

Their owner is asked again by key, so that what is merely not seen yet is not taken for gone. Then
the delete is applied only to a row that has not changed since it was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from schema.entity import entity_name
from schema.position import Position, Topic
from sync.changes import Change, Touched
from sync.connectors.binding import Binding
from sync.resnapshots import KeyRange
from sync.store.projection_tables import table_for

_LOCK = """
SELECT FROM consumer_offset
WHERE (consumer, topic) = ($1, $2) AND partition = ANY ($3::int[]) ORDER BY partition FOR UPDATE
"""
_REMEMBER = """
INSERT INTO absence (system, entity, record_id, key, partition, "offset", found_at)
SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::int[], $6::bigint[], $7::timestamptz[])
ON CONFLICT (system, entity, record_id) DO UPDATE SET key = excluded.key,
    partition = excluded.partition, "offset" = excluded."offset", found_at = excluded.found_at
"""
_REMEMBERED = """
SELECT record_id, key, partition, "offset", found_at FROM absence WHERE (system, entity) = ($1, $2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSeen:
    """Where the log last told of a record. It stands in for a record of the log."""

    position: Position
    appended_at: datetime
    key: bytes | None = None
    value: bytes | None = None
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A record of which the log has not told since some offset of its partition."""

    id: str
    key: str
    partition: int
    offset: int

    def touch(self, binding: Binding, now: datetime) -> Touched:
        """As a hint to ask the owner for it."""
        record = self._last_seen(binding, now)
        return Touched(
            binding=binding,
            record=record,
            column=binding.key,
            key=self.key,
            is_read=True,
            as_of=now,
        )

    def delete(self, binding: Binding, found_at: datetime) -> Change:
        """As the delete that it turned out to be."""
        return Change(
            binding=binding,
            record=self._last_seen(binding, found_at),
            key=self.key,
            anchor_key=None,
            values={},
            copies={},
            lsn=None,
            version=None,
            as_of=found_at,
            is_delete=True,
        )

    def _last_seen(self, binding: Binding, now: datetime) -> LastSeen:
        topic = Topic(f"{binding.system.value}.{binding.table}")
        position = Position(topic=topic, partition=self.partition, offset=self.offset)
        return LastSeen(position=position, appended_at=now)


async def find_unseen(
    connection: asyncpg.Connection | asyncpg.Pool,
    binding: Binding,
    starts: Mapping[str, int],
    keys: KeyRange,
    *,
    after: str,
    limit: int,
) -> list[Unseen]:
    """Living records last told of before `starts` (offsets by partition), behind the id `after`."""
    sql = f"{_unseen_sql(binding, keys)} AND id > $4 ORDER BY id LIMIT $5"
    rows = await connection.fetch(sql, dict(starts), keys.low, keys.high, after, limit)
    return [Unseen(id=i, key=key, partition=p, offset=o) for i, key, p, o in rows]


async def count_unseen(
    connection: asyncpg.Connection | asyncpg.Pool,
    binding: Binding,
    starts: Mapping[str, int],
    keys: KeyRange,
) -> int:
    """How many `find_unseen` would find."""
    sql = f"SELECT count(*) FROM ({_unseen_sql(binding, keys)}) AS unseen"
    count: int = await connection.fetchval(sql, dict(starts), keys.low, keys.high)
    return count


async def still_unseen(
    connection: asyncpg.Connection, consumer: str, binding: Binding, found: Sequence[Change]
) -> set[str]:
    """The keys of those that nothing was told of meanwhile; until the commit nothing will be."""
    if not found:
        return set()
    positions = [change.record.position for change in found]
    lanes = sorted({position.partition for position in positions})
    await connection.execute(_LOCK, consumer, positions[0].topic, lanes)
    s, table = binding.system.value, table_for(binding.entity).name
    rows = await connection.fetch(
        f"SELECT {s}_key FROM unnest($1::text[], $2::int[], $3::bigint[]) AS found (key, p, o)"
        f" JOIN {table} t ON (t.{s}_key, t.{s}_partition, t.{s}_offset) = (found.key, p, o)"
        f" WHERE t.{s}_deleted_at IS NULL FOR UPDATE OF t",
        [change.key for change in found],
        [position.partition for position in positions],
        [position.offset for position in positions],
    )
    return {row[0] for row in rows}


async def remember_absent(
    connection: asyncpg.Connection, binding: Binding, absent: Mapping[str, Change]
) -> None:
    """Keep what the log does not say, for whoever replays it; `absent` is by record id."""
    changes = absent.values()
    await connection.execute(
        _REMEMBER,
        binding.system.value,
        entity_name(binding.entity),
        list(absent),
        [change.key for change in changes],
        [change.record.position.partition for change in changes],
        [change.record.position.offset for change in changes],
        [change.as_of for change in changes],
    )


async def remembered_absent(pool: asyncpg.Pool, binding: Binding) -> list[Change]:
    """The deletes of a binding that were found, and that no change has told."""
    rows = await pool.fetch(_REMEMBERED, binding.system.value, entity_name(binding.entity))
    return [
        Unseen(id=id_, key=key, partition=partition, offset=offset).delete(binding, found_at)
        for id_, key, partition, offset, found_at in rows
    ]


def _unseen_sql(binding: Binding, keys: KeyRange) -> str:
    s, table = binding.system.value, table_for(binding.entity).name
    return (
        f"SELECT id, {s}_key, {s}_partition, {s}_offset FROM {table}"
        f" WHERE {s}_deleted_at IS NULL"
        f" AND {s}_offset < ($1::jsonb ->> {s}_partition::text)::bigint"
        f" AND {keys.condition(f'{s}_key', '$2', '$3')}"
    )
