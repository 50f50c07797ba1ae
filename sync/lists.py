"""Lists: from the anchor where it can cut them itself, else cut in the projection.

A list in the anchor's own order, narrowed by the anchor's own fields, is the anchor's to cut. One
that is ordered, or narrowed by a field of another owner, spans systems: the projection decides
which records it holds and in which order, and their parts are then read as the policy says. So
are pages of edges that lead to many thousand records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import asyncpg

from schema.edges import EdgeLoad, GraphEdge
from schema.entity import anchor, owned_fields
from schema.listing import deciding_systems, filterable_fields, is_at_anchor
from schema.system import System
from sync.caught_up import CaughtUp, behind
from sync.clock import Clock
from sync.ordering import Cut, Mark, Order, cut_of, require_order, seal_mark
from sync.policy import (
    Filter,
    Paging,
    RecordPage,
    ends_of,
    keyset_of,
    require_filter,
    seal_cursor,
)
from sync.read.cuts import Cuts, Slice
from sync.read.parts import oldest
from sync.read.projected import Projected
from sync.reading import Reading
from sync.records import Record
from sync.session import ReadSession

Near = str | tuple[str, ...]
"""The near end of an edge: its id, or the far ids that it holds."""


class Lists:
    """Pages of lists. A record that its anchor no longer knows is left out of its page."""

    def __init__(self, reading: Reading, pool: asyncpg.Pool, clock: Clock) -> None:
        self._reading = reading
        self._projected = Projected(pool)
        self._caught_up = CaughtUp(reading, self._projected)
        self._cuts = Cuts(pool)
        self._clock = clock

    async def page(
        self,
        session: ReadSession,
        entity: type,
        filters: Sequence[Filter],
        order: Order | None,
        paging: Paging,
        fields: frozenset[str],
    ) -> RecordPage:
        """One page of all the records of a type that pass the filters.

        Raises Unavailable when the projection has to cut it and holds nothing of the type yet.
        """
        for narrowed in filters:
            require_filter(entity, narrowed)
        if order is not None:
            require_order(entity, order)
        elif self._can_push_down(entity, filters):
            return await self._reading.page(session, entity, filters, paging, fields)
        await self._caught_up.require(session, entity)
        if order is None:
            return await self._page_by_key(session, entity, filters, paging, fields)
        cut = cut_of(paging, order, filters)
        found = await self._cuts.select(entity, cut)
        if not found.marks:
            await self._caught_up.require_filled(session, entity)
        self._note(session, entity, [found])
        records = await self._records(session, entity, [found], fields)
        return _page(found, cut, records)

    async def far_pages(
        self,
        session: ReadSession,
        edge: GraphEdge,
        asked: Sequence[tuple[Near, Cut]],
        fields: frozenset[str],
    ) -> list[RecordPage]:
        """The page of each near end: one query per distinct cut, one batched read of the parts."""
        await self._reading.settle(session)
        is_held = edge.load is EdgeLoad.BY_ID
        slices = await (self._ranked if is_held else self._sliced)(session, edge, asked)
        if slices is None:
            return await self._uncut_pages(session, edge, asked, fields)
        records = await self._records(session, edge.target, slices, fields)
        return [_page(found, cut, records) for found, (_, cut) in zip(slices, asked, strict=True)]

    def _can_push_down(self, entity: type, filters: Sequence[Filter]) -> bool:
        """Whether the anchor can carry all the comparisons out."""
        fields, owners = filterable_fields(entity), self._reading.owners
        return all(
            is_at_anchor(entity, fields[narrowed.field]) and owners.can_narrow(entity, narrowed)
            for narrowed in filters
        )

    async def _page_by_key(
        self,
        session: ReadSession,
        entity: type,
        filters: Sequence[Filter],
        paging: Paging,
        fields: frozenset[str],
    ) -> RecordPage:
        """In the anchor's key order, so that its cursors are those of the anchor's own list."""
        keyset = keyset_of(paging)
        systems = deciding_systems(entity, frozenset(narrowed.field for narrowed in filters))
        found = await self._projected.select_page(entity, systems, filters, keyset)
        listed = found.parts[anchor(entity)]
        if not listed:
            await self._caught_up.require_filled(session, entity)
        decided = {system: oldest(parts) for system, parts in found.parts.items()}
        session.note_cut(entity, decided, len(listed), self._clock())
        records = await self._reading.by_ids(session, entity, list(listed), fields)
        cursors = {i: seal_cursor(part.provenance.record_key or "") for i, part in listed.items()}
        return RecordPage(
            records=tuple(records.values()),
            cursors=tuple(cursors[i] for i in records),
            has_next=keyset.before is not None if keyset.is_backward else found.has_more,
            has_previous=found.has_more if keyset.is_backward else keyset.after is not None,
            ends=ends_of(tuple(cursors.values())),
        )

    async def _sliced(
        self, session: ReadSession, edge: GraphEdge, asked: Sequence[tuple[Near, Cut]]
    ) -> list[Slice] | None:
        """What the projection lists for each; None where it must not be asked, or holds nothing."""
        if await self._caught_up.lags(session, edge.target):
            return None
        nears: dict[Cut, list[str]] = {}
        for near, cut in asked:
            nears.setdefault(cut, []).append(str(near))
        found = {
            cut: await self._cuts.select_each(edge.target, edge.key, some, cut)
            for cut, some in nears.items()
        }
        slices = [found[cut][str(near)] for near, cut in asked]
        is_empty = not any(one.marks for one in slices)
        if is_empty and await self._caught_up.may_be_empty(session, edge.target):
            return None
        self._note(session, edge.target, slices)
        return slices

    async def _ranked(
        self, session: ReadSession, edge: GraphEdge, asked: Sequence[tuple[Near, Cut]]
    ) -> list[Slice]:
        """Of far ids that the near ends hold: each in order, those unknown here last."""
        held: dict[Cut, dict[str, None]] = {}
        for near, cut in asked:
            held.setdefault(cut, {}).update(dict.fromkeys(near))
        found = {
            cut: await self._cuts.ranks(edge.target, list(ids), cut) for cut, ids in held.items()
        }
        self._note(session, edge.target, list(found.values()))
        places = {
            cut: {mark.id: place for place, mark in enumerate(one.marks)}
            for cut, one in found.items()
        }
        return [_window(_in_order(near, places[cut], cut), cut) for near, cut in asked]

    async def _uncut_pages(
        self,
        session: ReadSession,
        edge: GraphEdge,
        asked: Sequence[tuple[Near, Cut]],
        fields: frozenset[str],
    ) -> list[RecordPage]:
        """Pages of complete lists from the anchor, where that can find them by the edge's key.

        Only the projection could put them in order, or narrow them by what other owners say.
        """
        if not is_at_anchor(edge.target, owned_fields(edge.target)[edge.key]):
            raise behind(edge.target)
        nears = list(dict.fromkeys(str(near) for near, _ in asked))
        found = await self._reading.by_key(session, edge.target, edge.key, nears, fields)
        if any(found.values()) and any(cut.order or cut.filters for _, cut in asked):
            raise behind(edge.target)
        records = {record.id: record for far in found.values() for record in far}
        return [
            _page(_window(sorted(r.id for r in found[str(near)]), cut, str(near)), cut, records)
            for near, cut in asked
        ]

    async def _records(
        self,
        session: ReadSession,
        entity: type,
        slices: Sequence[Slice],
        fields: frozenset[str],
    ) -> Mapping[str, Record]:
        ids = dict.fromkeys(mark.id for one in slices for mark in one.marks)
        return await self._reading.by_ids(session, entity, list(ids), fields) if ids else {}

    def _note(self, session: ReadSession, entity: type, slices: Sequence[Slice]) -> None:
        """One line per owner for the whole level, as old as the oldest of its words."""
        decided: dict[System, datetime | None] = {}
        for one in slices:
            for system, as_of in one.decided.items():
                known = [moment for moment in (decided.get(system), as_of) if moment is not None]
                decided[system] = min(known, default=None)
        session.note_cut(entity, decided, sum(len(one.marks) for one in slices), self._clock())


def _page(found: Slice, cut: Cut, records: Mapping[str, Record]) -> RecordPage:
    cursors = {mark.id: seal_mark(mark, cut.order) for mark in found.marks}
    kept = [record_id for record_id in cursors if record_id in records]
    return RecordPage(
        records=tuple(records[record_id] for record_id in kept),
        cursors=tuple(cursors[record_id] for record_id in kept),
        has_next=found.is_bounded if cut.is_backward else found.has_more,
        has_previous=found.has_more if cut.is_backward else found.is_bounded,
        ends=ends_of(tuple(cursors.values())),
    )


def _in_order(held: Sequence[str], places: Mapping[str, int], cut: Cut) -> list[str]:
    passing = [record_id for record_id in held if record_id in places or not cut.filters]
    return sorted(passing, key=lambda record_id: places.get(record_id, len(places)))


def _window(ids: Sequence[str], cut: Cut, near: str | None = None) -> Slice:
    """The stretch of a complete list; a cursor of another list has no effect."""
    start = _place(ids, cut.after, otherwise=-1) + 1
    stop = _place(ids, cut.before, otherwise=len(ids))
    places = range(start, stop)
    kept = places[-cut.limit :] if cut.is_backward else places[: cut.limit]
    return Slice(
        marks=tuple(Mark(values=(), id=ids[place], near=near) for place in kept),
        has_more=len(kept) < len(places),
        is_bounded=stop < len(ids) if cut.is_backward else start > 0,
        decided={},
    )


def _place(ids: Sequence[str], mark: Mark | None, *, otherwise: int) -> int:
    if mark is None or mark.id not in ids:
        return otherwise
    return ids.index(mark.id)
