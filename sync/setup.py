"""How far a project is set up in the systems that must have it before it can be worked on.

Nothing of it is stored: it follows from the cross-reference, which says who has been met holding
the project, and from the deliveries that are owed to it or were refused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cached_property

import asyncpg

from schema.canon import require_id
from schema.entities.project import Project
from schema.entity import anchor, entity_name, owned_fields
from schema.errors import Invalid, NotFound
from schema.setup import SetupState, SetupStatus
from schema.system import System
from sync.clock import utc_now
from sync.connectors.binding import Binding
from sync.feed import Transition, append_events
from sync.store.owed import Owed

PROJECT = entity_name(Project)

_STATES = """
SELECT asked.record_id, required.system, linked.at AS linked_at, refused.at AS refused_at,
       refused.why AS refused_why, refused.is_sent_again, owed.at AS owed_at, owed.why AS owed_why
FROM unnest($1::text[]) AS asked (record_id) CROSS JOIN unnest($2::text[]) AS required (system)
LEFT JOIN LATERAL (
    SELECT min(first_seen) AS at FROM xref WHERE (entity, record_id, system)
    = ('project', asked.record_id, required.system) AND NOT is_former) AS linked ON true
LEFT JOIN LATERAL (
    SELECT fields, created_at AS at, last_error AS why FROM delivery
    WHERE (entity, record_id, target) = ('project', asked.record_id, required.system)
    AND state IN ('pending', 'sending') ORDER BY id LIMIT 1) AS owed ON true
LEFT JOIN LATERAL (
    SELECT fields <@ owed.fields AS is_sent_again, settled_at AS at, last_error AS why FROM delivery
    WHERE (entity, record_id, target) = ('project', asked.record_id, required.system)
    AND state = 'dead' ORDER BY id DESC LIMIT 1) AS refused ON true
ORDER BY asked.record_id, array_position($2::text[], required.system)
"""
_SEND_AGAIN = """
INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at)
VALUES ($1, 'project', $2, $3, 'sent again', now())
ON CONFLICT (target, entity, record_id) WHERE state = 'pending' DO UPDATE
SET fields = (SELECT array_agg(DISTINCT f) FROM unnest(delivery.fields || excluded.fields) AS f),
    attempts = 0, due_at = now()
"""
_EXISTS = "SELECT FROM projection.project WHERE id = $1 AND erp_deleted_at IS NULL"


class ProjectSetup:
    """What its events are about, in the feed; their record is the project."""


class Setups:
    """The set-up of projects; `bindings` are those of the connected systems."""

    def __init__(self, pool: asyncpg.Pool, bindings: Iterable[Binding]) -> None:
        self._pool = pool
        self._bindings = tuple(bindings)

    @cached_property
    def owed(self) -> Mapping[System, Sequence[str]]:
        """Who must have a project beside its anchor, and which of its fields: the declared copies.

        A connected system that has no place for any of them has nothing to confirm.
        """
        policy, found = Owed(self._bindings), defaultdict(list)
        for name, field in owned_fields(Project).items():
            for system in policy.targets(Project, field):
                found[system].append(name)
        return {s: found[s] for s in System if s in found and s is not anchor(Project)}

    async def of(self, ids: Iterable[str]) -> dict[str, list[SetupState]]:
        """Every required system of each project, in one query."""
        found: dict[str, list[SetupState]] = {record_id: [] for record_id in ids}
        required = [system.value for system in self.owed]
        for row in await self._pool.fetch(_STATES, list(found), required):
            found[row["record_id"]].append(self._state(row))
        return found

    async def send_again(self, record_id: str, system: System) -> SetupState:
        """Owe the system every copy of the project once more; what it refused is tried again.

        Raises Invalid for a system that needs no copy, NotFound for a project nobody knows.
        """
        require_id(Project, record_id)
        if system not in self.owed:
            needed = ", ".join(one.name for one in self.owed)
            raise Invalid(f"A project is not set up in {system.name}; name one of {needed}.")
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchrow(_EXISTS, record_id) is None:
                raise NotFound(f"There is no project {record_id}.")
            async with heard(connection, PROJECT, record_id, system):
                await connection.execute(
                    _SEND_AGAIN, system.value, record_id, list(self.owed[system])
                )
            await connection.execute("SELECT pg_notify('delivery', '')")
        states = (await self.of([record_id]))[record_id]
        return next(state for state in states if state.system is system)

    def _state(self, row: asyncpg.Record) -> SetupState:
        state = _state_of(row)
        if state.status is SetupStatus.MISSING and not self._is_connected(state.system):
            return SetupState(
                system=state.system,
                status=SetupStatus.MISSING,
                reason=f"This hub is not connected to {state.system.name}.",
            )
        return state

    def _is_connected(self, system: System) -> bool:
        return any(binding.system is system for binding in self._bindings)


@asynccontextmanager
async def heard(
    connection: asyncpg.Connection, entity: str, record_id: str, system: System
) -> AsyncIterator[None]:
    """What the block does to a project's set-up is told to subscribers, in its transaction."""
    if entity != PROJECT:
        yield
        return
    before = await _status(connection, record_id, system)
    yield
    after = await _status(connection, record_id, system)
    if before is not after:
        event = Transition(
            entity=entity_name(ProjectSetup),
            record_id=record_id,
            before=before.value,
            after=after.value,
            subject={"system": system.value},
            at=utc_now(),
        )
        await append_events(connection, [event])


async def _status(connection: asyncpg.Connection, record_id: str, system: System) -> SetupStatus:
    return _state_of(await connection.fetchrow(_STATES, [record_id], [system.value])).status


def _state_of(row: asyncpg.Record) -> SetupState:
    """A link that is younger than what is owed is only half of a creation: not yet confirmed."""
    system, linked, owed, refused = (
        System(row["system"]),
        row["linked_at"],
        row["owed_at"],
        row["refused_at"],
    )
    if refused and not row["is_sent_again"]:
        return SetupState(
            system=system, status=SetupStatus.FAILED, reason=row["refused_why"], at=refused
        )
    if owed and (refused or linked is None or linked >= owed):
        why = row["owed_why"] or row["refused_why"]
        return SetupState(system=system, status=SetupStatus.PENDING, reason=why, at=owed)
    if linked:
        return SetupState(system=system, status=SetupStatus.LINKED, at=linked)
    return SetupState(system=system, status=SetupStatus.MISSING)
