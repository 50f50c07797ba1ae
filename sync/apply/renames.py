"""Key changes: a record takes a new key, and its former key may be used for another record.

A key change is told twice: in the lane of the former key, and in the lane of the new one. Lanes
are applied independently, so either half may come first. What a key means is changed only by what
its own lane tells: there it leaves the former key, here it arrives at the new one. A link says
since when in the source's history it holds, so a half that is told again changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection

import asyncpg

from schema.entity import entity_name
from sync.changes import Renamed
from sync.connectors.binding import Binding
from sync.connectors.refs import Ref
from sync.xref import anchored_id, insert

_BEGIN = "UPDATE xref_version SET version = version + 1"
_ARRIVE = """
INSERT INTO xref (system, entity, external_id, record_id, since_epoch, since_lsn)
SELECT $1, $2, $3, named.record_id, $5, $6
FROM (SELECT coalesce(
    (SELECT record_id FROM key_change
     WHERE (system, entity, external_id, epoch, lsn) = ($1, $2, $3, $5::int, $6::bigint)),
    (SELECT record_id FROM (
        SELECT record_id, since_epoch AS epoch, since_lsn AS lsn FROM xref
        WHERE (system, entity, external_id) = ($1, $2, $4)
        UNION ALL
        SELECT record_id, epoch, lsn FROM key_change
        WHERE (system, entity, external_id) = ($1, $2, $4) AND (epoch, lsn) < ($5, $6)
    ) AS holder ORDER BY epoch DESC, lsn DESC LIMIT 1)) AS record_id) AS named
WHERE named.record_id IS NOT NULL
ON CONFLICT (system, entity, external_id) DO UPDATE
SET record_id = excluded.record_id, is_former = false, first_seen = clock_timestamp(),
    since_epoch = excluded.since_epoch, since_lsn = excluded.since_lsn
WHERE (xref.since_epoch, xref.since_lsn) < (excluded.since_epoch, excluded.since_lsn)
"""
_LEAVE = """
WITH left_key AS (
    UPDATE xref SET is_former = true, since_epoch = $5, since_lsn = $6
    WHERE (system, entity, external_id) = ($1, $2, $4)
      AND (since_epoch, since_lsn) < ($5::int, $6::bigint)
    RETURNING record_id)
INSERT INTO key_change (system, entity, external_id, epoch, lsn, record_id)
SELECT $1, $2, $3, $5::int, $6::bigint, record_id FROM left_key
ON CONFLICT DO NOTHING
"""
_REUSE = """
UPDATE xref SET record_id = $4, is_former = false, first_seen = clock_timestamp()
WHERE (system, entity, external_id) = ($1, $2, $3)
"""
# Where a key change was missed, the key that is read now was met after those that were told of: it
# is not outlived. Nor is one whose own lane has told that it was left: reads there are of another.
_OUTLIVED = """
SELECT told.external_id FROM unnest($3::text[]) AS read (external_id)
JOIN xref told ON (told.system, told.entity, told.external_id) = ($1, $2, read.external_id)
WHERE NOT told.is_former AND EXISTS (
    SELECT FROM xref later
    WHERE (later.system, later.entity, later.record_id) = ($1, $2, told.record_id)
      AND later.since_epoch = $4
      AND (later.since_epoch, later.since_lsn) > (told.since_epoch, told.since_lsn)
      AND later.first_seen >= told.first_seen)
"""


async def rename(connection: asyncpg.Connection, renamed: Renamed, epoch: int) -> None:
    """Take in one half of a key change; the record keeps its canonical id."""
    binding = renamed.binding
    former = Ref(binding.entity, binding.system.value, renamed.former_key)
    names = binding.system.value, entity_name(binding.entity), renamed.key, renamed.former_key
    await connection.execute(_BEGIN)
    if binding.is_anchor:
        await insert(connection, {former: anchored_id(former)})
    half = _ARRIVE if renamed.is_arrival else _LEAVE
    await connection.execute(half, *names, epoch, renamed.lsn or 0)


async def reuse(connection: asyncpg.Connection, ref: Ref, record_id: str) -> None:
    """Give a former key to another record."""
    await connection.execute(_BEGIN)
    await connection.execute(
        _REUSE, ref.system, entity_name(ref.entity), ref.external_id, record_id
    )


async def outlived(
    connection: asyncpg.Connection, binding: Binding, keys: Collection[str], epoch: int
) -> set[str]:
    """The keys whose records have taken another one since, in the lane of that other one."""
    names = binding.system.value, entity_name(binding.entity)
    return {key for (key,) in await connection.fetch(_OUTLIVED, *names, list(keys), epoch)}
