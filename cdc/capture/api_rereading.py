"""Reading a table again through its owner's API: the re-snapshots of a system that is not captured.

All rows are appended again, whatever is known of them. A page says which keys lie between its first
row and its last; known records between them that it did not show are read back from their owner,
who says that they are gone. So nothing has to be remembered but the last key, and each page may be
read by itself, with polls in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

from cdc.capture.api_rows import Collection
from cdc.capture.poll import Desk
from cdc.log.port import Appends
from schema.entity import FilterOp
from schema.errors import ConcordError, Invalid
from sync.connectors.binding import Row
from sync.connectors.ports import PAGE_LIMIT, Condition, Reads, RowQuery
from sync.resnapshots import KeyRange, Resnapshot, Resnapshots
from sync.store.holdings import unmet_of

_log = structlog.get_logger(__name__)

_NOW = "SELECT clock_timestamp()"
_HISTORY = 1
"""Where the owner's history stands: versions count each record's own, and no keys change in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """Rows, and the key up to which there are no others; None: up to the end of the range."""

    rows: tuple[Row, ...]
    up_to: str | None


class ApiRereading:
    """The re-snapshots of one owner. Runs where nobody else captures it: see `ApiCapture`."""

    def __init__(
        self,
        desks: Iterable[Desk],
        owner: Reads,
        log: Appends,
        pool: asyncpg.Pool,
        resnapshots: Resnapshots,
        limit: int = PAGE_LIMIT,
    ) -> None:
        self._desks: Mapping[str, Desk] = {desk.collection.table: desk for desk in desks}
        self._owner = owner
        self._log = log
        self._pool = pool
        self._resnapshots = resnapshots
        self._limit = limit

    async def read_on(self) -> bool:
        """Read the next page of what is asked for, where it was cut off; False when nothing is.

        What the owner refuses fails that re-snapshot alone: asking again is no use. Raises
        Unavailable when the owner, the log or the database does not answer.
        """
        system = self._owner.system.value
        wanted = await self._resnapshots.next(system, "asked", "reading")
        if wanted is None:
            return False
        try:
            await self._read(self._desk_of(wanted), wanted)
        except ConcordError as refusal:
            if refusal.is_retryable:
                raise
            await self._resnapshots.settle(wanted, failure=refusal.message)
            _log.warning("resnapshot.failed", topic=wanted.topic, why=refusal.message)
        return True

    def _desk_of(self, wanted: Resnapshot) -> Desk:
        desk = self._desks.get(wanted.table)
        if desk is None:
            raise Invalid(f"{wanted.table} is not read")
        return desk

    async def _read(self, desk: Desk, wanted: Resnapshot) -> None:
        """Append the page behind what is reached, and say how far that is."""
        if wanted.state == "asked":
            await self._resnapshots.begin(wanted, _HISTORY)
            _log.info("resnapshot.begun", topic=wanted.topic)
        after = wanted.reached[0] if wanted.reached else None
        began_at = await self._pool.fetchval(_NOW)
        page = await self._fetch(desk.collection, wanted.keys, after)
        await desk.tell(page.rows)
        await self._tell_unmet(desk.collection, wanted.keys, page, after, began_at)
        told = wanted.reached if page.up_to is None else (page.up_to,)
        await self._resnapshots.reach(wanted, told, len(page.rows))
        if page.up_to is None:
            await self._resnapshots.finish(wanted)
            _log.info("resnapshot.read", topic=wanted.topic)

    async def _fetch(self, collection: Collection, keys: KeyRange, after: str | None) -> _Page:
        """The page behind a key; the lowest of the range is a page of its own."""
        binding = collection.binding
        if after is None and keys.low is not None:
            this = Condition(column=binding.key, op=FilterOp.IN, value=(keys.low,))
            found = await self._owner.fetch(RowQuery(binding=binding, where=(this,)))
            return _Page(rows=found.rows, up_to=keys.low)
        query = RowQuery(binding=binding, after=after, limit=self._limit)
        found = await self._owner.fetch(query)
        rows = tuple(row for row in found.rows if keys.reaches(collection.key_of(row)))
        is_last = not (found.has_more and rows) or len(rows) < len(found.rows)
        return _Page(rows=rows, up_to=None if is_last else collection.key_of(rows[-1]))

    async def _tell_unmet(
        self,
        collection: Collection,
        keys: KeyRange,
        page: _Page,
        after: str | None,
        began_at: datetime,
    ) -> None:
        """Have those read back that were known before the page and have no place on it."""
        met = [collection.key_of(row) for row in page.rows]
        low, high = after or keys.low, page.up_to or keys.high
        async with self._pool.acquire() as connection:
            unmet = await unmet_of(
                connection,
                collection.bindings,
                KeyRange(low=low, high=high),
                met if after is None else [*met, after],
                began_at,
            )
        await self._log.append([collection.hint(key) for key in unmet])
