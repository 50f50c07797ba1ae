"""What replicas hold, and which of it is the echo of our own writes.

A captured row of a replica updates what we know of it and goes no further: only an owner's fields
propagate, so a write of ours can never come back as a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg
import structlog

from sync.changes import Change
from sync.connectors.binding import Binding
from sync.connectors.codec import Ref, resolved
from sync.json_form import json_form
from sync.store.projection_tables import entity_name

log = structlog.get_logger(__name__)

_REMEMBER = """
INSERT INTO replica_state AS s (system, entity, record_id, key, copies, version, as_of)
SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::jsonb[], $6::bigint[], $7::timestamptz[])
ON CONFLICT (system, entity, record_id) DO UPDATE
SET key = excluded.key, copies = s.copies || excluded.copies,
    version = excluded.version, as_of = excluded.as_of
WHERE s.version IS NULL OR excluded.version IS NULL OR excluded.version >= s.version
"""
_FORGET = "DELETE FROM replica_state WHERE (system, entity) = ($1, $2) AND record_id = ANY($3)"
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
    counts no versions.
    """
    latest = dict(changes) if binding.copies else {}
    gone = [record_id for record_id, change in latest.items() if change.is_delete]
    held = {i: c for i, c in latest.items() if not c.is_delete}
    system, entity = binding.system.value, entity_name(binding.entity)
    if gone:
        await connection.execute(_FORGET, system, entity, gone)
    if not held:
        return
    copies = [_copies(change, ids) for change in held.values()]
    versions = [c.version for c in held.values()]
    keys, as_of = [c.key for c in held.values()], [c.as_of for c in held.values()]
    await connection.execute(_REMEMBER, system, entity, list(held), keys, copies, versions, as_of)
    status = await connection.execute(_CLOSE, system, entity, list(held), copies, versions)
    if not status.endswith(" 0"):
        log.debug("echo.closed", system=system, entity=entity, writes=status.rpartition(" ")[2])


def _copies(change: Change, ids: Mapping[Ref, str]) -> dict[str, Any]:
    return {name: json_form(resolved(value, ids)) for name, value in change.copies.items()}
