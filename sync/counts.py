"""Counts: how many records a whole list holds, whatever page of it is read.

No owner counts, so the projection does. It stops at a bound: nobody reads on after ten thousand,
and counting millions would cost what a list never does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from schema.edges import EdgeLoad, GraphEdge
from sync.caught_up import CaughtUp
from sync.lists import Near
from sync.policy import Filter, require_filter
from sync.read.projected import Projected
from sync.read.tallies import Tallies
from sync.reading import Reading
from sync.session import ReadSession

MOST = 10_000
"""As far as anybody counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of records; one that is not exact says that there are more."""

    value: int
    is_exact: bool


def count_of(found: int) -> Count:
    return Count(value=min(found, MOST), is_exact=found <= MOST)


class Counts:
    """Raises Unavailable while the projection has not caught up with what the caller knows."""

    def __init__(self, reading: Reading, pool: asyncpg.Pool) -> None:
        self._caught_up = CaughtUp(reading, Projected(pool))
        self._tallies = Tallies(pool, MOST)

    async def of_list(self, session: ReadSession, entity: type, filters: Sequence[Filter]) -> Count:
        """Of all the records of a type that pass the filters."""
        for narrowed in filters:
            require_filter(entity, narrowed)
        await self._caught_up.require(session, entity)
        found = await self._tallies.of_list(entity, filters)
        if not found:
            await self._caught_up.require_filled(session, entity)
        return count_of(found)

    async def of_each(
        self,
        session: ReadSession,
        edge: GraphEdge,
        nears: Sequence[Near],
        filters: Sequence[Filter],
    ) -> Mapping[Near, Count]:
        """Of the list at the far end of each near end."""
        await self._caught_up.require(session, edge.target)
        is_held = edge.load is EdgeLoad.BY_ID
        found = await (self._held if is_held else self._referring)(edge, nears, filters)
        if not any(found.values()):
            await self._caught_up.require_filled(session, edge.target)
        return {near: count_of(number) for near, number in found.items()}

    async def _held(
        self, edge: GraphEdge, nears: Sequence[Near], filters: Sequence[Filter]
    ) -> Mapping[Near, int]:
        ids = list(dict.fromkeys(one for near in nears for one in near))
        passing = await self._tallies.passing(edge.target, ids, filters)
        return {near: sum(one in passing for one in near) for near in nears}

    async def _referring(
        self, edge: GraphEdge, nears: Sequence[Near], filters: Sequence[Filter]
    ) -> Mapping[Near, int]:
        asked = list(dict.fromkeys(str(near) for near in nears))  # two fields may lead to one
        counted = await self._tallies.of_each(edge.target, edge.key, asked, filters)
        return {near: counted[str(near)] for near in nears}
