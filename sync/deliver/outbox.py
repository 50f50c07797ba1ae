"""The outbox: deliveries owed, claimed, put back and settled; all SQL of the `delivery` table.

A record has at most one unsent row per target. While one of its rows is being sent, the next is
not claimed, so each record's order holds however many workers there are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from schema.system import System
from sync.setup import heard

CHANNEL = "delivery"

_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT d.id FROM delivery d
    WHERE d.target = $1 AND d.state = 'pending' AND d.due_at <= now() AND NOT EXISTS (
        SELECT FROM delivery s WHERE s.state = 'sending'
        AND (s.target, s.entity, s.record_id) = (d.target, d.entity, d.record_id))
    ORDER BY d.due_at, d.id LIMIT $2 FOR UPDATE SKIP LOCKED)
UPDATE delivery SET state = 'sending', leased_until = now() + $3::interval, attempts = attempts + 1
FROM due WHERE delivery.id = due.id
RETURNING delivery.id, entity, record_id, fields, attempts
"""
_RENEW = """
UPDATE delivery SET leased_until = now() + $2::interval
WHERE id = $1 AND state = 'sending' RETURNING true
"""
_IS_OURS = "SELECT true FROM delivery WHERE id = $1 AND state = 'sending' FOR UPDATE"
# A row that was captured before the call may arrive after it, so no capture takes a doubt away.
_BEGIN = """
WITH ours AS (
    UPDATE delivery SET leased_until = now() + $2::interval
    WHERE id = $1 AND state = 'sending' RETURNING target, entity, record_id)
INSERT INTO replica_state AS s (system, entity, record_id, key, copies, doubted)
SELECT target, entity, record_id, $3, '{}', $4 FROM ours
ON CONFLICT (system, entity, record_id) DO UPDATE SET doubted = s.doubted || excluded.doubted
RETURNING true
"""
_PUT_BACK = """
WITH taken AS (DELETE FROM delivery WHERE {which} RETURNING *)
INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at, attempts, due_at,
                      last_error, created_at)
SELECT target, entity, record_id, fields, cause, caused_at, {attempts}, {due_at},
       {error}, created_at
FROM taken
ON CONFLICT (target, entity, record_id) WHERE state = 'pending' DO UPDATE
SET fields = (SELECT array_agg(DISTINCT f) FROM unnest(delivery.fields || excluded.fields) AS f),
    attempts = excluded.attempts, due_at = excluded.due_at, last_error = excluded.last_error
RETURNING true
"""
_EXPIRED = _PUT_BACK.format(
    which="target = $1 AND state = 'sending' AND leased_until < now()",
    attempts="attempts",
    due_at="now()",
    error="'the worker that sent it is gone'",
)
_RETRY = _PUT_BACK.format(
    which="id = $1 AND state = 'sending'",
    attempts="attempts - $4",
    due_at="now() + $2::interval",
    error="$3",
)
_SETTLE = """
WITH settled AS (
    UPDATE delivery SET state = $2, last_error = $3, settled_at = now(), leased_until = NULL
    WHERE id = $1 AND state = 'sending' RETURNING id, target, entity, record_id, fields),
over AS (
    DELETE FROM delivery d USING settled s
    WHERE d.state = 'dead' AND d.id <> s.id AND d.fields <@ s.fields
    AND (d.target, d.entity, d.record_id) = (s.target, s.entity, s.record_id))
SELECT true FROM settled
"""
"""A refusal is over once all it was about has been sent again, whatever came of that."""
_OWE_AGAIN = """
WITH state AS (
    UPDATE replica_state SET doubted = doubted || $5
    WHERE (system, entity, record_id) = ($1, $2, $3))
INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at)
VALUES ($1, $2, $3, $4, 'overtaken', now())
ON CONFLICT (target, entity, record_id) WHERE state = 'pending' DO UPDATE
SET fields = (SELECT array_agg(DISTINCT f) FROM unnest(delivery.fields || excluded.fields) AS f)
"""
_WROTE = """
WITH state AS (
    INSERT INTO replica_state AS s
        (system, entity, record_id, key, copies, version, as_of, written, is_captured)
    VALUES ($1, $2, $3, $4, $5, $6::bigint, now(), ARRAY(SELECT jsonb_object_keys($5)), false)
    ON CONFLICT (system, entity, record_id) DO UPDATE
    SET is_captured = s.is_captured AND (s.version = excluded.version) IS TRUE,
        key = excluded.key, version = excluded.version, as_of = excluded.as_of,
        copies = CASE WHEN s.key = excluded.key THEN s.copies ELSE '{}' END || excluded.copies,
        written = CASE WHEN s.version = excluded.version
            THEN ARRAY(SELECT DISTINCT unnest(s.written || excluded.written))
            ELSE excluded.written END,
        doubted = (SELECT coalesce(jsonb_object_agg(name, by), '{}')
                   FROM jsonb_each(s.doubted) AS doubt (name, by) WHERE by <> to_jsonb($7::bigint))
    WHERE s.version IS NULL OR excluded.version IS NULL OR excluded.version >= s.version
        OR s.key <> excluded.key
    RETURNING coalesce(old.version = $6 OR $6 IS NULL AND old.copies @> $5, false) AS is_echoed)
INSERT INTO write_ledger (target, entity, record_id, key, version, copies, echoed_at)
SELECT $1, $2, $3, $4, $6, $5,
       CASE WHEN (SELECT is_echoed FROM state) IS NOT FALSE THEN now() END
"""
_HELD = """
SELECT copies - ARRAY(SELECT jsonb_object_keys(doubted)) FROM replica_state
WHERE (system, entity, record_id, key) = ($1, $2, $3, $4)
"""
_NEXT_DUE = """
SELECT extract(epoch FROM least(
    (SELECT min(due_at) FROM delivery WHERE target = $1 AND state = 'pending' AND due_at > now()),
    (SELECT min(leased_until) FROM delivery WHERE target = $1 AND state = 'sending')) - now())
"""
_TRIM = """
WITH settled AS (
    DELETE FROM delivery
    WHERE state IN ('delivered', 'discarded') AND settled_at < now() - $1::interval)
DELETE FROM write_ledger WHERE sent_at < now() - $1::interval
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One changed record x one target, claimed for sending."""

    id: int
    target: System
    entity: str
    record_id: str
    fields: tuple[str, ...]
    attempts: int

    @property
    def named(self) -> dict[str, str]:
        """As the log says which one it is."""
        return {"target": self.target.name, "record": self.record_id}


class Outbox:
    """The `delivery` table and the ledgers beside it."""

    def __init__(self, pool: asyncpg.Pool, *, lease: timedelta = timedelta(seconds=60)) -> None:
        self._pool = pool
        self._lease = lease

    async def claim(self, target: System, limit: int) -> list[Delivery]:
        """Take due deliveries, oldest first.

        They come back by themselves if we die before settling them.
        """
        await self._pool.execute(_EXPIRED, target.value)
        rows = await self._pool.fetch(_CLAIM, target.value, limit, self._lease)
        return [
            Delivery(
                id=row["id"],
                target=target,
                entity=row["entity"],
                record_id=row["record_id"],
                fields=tuple(row["fields"]),
                attempts=row["attempts"],
            )
            for row in sorted(rows, key=lambda row: row["id"])
        ]

    async def renew(self, delivery: Delivery) -> bool:
        """Begin the lease anew; False when it ran out and the delivery is no longer ours."""
        return bool(await self._pool.fetchval(_RENEW, delivery.id, self._lease))

    async def begin(self, delivery: Delivery, key: str | None, fields: Sequence[str]) -> bool:
        """Just before a call: renew the lease, and believe nothing of what the row holds of these.

        Between now and the note of its answer nobody knows. A row that is yet to be created has no
        key, and nothing is known of it. False when the delivery is no longer ours.
        """
        if key is None:
            return await self.renew(delivery)
        doubts = dict.fromkeys(fields, delivery.id)
        return bool(await self._pool.fetchval(_BEGIN, delivery.id, self._lease, key, doubts))

    async def retry(
        self, delivery: Delivery, wait: timedelta, why: str, *, counts: bool = True
    ) -> bool:
        """Put it back, united with what has changed meanwhile; a target's outage does not count.

        False when its lease ran out meanwhile, and it is another's.
        """
        told = delivery.id, wait, _words(why), 0 if counts else 1
        return bool(await self._pool.fetchval(_RETRY, *told))

    async def settle(self, delivery: Delivery, note: str | None = None) -> bool:
        """It is done; False when its lease ran out meanwhile, and it is another's."""
        return await self._end(delivery, "delivered", note)

    async def owe_again(self, delivery: Delivery, fields: Collection[str]) -> None:
        """Let fields be sent once more: what we sent may have come after newer values.

        Whoever has the delivery now may note its own answer later, and must not end our doubt.
        """
        await _owe_again(self._pool, delivery, fields)

    async def bury(self, delivery: Delivery, why: str) -> bool:
        """Give up, keeping the row and the target's words for a person; False as in `settle`."""
        return await self._end(delivery, "dead", _words(why))

    async def _end(self, delivery: Delivery, state: str, words: str | None) -> bool:
        async with self._pool.acquire() as connection, connection.transaction():
            told = heard(connection, delivery.entity, delivery.record_id, delivery.target)
            async with told:
                return bool(await connection.fetchval(_SETTLE, delivery.id, state, words))

    async def held(self, delivery: Delivery, key: str) -> dict[str, object]:
        """What the target's row of that key is known to hold of the record, in JSON form."""
        of = delivery.target.value, delivery.entity, delivery.record_id
        return dict(await self._pool.fetchval(_HELD, *of, key) or {})

    async def wrote(
        self, delivery: Delivery, key: str, copies: dict[str, object], version: int | None
    ) -> None:
        """Remember what we wrote, so that its echo is known when it is captured.

        What this delivery was begun with is doubted no more. An echo that was captured before we
        came here closes the entry at once. A delivery that is no longer ours is owed again with
        the same commit, for what we wrote would be taken for what its new holder did.
        """
        of = delivery.target.value, delivery.entity, delivery.record_id
        async with self._pool.acquire() as connection, connection.transaction():
            is_ours = await connection.fetchval(_IS_OURS, delivery.id)
            await connection.execute(_WROTE, *of, key, copies, version, delivery.id)
            if not is_ours:
                await _owe_again(connection, delivery, copies)

    async def next_due(self, target: System) -> timedelta | None:
        """How long until something waiting is due; None when nothing waits."""
        seconds = await self._pool.fetchval(_NEXT_DUE, target.value)
        return None if seconds is None else timedelta(seconds=max(float(seconds), 0))

    async def trim(self, retention: timedelta) -> None:
        """Forget what was delivered or written longer ago than `retention`; the dead stay."""
        await self._pool.execute(_TRIM, retention)


async def _owe_again(
    on: asyncpg.Connection | asyncpg.Pool, delivery: Delivery, fields: Collection[str]
) -> None:
    of = delivery.target.value, delivery.entity, delivery.record_id
    await on.execute(_OWE_AGAIN, *of, list(fields), dict.fromkeys(fields, delivery.id))


def _words(why: str) -> str:
    """What others said, as Postgres can keep it."""
    return why.replace("\0", "")
