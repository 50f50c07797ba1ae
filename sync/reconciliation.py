"""Reconciliation: copies that were changed at a replica, compared with what their owners say.

The intake notes a replica's row that holds other copies than were known. That is an edit made
there, or the late write of a worker that died before it could say so: nobody owes it anything. The
policy of each field's group says what is done about a copy that differs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from schema.entity import entity_name, owned_fields
from schema.groups import Drift
from schema.system import System
from sync.connectors.ports import Removes, Writes
from sync.deliver.outbox import CHANNEL
from sync.deliver.replica import Gone, NotYet, Replica, differing, replicas_of
from sync.outage import OUTAGE
from sync.read.projected import Projected
from sync.xref import Xref

log = structlog.get_logger(__name__)

_PAGE = 200
# Of an owner that is behind, the projection may hold what the edit has set right already.
# What is on its way is not compared yet; what was refused, or given up, a person has decided on.
_EDITED = """
SELECT s.record_id, s.copies, s.edited_at FROM replica_state s
WHERE s.edited_at IS NOT NULL AND (s.system, s.entity) = ($1, $2) AND s.record_id > $3
  AND coalesce(s.enforced_at < now() - $4::interval, true)
  AND coalesce(s.edited_at < $6::timestamptz, true)
  AND NOT EXISTS (
    SELECT FROM delivery d WHERE d.state <> 'delivered'
    AND (d.entity, d.record_id, d.target) = (s.entity, s.record_id, s.system))
ORDER BY s.record_id LIMIT $5
"""
_SETTLE = """
WITH compared AS (
    UPDATE replica_state SET edited_at = NULL,
        enforced_at = CASE WHEN cardinality($5::text[]) > 0 THEN now() ELSE enforced_at END
    WHERE (system, entity, record_id, edited_at) = ($1, $2, $3, $4)
    RETURNING system, entity, record_id)
INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at)
SELECT system, entity, record_id, $5, 'drift', $4 FROM compared WHERE cardinality($5::text[]) > 0
ON CONFLICT (target, entity, record_id) WHERE state = 'pending' DO UPDATE
SET fields = (SELECT array_agg(DISTINCT f) FROM unnest(delivery.fields || excluded.fields) AS f)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edited:
    """A record whose replica was changed: what it holds, and when that was noted."""

    record_id: str
    copies: Mapping[str, Any]
    edited_at: datetime


class Reconciliation:
    """Compares the replicas of the connected systems. Any number of processes may do it at once.

    `applied_until` says of each captured owner up to when the projection has all it had committed:
    an edit that was noted since is compared the next time.

    A record is written back at one target once in `patience`: whoever insists there, be it a rule
    that spells a value otherwise, gets no war.
    """

    def __init__(
        self,
        connectors: Mapping[System, Writes],
        xref: Xref,
        pool: asyncpg.Pool,
        applied_until: Callable[[], Awaitable[Mapping[str, datetime]]],
        *,
        removes: Mapping[System, Removes] | None = None,
        patience: timedelta = timedelta(days=1),
    ) -> None:
        self._pool = pool
        self._applied_until = applied_until
        self._patience = patience
        replicas = replicas_of(connectors, Projected(pool), xref, removes or {})
        self._replicas = [replica for replica in replicas.values() if replica.binding.copies]

    async def compare(self) -> int:
        """Compare what was changed since, and answer how many records are owed for it.

        Raises what `applied_until` raises.
        """
        owed, applied = 0, await self._applied_until()
        for replica in self._replicas:
            heard = [applied[o.value] for o in replica.owners if o.value in applied]
            after, before = "", min(heard, default=None)
            while edited := await self._edited(replica, after, before):
                after = edited[-1].record_id
                owed += sum([await self._settle(replica, one) for one in edited])
        if owed:
            await self._pool.execute("SELECT pg_notify($1, '')", CHANNEL)
        return owed

    async def _edited(
        self, replica: Replica, after: str, before: datetime | None
    ) -> Sequence[_Edited]:
        of = _names(replica)
        rows = await self._pool.fetch(_EDITED, *of, after, self._patience, _PAGE, before)
        return [_Edited(**row) for row in rows]

    async def _settle(self, replica: Replica, edited: _Edited) -> bool:
        """Tell what differs, and owe what is enforced; answers whether anything is.

        A record that cannot be compared stays noted, and keeps nobody else from it.
        """
        target, record_id = replica.binding.system, edited.record_id
        try:
            differs = await _differing(replica, edited)
        except NotYet:
            return False
        except (*OUTAGE, asyncpg.PostgresError):
            raise
        except Exception:  # one record's bug must not stop the others
            log.exception("copy.not_compared", target=target.name, record=record_id)
            return False
        enforced = sorted(_enforced(replica, differs))
        if differs:
            told = {"fields": sorted(differs), "enforced": enforced}
            log.warning("copy.drifted", target=target.name, record=record_id, **told)
        about = *_names(replica), record_id, edited.edited_at, enforced
        await self._pool.execute(_SETTLE, *about)
        return bool(enforced)


async def _differing(replica: Replica, edited: _Edited) -> Iterable[str]:
    """The fields of which the replica holds something else than their owners say.

    Raises NotYet while nobody can tell.
    """
    try:
        values = await replica.wanted(edited.record_id)
    except Gone:
        return ()
    held = {name: cell for name, cell in edited.copies.items() if name in values}
    return differing({name: values[name] for name in held}, held)


def _enforced(replica: Replica, names: Iterable[str]) -> Iterable[str]:
    """Those that the target is to hold as the owner says, whatever is done there."""
    binding, fields = replica.binding, owned_fields(replica.binding.entity)
    for name in names:
        group = fields[name].group
        if group.drift is Drift.ENFORCE and binding.system in group.copies:
            yield name


def _names(replica: Replica) -> tuple[str, str]:
    return replica.binding.system.value, entity_name(replica.binding.entity)
