"""What replicas hold, and which of it is the echo of our own writes.

A captured row of a replica updates what we know of it and goes no further: only an owner's fields
propagate, so a write of ours can never come back as a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import structlog

from schema.entity import entity_name
from sync.changes import Change
from sync.connectors.binding import Binding
from sync.connectors.refs import Ref, resolved
from sync.json_form import json_form

log = structlog.get_logger(__name__)

# A row that was only doubted so far, because a call was begun, bears no moment. What a call was
# begun with is no edit: perhaps it is ours, and it is sent again if not. Versions are those of one
# row; another one, with a key of its own, was made in its place.
_REMEMBER = """
INSERT INTO replica_state AS s (system, entity, record_id, key, copies, version, as_of)
SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::jsonb[], $6::bigint[], $7::timestamptz[])
ON CONFLICT (system, entity, record_id) DO UPDATE
SET key = excluded.key, version = excluded.version, as_of = excluded.as_of, is_captured = true,
    copies = CASE WHEN s.key = excluded.key THEN s.copies ELSE '{}' END || excluded.copies,
    written = CASE WHEN s.version = excluded.version THEN s.written ELSE '{}' END,
    edited_at = CASE
        WHEN s.as_of IS NULL THEN s.edited_at
        WHEN s.key <> excluded.key THEN now()
        WHEN EXISTS (
            SELECT FROM jsonb_each(excluded.copies) AS told (name, cell)
            WHERE s.copies -> name IS DISTINCT FROM cell AND NOT s.doubted ? name
            AND ((s.version = excluded.version) IS NOT TRUE
                OR s.copies ? name AND name <> ALL (s.written))) THEN now()
        ELSE s.edited_at END
WHERE s.version IS NULL OR excluded.version IS NULL OR excluded.version >= s.version
    OR s.key <> excluded.key
"""
# As `xref` finds keys: one by one, whatever the planner believes of a new table.
_KNOWN = """
SELECT s.record_id FROM unnest($3::text[]) AS asked (record_id) CROSS JOIN LATERAL (
  SELECT record_id FROM replica_state
  WHERE (system, entity, record_id) = ($1, $2, asked.record_id) LIMIT 1) s
"""
_FORGET = """
DELETE FROM replica_state s USING unnest($3::text[], $4::text[]) AS gone (record_id, key)
WHERE (s.system, s.entity, s.record_id, s.key) = ($1, $2, gone.record_id, gone.key)
"""
_CLOSE = """
UPDATE write_ledger w SET echoed_at = now()
FROM unnest($3::text[], $4::jsonb[], $5::bigint[]) AS seen (record_id, copies, version)
WHERE w.echoed_at IS NULL AND (w.target, w.entity) = ($1, $2) AND w.record_id = seen.record_id
  AND (w.version <= seen.version OR w.version IS NULL AND seen.copies @> w.copies)
"""


async def note_replicas(
    connection: asyncpg.Connection,
    binding: Binding,
    changes: Iterable[tuple[str, Change]],
    ids: Mapping[Ref, str],
) -> None:
    """Remember what the captured rows say a replica holds, and close the writes they echo.

    Our write is recognised by the version the target gave it, or by its values where the target
    counts no versions. A row that holds other copies than were known is noted for the
    reconciliation, but for fields that our write of that version sent: what others did in between
    comes with that version, too. The delete of a row says nothing of another that was made in its
    place. A row that holds no copy of anything says nothing new of a record of which nothing was
    known; a record we have written to is known.
    """
    if not binding.copies:
        return
    latest, copies = _latest(changes)
    system, entity = binding.system.value, entity_name(binding.entity)
    if gone := {record_id: c.key for record_id, c in latest.items() if c.is_delete}:
        await connection.execute(_FORGET, system, entity, list(gone), list(gone.values()))
    empty = [i for i, held in copies.items() if [*held.values()].count(None) == len(held)]
    if empty:
        known = await connection.fetch(_KNOWN, system, entity, empty)
        for record_id in set(empty).difference(row["record_id"] for row in known):
            del copies[record_id]
    if copies:
        told = {record_id: latest[record_id] for record_id in copies}
        held = [_stored(cells, ids) for cells in copies.values()]
        await _remember(connection, (system, entity), told, held)


def _latest(
    changes: Iterable[tuple[str, Change]],
) -> tuple[Mapping[str, Change], dict[str, Mapping[str, Any]]]:
    """The last change of each record, and the copies that the rows there are hold after it."""
    latest: dict[str, Change] = {}
    copies: dict[str, Mapping[str, Any]] = {}
    for record_id, change in changes:
        latest[record_id] = change
        if change.is_delete:
            copies.pop(record_id, None)
        elif record_id in copies:
            copies[record_id] = {**copies[record_id], **change.copies}
        else:
            copies[record_id] = change.copies
    return latest, copies


async def _remember(
    connection: asyncpg.Connection,
    of: tuple[str, str],
    told: Mapping[str, Change],
    held: list[dict[str, Any]],
) -> None:
    ids, changes = list(told), told.values()
    keys, versions = [c.key for c in changes], [c.version for c in changes]
    as_of = [c.as_of for c in changes]
    await connection.execute(_REMEMBER, *of, ids, keys, held, versions, as_of)
    status = await connection.execute(_CLOSE, *of, ids, held, versions)
    if not status.endswith(" 0"):
        log.debug("echo.closed", system=of[0], entity=of[1], writes=status.rpartition(" ")[2])


def _stored(copies: Mapping[str, Any], ids: Mapping[Ref, str]) -> dict[str, Any]:
    return {
        name: None if value is None else json_form(resolved(value, ids))
        for name, value in copies.items()
    }
