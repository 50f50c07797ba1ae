"""Which source answers for which part of a record, by the session's policy.

An owner that fails is replaced by the projection, which is noted with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from schema.entity import anchor
from schema.errors import ConcordError
from schema.system import System
from sync.clock import Clock
from sync.policy import PolicyKind, systems_of
from sync.read.owners import Owners
from sync.read.parts import Parts, Stretch, with_reason
from sync.read.projected import Projected
from sync.records import Source
from sync.session import ReadSession


class Sources:
    """The owners and the projection, as one source of parts."""

    def __init__(self, owners: Owners, projected: Projected, clock: Clock) -> None:
        self._owners = owners
        self._projected = projected
        self._clock = clock

    async def stretch(
        self,
        session: ReadSession,
        entity: type,
        stored: frozenset[str],
        live: Callable[[], Awaitable[Stretch]],
        projected: Callable[[Sequence[System]], Awaitable[Stretch]],
    ) -> Stretch:
        """Which records there are, from the anchor or from the projection.

        The projection cannot tell how complete it is, so MAX_AGE asks the anchor too. Raises the
        anchor's error when it fails and no record of the type has ever reached the projection.
        """
        home = anchor(entity)
        if session.policy.kind is PolicyKind.PROJECTED:
            stretch = await projected([home, *guests(entity, stored)])
            for system, parts in stretch.parts.items():
                self._note(session, entity, system, parts, Source.PROJECTION)
            return stretch
        try:
            stretch = await live()
        except ConcordError as error:
            stretch = await projected([home])
            if not (stretch.parts[home] or await self._projected.is_filled(entity)):
                raise
            parts = with_reason(stretch.parts[home], error.code)
            self._note(session, entity, home, parts, Source.PROJECTION, error.code)
            return replace(stretch, parts={home: parts})
        self._note(session, entity, home, stretch.parts[home], Source.OWNER)
        return stretch

    async def parts(
        self,
        session: ReadSession,
        entity: type,
        systems: Sequence[System],
        ids: Sequence[str],
        stored: frozenset[str],
    ) -> dict[System, Parts]:
        """The parts of these systems; the owners are asked at the same time."""
        policy = session.policy
        known: Mapping[System, Parts] = {}
        if policy.kind is not PolicyKind.LIVE and systems:
            known = await self._known(session, entity, systems, ids)
        if policy.kind is PolicyKind.PROJECTED:
            return dict(known)
        asked = [[i for i in ids if i not in known.get(system, {})] for system in systems]
        fetched = await asyncio.gather(
            *(
                self._fetch(session, entity, system, rest, stored)
                for system, rest in zip(systems, asked, strict=True)
            )
        )
        return {
            system: known.get(system, {}) | parts
            for system, parts in zip(systems, fetched, strict=True)
        }

    async def _known(
        self, session: ReadSession, entity: type, systems: Sequence[System], ids: Sequence[str]
    ) -> dict[System, Parts]:
        """What the projection knows, and under MAX_AGE only what is young enough."""
        known = await self._projected.select_parts(entity, systems, ids)
        parts = {system: seen.parts for system, seen in known.items()}
        if session.policy.kind is PolicyKind.MAX_AGE:
            since = self._clock() - (session.policy.max_age or timedelta(0))
            parts = {system: _since(since, seen) for system, seen in parts.items()}
        for system, seen in parts.items():
            if seen or session.policy.kind is PolicyKind.PROJECTED:
                self._note(session, entity, system, seen, Source.PROJECTION)
        return parts

    async def _fetch(
        self,
        session: ReadSession,
        entity: type,
        system: System,
        ids: Sequence[str],
        stored: frozenset[str],
    ) -> Parts:
        if not ids:
            return {}
        try:
            parts = await self._owners.fetch_parts(
                entity, system, ids, session.deadline, fields=session.decoded(stored)
            )
        except ConcordError as error:
            return await self._stand_in(session, entity, system, ids, error)
        self._note(session, entity, system, parts, Source.OWNER)
        return parts

    async def _stand_in(
        self,
        session: ReadSession,
        entity: type,
        system: System,
        ids: Sequence[str],
        error: ConcordError,
    ) -> Parts:
        """The projection's word in the place of an owner that failed.

        What it does not know either is one fault of the session; when it knows nothing at all of
        what the anchor was asked, the anchor's error is raised.
        """
        known = (await self._projected.select_parts(entity, [system], ids))[system]
        lost = [i for i in ids if i not in known.parts and i not in known.gone]
        if len(lost) == len(ids) and system is anchor(entity):
            raise error
        if lost:
            session.blame(system, error, len(lost))
        parts = with_reason(known.parts, error.code)
        if len(lost) < len(ids):
            self._note(session, entity, system, parts, Source.PROJECTION, error.code)
        return parts

    def _note(
        self,
        session: ReadSession,
        entity: type,
        system: System,
        parts: Parts,
        source: Source,
        reason: str | None = None,
    ) -> None:
        session.note(entity, system, parts, source=source, now=self._clock(), reason=reason)


def guests(entity: type, stored: frozenset[str]) -> list[System]:
    """The owners of the fields other than the anchor."""
    return [system for system in systems_of(entity, stored) if system is not anchor(entity)]


def _since(moment: datetime, parts: Parts) -> Parts:
    return {
        record_id: part
        for record_id, part in parts.items()
        if part.provenance.as_of is not None and part.provenance.as_of >= moment
    }
