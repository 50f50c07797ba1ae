"""Reading touched records back from their system, for systems whose rows are not records.

The read happens under a lock per (system, type) that is held until the batch commits. Whoever
holds it reads a state at least as new as any committed before, so what is read back needs no
fence: it is the newest there is. It comes before the batch locks any row, so that whoever waits for
these rows does not wait for the owner; the batch's own rows are older than what is read.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import asyncpg

from schema.entity import FilterOp, entity_name
from schema.errors import Unavailable
from schema.system import System
from sync.changes import Change, Touched
from sync.connectors.binding import Binding, Row
from sync.connectors.cells import text_of, texts_of
from sync.connectors.codec import decode, version_of
from sync.connectors.ports import Condition, Reads, RowQuery, Rows

_PAGE = 100
"""Few enough that a system which works each record out answers in time, however many are due."""

_LOCK = "SELECT pg_advisory_xact_lock(hashtext($1))"
_ALIVE = "SELECT 1"
"""Said between two pages: the server ends a session that is silent in its transaction."""


async def read_back(
    connection: asyncpg.Connection,
    connectors: Mapping[System, Reads],
    touched: Iterable[Touched],
    within: timedelta,
) -> list[Change]:
    """The present state of every touched record; one that is gone comes back as a delete.

    Of one that is gone and was not touched by its key, nobody can say the key: it does not come
    back. Raises Unavailable when a system does not answer a page `within` the time: the batch must
    be tried again.
    """
    changes: list[Change] = []
    for binding, by_column in _in_turn(touched):
        await connection.execute(_LOCK, _lock_of(binding))
        owner = _Owner(connection, connectors[binding.system], within)
        present: dict[str, Change] = {}
        for column, latest in by_column.items():
            rows = await owner.named(binding, column, list(latest))
            for change in _changes(binding, column, latest, rows):
                _take(present, change)
        changes += present.values()
    return changes


def _take(present: dict[str, Change], change: Change) -> None:
    """Several touches may name one record, which is told once: as news, if one of them was."""
    known = present.get(change.key)
    if known is None or known.lsn is None:
        present[change.key] = change


def _changes(
    binding: Binding, column: str, latest: Mapping[str, Touched], rows: Mapping[str, list[Row]]
) -> Iterator[Change]:
    """One for each row that a touch names; one for a touched key that names none."""
    for name, touch in latest.items():
        for row in rows.get(name, ()):
            yield _change(binding, touch, row)
        if name not in rows and column == binding.key:
            yield _change(binding, touch, None)


@dataclass(frozen=True, slots=True)
class _Owner:
    """A system that is asked while the batch's transaction is open."""

    connection: asyncpg.Connection
    connector: Reads
    within: timedelta

    async def named(
        self, binding: Binding, column: str, names: Sequence[str]
    ) -> Mapping[str, list[Row]]:
        """The rows there are, by what the touches call them."""
        found: dict[str, list[Row]] = defaultdict(list)
        for start in range(0, len(names), _PAGE):
            wanted = tuple(names[start : start + _PAGE])
            condition = Condition(column=column, op=FilterOp.IN, value=wanted)
            for row in await self._every(RowQuery(binding=binding, where=(condition,))):
                for cell in texts_of(row[column]):
                    found[cell].append(row)
        return found

    async def _every(self, query: RowQuery) -> list[Row]:
        """A name of what records share may name more of them than a page holds."""
        page = await self._page(query)
        rows = [*page.rows]
        while page.has_more and page.rows:
            last = text_of(page.rows[-1][query.binding.key])
            page = await self._page(replace(query, after=last))
            rows += page.rows
        return rows

    async def _page(self, query: RowQuery) -> Rows:
        system, seconds = self.connector.system, self.within.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                page = await self.connector.fetch(query)
        except TimeoutError as error:
            raise Unavailable(
                f"{system.name} did not answer within {seconds:g} s.", system=system
            ) from error
        await self.connection.execute(_ALIVE)
        return page


def _change(binding: Binding, touch: Touched, row: Row | None) -> Change:
    version = None if row is None else version_of(binding, row)
    return Change(
        binding=binding,
        record=touch.record,
        key=touch.key if row is None else str(row[binding.key]),
        anchor_key=None if row is None else text_of(row.get(binding.anchor_key)),
        values={} if row is None else decode(binding, row),
        copies={} if row is None else decode(binding, row, copies=True),
        lsn=_lsn(touch, version),
        version=version,
        as_of=touch.as_of,
        is_delete=row is None,
        is_partial=row is not None,
        is_beside=touch.is_beside,
    )


def _lsn(touch: Touched, version: int | None) -> int | None:
    """Where captured rows are ordered by version, what was read back keeps older ones out.

    After a delete any version may come again: a record made anew starts from the first.
    """
    if touch.is_read:
        return None
    return version or 0 if touch.is_beside else 0


def _in_turn(
    touched: Iterable[Touched],
) -> list[tuple[Binding, Mapping[str, Mapping[str, Touched]]]]:
    """The latest touch of each name, by binding and by the column that holds the name.

    In the order of the locks, so that two batches never wait for each other.
    """
    grouped: dict[Binding, dict[str, dict[str, Touched]]] = defaultdict(lambda: defaultdict(dict))
    for touch in touched:
        grouped[touch.binding][touch.column][touch.key] = touch
    return sorted(grouped.items(), key=lambda pair: _lock_of(pair[0]))


def _lock_of(binding: Binding) -> str:
    return f"read back {binding.system.value} {entity_name(binding.entity)}"
