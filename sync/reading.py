"""Reads: owners first, the projection by policy or in the place of an owner that fails.

Each part of a record is read on its own: an owner that answers is shown live even while another
one is down. Per owner and call there is one batched fetch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg

from schema.entity import anchor
from schema.errors import ConcordError
from schema.system import System
from sync.clock import Clock
from sync.policy import (
    LIVE,
    PROJECTED,
    Filter,
    Paging,
    PolicyKind,
    ReadPolicy,
    RecordPage,
    key_range,
    require_filter,
    seal_cursor,
    stored_fields,
    systems_of,
)
from sync.read.owners import Connectors, Owners
from sync.read.parts import Parts, Stretch, assemble, by_reference, with_reason
from sync.read.projected import Projected
from sync.records import Record, Source
from sync.session import Fault, Fetch, ReadSession
from sync.token import unseal_token
from sync.xref import Xref

__all__ = [
    "LIVE",
    "PROJECTED",
    "Fault",
    "Fetch",
    "Filter",
    "Paging",
    "PolicyKind",
    "ReadPolicy",
    "ReadSession",
    "Reading",
    "RecordPage",
]

_TOKEN_WAIT = timedelta(seconds=2)


class Reading:
    """Canonical records by id, by reference, or page by page.

    `fields` are the canonical fields wanted, without `id`; their owners decide who is called, and
    a derived field stands for its sources. A record whose anchor does not know it does not exist.
    """

    def __init__(
        self,
        connectors: Connectors,
        xref: Xref,
        pool: asyncpg.Pool,
        clock: Clock,
        timeout: timedelta,
    ) -> None:
        self.xref = xref
        self.owners = Owners(connectors, xref, clock, timeout)
        self._projected = Projected(pool)
        self._clock = clock

    async def by_ids(
        self, session: ReadSession, entity: type, ids: Sequence[str], fields: frozenset[str]
    ) -> Mapping[str, Record]:
        """The records that exist, by id.

        When only guests of the type are asked, a record that none of them has is looked up at the
        anchor before it is left out.
        """
        await self.settle(session)
        wanted = tuple(dict.fromkeys(ids))
        stored = stored_fields(entity, fields)
        systems = systems_of(entity, stored)
        parts = await self._parts(session, entity, systems, wanted, stored)
        home = anchor(entity)
        if home not in systems:
            strangers = [i for i in wanted if not any(i in seen for seen in parts.values())]
            parts |= await self._parts(session, entity, [home], strangers, stored)
        known = parts[home] if home in systems else {i for seen in parts.values() for i in seen}
        return assemble(entity, [i for i in wanted if i in known], parts, stored)

    async def by_key(
        self,
        session: ReadSession,
        entity: type,
        key: str,
        values: Sequence[str],
        fields: frozenset[str],
    ) -> Mapping[str, tuple[Record, ...]]:
        """All records that hold one of `values` in the reference field `key`, in key order.

        The field may hold several: a record is found under each of them.
        """
        await self.settle(session)
        stored = stored_fields(entity, fields | {key})

        async def live() -> Stretch:
            return await self.owners.fetch_by_key(
                entity, key, values, session.deadline, fields=session.decoded(stored)
            )

        async def projected(systems: Sequence[System]) -> Stretch:
            return await self._projected.select_by_key(entity, systems, key, values)

        stretch = await self._stretch(session, entity, stored, live, projected)
        records = await self._complete(session, entity, stretch, stored)
        return by_reference(records.values(), key, values)

    async def page(
        self,
        session: ReadSession,
        entity: type,
        filters: Sequence[Filter],
        paging: Paging,
        fields: frozenset[str],
    ) -> RecordPage:
        """One page in ascending key order, whichever end it was taken from.

        The filters are those the anchor can carry out; `sync.lists` serves the others.
        """
        span = key_range(paging)
        for narrowed in filters:
            require_filter(entity, narrowed)
        await self.settle(session)
        stored = stored_fields(entity, fields)

        async def live() -> Stretch:
            return await self.owners.fetch_page(
                entity, filters, span, session.deadline, fields=session.decoded(stored)
            )

        async def projected(systems: Sequence[System]) -> Stretch:
            return await self._projected.select_page(entity, systems, filters, span)

        stretch = await self._stretch(session, entity, stored, live, projected)
        records = await self._complete(session, entity, stretch, stored)
        keys = (part.provenance.record_key for part in stretch.parts[anchor(entity)].values())
        return RecordPage(
            records=tuple(records.values()),
            cursors=tuple(seal_cursor(key or "") for key in keys),
            has_next=span.before is not None if span.is_backward else stretch.has_more,
            has_previous=stretch.has_more if span.is_backward else span.after is not None,
        )

    async def settle(self, session: ReadSession) -> None:
        """Turn AFTER into PROJECTED once the projection shows the write, else into LIVE."""
        if session.policy.kind is PolicyKind.AFTER:
            is_there = await self.shows(session.policy, _TOKEN_WAIT)
            lagging = replace(session.policy, kind=PolicyKind.LIVE)
            session.policy = PROJECTED if is_there else lagging

    async def shows(self, policy: ReadPolicy, wait: timedelta) -> bool:
        """Whether the projection shows the write of the policy's token within `wait`."""
        return await self._projected.shows(unseal_token(policy.token or ""), wait)

    async def _stretch(
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
            stretch = await projected([home, *_guests(entity, stored)])
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

    async def _complete(
        self, session: ReadSession, entity: type, stretch: Stretch, stored: frozenset[str]
    ) -> Mapping[str, Record]:
        """The records of a stretch with the parts of the type's other owners."""
        ids = tuple(stretch.parts[anchor(entity)])
        missing = [s for s in _guests(entity, stored) if s not in stretch.parts]
        others = await self._parts(session, entity, missing, ids, stored) if ids else {}
        return assemble(entity, ids, {**stretch.parts, **others}, stored)

    async def _parts(
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
            parts = await self.owners.fetch_parts(
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


def _guests(entity: type, stored: frozenset[str]) -> list[System]:
    """The owners of the fields other than the anchor."""
    return [system for system in systems_of(entity, stored) if system is not anchor(entity)]


def _since(moment: datetime, parts: Parts) -> Parts:
    return {
        record_id: part
        for record_id, part in parts.items()
        if part.provenance.as_of is not None and part.provenance.as_of >= moment
    }
