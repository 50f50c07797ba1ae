"""Copies that their target refused for good: shown, sent again or given up, always with a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

from schema.errors import NotFound
from sync.deliver.outbox import CHANNEL
from sync.signed import Signed

log = structlog.get_logger(__name__)

_SELECT = """
SELECT id, target, entity, record_id, fields, cause, attempts, last_error, caused_at, settled_at
FROM delivery
"""
_PAGE = f"""{_SELECT}
WHERE state = 'dead' AND id > $1 AND ($2::text[] IS NULL OR target = ANY ($2))
ORDER BY id LIMIT $3
"""
_ONE = f"{_SELECT} WHERE state = 'dead' AND id = $1"
_MATCHING = """
SELECT id FROM delivery
WHERE state = 'dead' AND (cardinality($1::bigint[]) = 0 OR id = ANY ($1))
    AND target = coalesce($2, target)
ORDER BY id FOR UPDATE
"""
# The row is put back like one whose attempt failed: united with what has changed meanwhile.
_RETRY = """
WITH taken AS (DELETE FROM delivery WHERE id = ANY ($1) AND state = 'dead' RETURNING *),
owed AS (
    SELECT target, entity, record_id, array_agg(DISTINCT f) AS fields,
        (array_agg(cause ORDER BY id DESC))[1] AS cause, min(caused_at) AS caused_at,
        min(created_at) AS created_at
    FROM taken, unnest(fields) AS f GROUP BY target, entity, record_id)
INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at, created_at,
                      handled_at, handled_by, handled_why)
SELECT target, entity, record_id, fields, cause, caused_at, created_at, now(), $2, $3 FROM owed
ON CONFLICT (target, entity, record_id) WHERE state = 'pending' DO UPDATE
SET fields = (SELECT array_agg(DISTINCT f) FROM unnest(delivery.fields || excluded.fields) AS f),
    due_at = now(), handled_at = now(), handled_by = excluded.handled_by,
    handled_why = excluded.handled_why
"""
_DISCARD = """
UPDATE delivery SET state = 'discarded', handled_at = now(), handled_by = $2, handled_why = $3
WHERE id = ANY ($1) AND state = 'dead'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadDelivery:
    """Fields of one record that one system does not take; `last_error` is in its words."""

    id: int
    target: str
    entity: str
    record_id: str
    fields: Sequence[str]
    cause: str
    attempts: int
    last_error: str | None
    caused_at: datetime
    settled_at: datetime


class DeadDeliveries:
    """The dead deliveries of one hub. To send again is to send what the record is like by then."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def page(
        self, targets: Sequence[str] | None = None, *, after: int = 0, first: int = 50
    ) -> list[DeadDelivery]:
        """Of any of the targets, the oldest first, behind the one with the id `after`."""
        rows = await self._pool.fetch(_PAGE, after, targets, first)
        return [DeadDelivery(**row) for row in rows]

    async def one(self, delivery_id: int) -> DeadDelivery:
        """Raises NotFound for a delivery that is not dead."""
        row = await self._pool.fetchrow(_ONE, delivery_id)
        if row is None:
            raise NotFound(f"There is no dead delivery {delivery_id}; list them to see the ids.")
        return DeadDelivery(**row)

    async def retry(self, ids: Sequence[int], signed: Signed, target: str | None = None) -> int:
        """Owe them again, all of a target for no ids; answers how many. Raises NotFound for none.

        A record that is owed to the target anyway is sent once.
        """
        return await self._handle(_RETRY, ids, signed, target)

    async def discard(self, ids: Sequence[int], signed: Signed) -> int:
        """Give them up; the target keeps what it has. Raises NotFound for none."""
        if not ids:
            raise NotFound("Say which dead deliveries, by their ids.")
        return await self._handle(_DISCARD, ids, signed, None)

    async def _handle(
        self, statement: str, ids: Sequence[int], signed: Signed, target: str | None
    ) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(_MATCHING, list(ids), target)
            found = [row["id"] for row in rows]
            if not found or len(found) < len(set(ids)):
                raise NotFound("There is no such dead delivery; list them to see the ids.")
            await connection.execute(statement, found, signed.by, signed.why)
            await connection.execute("SELECT pg_notify($1, '')", CHANNEL)
        log.info("deliveries.handled", count=len(found), by=signed.by)
        return len(found)
