"""What the projection knows already is refused before it is staged, while that is what comes.

A consumer that starts again from an old offset, or a capture that sends a day again, brings rows
that the fence refuses one by one. Asking first is several times cheaper than staging them, and a
little dearer for what is new: so it is asked only after mostly old rows came.
"""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from sync.apply.identify import Identified
from sync.apply.staging import place_cells
from sync.changes import Change
from sync.connectors.binding import Binding
from sync.store.projection_writes import news_sql, standing_sql

_MOSTLY = 0.5


class Replays:
    """The bindings whose rows were mostly old the last time."""

    def __init__(self) -> None:
        self._replayed: set[Binding] = set()

    def saw(self, binding: Binding, *, staged: int, taken: int) -> None:
        """How many of the rows that were staged the fence has let in."""
        if taken < staged * _MOSTLY:
            self._replayed.add(binding)

    async def news(
        self, connection: asyncpg.Connection, binding: Binding, known: Identified, epoch: int
    ) -> Identified:
        """The changes that the fence would let in; all of them where that is not worth asking."""
        if binding not in self._replayed or not known:
            return known
        ids, changes = zip(*known, strict=True)
        rows = await connection.fetch(news_sql(binding), ids, *place_cells(changes, epoch))
        if len(rows) > len(known) * _MOSTLY:
            self._replayed.discard(binding)
        return [known[at] for (at,) in rows]


async def standing(
    connection: asyncpg.Connection, binding: Binding, changes: Mapping[str, Change]
) -> Mapping[str, Change]:
    """Those of the changes, by record id, that the fence has let in: their place is the row's."""
    partitions, offsets, *_ = place_cells(changes.values(), epoch=0)
    rows = await connection.fetch(standing_sql(binding), list(changes), partitions, offsets)
    return {record_id: changes[record_id] for (record_id,) in rows}
