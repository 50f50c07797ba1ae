"""Reads: owners first, the projection by policy or in the place of an owner that fails.

Each part of a record is read on its own: an owner that answers is shown live even while another
one is down. Per owner and call there is one batched fetch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import asyncpg

from schema.entity import anchor
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
    keyset_of,
    require_filter,
    seal_cursor,
    stored_fields,
    systems_of,
)
from sync.read.owners import Connectors, Owners
from sync.read.parts import Stretch, assemble, by_reference
from sync.read.projected import Projected
from sync.read.sources import Sources, guests
from sync.records import Record
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
        self._sources = Sources(self.owners, self._projected, clock)

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
        parts = await self._sources.parts(session, entity, systems, wanted, stored)
        home = anchor(entity)
        if home not in systems:
            strangers = [i for i in wanted if not any(i in seen for seen in parts.values())]
            parts |= await self._sources.parts(session, entity, [home], strangers, stored)
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

        stretch = await self._sources.stretch(session, entity, stored, live, projected)
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
        keyset = keyset_of(paging)
        for narrowed in filters:
            require_filter(entity, narrowed)
        await self.settle(session)
        stored = stored_fields(entity, fields)

        async def live() -> Stretch:
            return await self.owners.fetch_page(
                entity, filters, keyset, session.deadline, fields=session.decoded(stored)
            )

        async def projected(systems: Sequence[System]) -> Stretch:
            return await self._projected.select_page(entity, systems, filters, keyset)

        stretch = await self._sources.stretch(session, entity, stored, live, projected)
        records = await self._complete(session, entity, stretch, stored)
        keys = (part.provenance.record_key for part in stretch.parts[anchor(entity)].values())
        return RecordPage(
            records=tuple(records.values()),
            cursors=tuple(seal_cursor(key or "") for key in keys),
            has_next=keyset.before is not None if keyset.is_backward else stretch.has_more,
            has_previous=stretch.has_more if keyset.is_backward else keyset.after is not None,
        )

    async def deleted(self, entity: type, ids: Sequence[str]) -> Mapping[str, datetime]:
        """When the records were deleted that were, as far as the projection has heard."""
        return await self._projected.deleted(entity, ids)

    async def settle(self, session: ReadSession) -> None:
        """Turn AFTER into PROJECTED once the projection shows the write, else into LIVE."""
        if session.policy.kind is PolicyKind.AFTER:
            is_there = await self.shows(session.policy, _TOKEN_WAIT)
            lagging = replace(session.policy, kind=PolicyKind.LIVE)
            session.policy = PROJECTED if is_there else lagging

    async def shows(self, policy: ReadPolicy, wait: timedelta) -> bool:
        """Whether the projection shows the write of the policy's token within `wait`."""
        return await self._projected.shows(unseal_token(policy.token or ""), wait)

    async def _complete(
        self, session: ReadSession, entity: type, stretch: Stretch, stored: frozenset[str]
    ) -> Mapping[str, Record]:
        """The records of a stretch with the parts of the type's other owners."""
        ids = tuple(stretch.parts[anchor(entity)])
        missing = [s for s in guests(entity, stored) if s not in stretch.parts]
        others = await self._sources.parts(session, entity, missing, ids, stored) if ids else {}
        return assemble(entity, ids, {**stretch.parts, **others}, stored)
