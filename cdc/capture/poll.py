"""Polling: what has changed at an owner that is reached by its API alone.

Each turn asks for what changed since the mark, less an overlap, in the order of (time, key); pages
are appended before the mark moves. The overlap covers what was committed late under an earlier
time, and clocks that differ. What it shows again is known by its version and appends nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import asyncpg

from cdc.capture.api_rows import Collection, Op
from cdc.log.port import Appends, NewRecord
from sync.connectors.binding import Row
from sync.connectors.ports import PAGE_LIMIT, ChangedQuery, Polls
from sync.store.holdings import Held, held_of, parked_versions

_MARK = "SELECT changed_at, filled_at FROM poll_mark WHERE (system, collection) = ($1, $2)"
_MOVE = """
INSERT INTO poll_mark (system, collection, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (system, collection) DO UPDATE SET changed_at = excluded.changed_at
WHERE poll_mark.changed_at IS NULL OR poll_mark.changed_at < excluded.changed_at
"""
_FILLED = """
INSERT INTO poll_mark (system, collection, filled_at) VALUES ($1, $2, now())
ON CONFLICT (system, collection) DO UPDATE SET filled_at = coalesce(poll_mark.filled_at, now())
"""


_MOST_REMEMBERED = 50_000
"""Rows on their way to the projection; one that is forgotten is appended twice and applied once."""


_TICK = timedelta(milliseconds=1)
"""Envelopes tell time no finer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far a collection has been read; `op` is what its rows are until it is filled."""

    changed_at: datetime | None
    filled_at: datetime | None

    @property
    def op(self) -> Op:
        return "r" if self.filled_at is None else "u"


class _Seen(NamedTuple):
    """What a row says of itself."""

    version: int | None
    changed_at: datetime


class Desk:
    """Appends those rows of one collection that say something new."""

    def __init__(
        self, collection: Collection, log: Appends, pool: asyncpg.Pool, now: Callable[[], datetime]
    ) -> None:
        self.collection = collection
        self.now = now
        self._log = log
        self._pool = pool
        self._sent: dict[str, _Seen] = {}

    async def mark(self) -> Mark:
        row = await self._pool.fetchrow(_MARK, *self._names)
        return Mark(**row) if row else Mark(changed_at=None, filled_at=None)

    async def move(self, changed_at: datetime) -> None:
        """Forward only: another process may be further."""
        await self._pool.execute(_MOVE, *self._names, changed_at)

    async def filled(self) -> None:
        await self._pool.execute(_FILLED, *self._names)

    async def take(self, op: Op, rows: Sequence[Row]) -> int:
        """Append what the rows say that is not known yet, and answer how many they were."""
        told = {self.collection.key_of(row): row for row in rows}
        records = {key: self.collection.write(op, row, self.now()) for key, row in told.items()}
        held, parked = await self._known(records)
        new: dict[str, NewRecord] = {}
        for key, row in told.items():
            seen = _Seen(self.collection.version_of(row), self.collection.changed_at(row))
            if self._sent.get(key) == seen or (key in parked and parked[key] == seen.version):
                continue
            if (news := self._news(key, seen, held.get(key), records[key])) is not None:
                new[key] = news
                self._remember(key, seen)
        await self._append(new)
        return len(new)

    async def tell(self, rows: Sequence[Row]) -> None:
        """Append all of them, whatever is known; what is held in a newer version is read back."""
        told = {self.collection.key_of(row): row for row in rows}
        async with self._pool.acquire() as connection:
            held = await held_of(connection, self.collection.bindings, list(told))
        versions = {key: self.collection.version_of(row) or 0 for key, row in told.items()}
        older = {key for key, known in held.items() if versions[key] < known.version}
        await self._log.append(
            [
                self.collection.hint(key)
                if key in older
                else self.collection.write("r", row, self.now())
                for key, row in told.items()
            ]
        )

    def _news(
        self, key: str, seen: _Seen, held: Held | None, record: NewRecord
    ) -> NewRecord | None:
        """What a row says beyond what is held: itself, a hint that it is another, or nothing."""
        if held is not None and _was_made_anew(seen, held):
            return self.collection.hint(key)
        return record if held is None or seen.version != held.version else None

    def forget(self, before: datetime) -> None:
        """Forget what was appended of rows that changed `before` then: no turn shows them again."""
        self._sent = {key: seen for key, seen in self._sent.items() if seen.changed_at >= before}

    async def _known(
        self, records: Mapping[str, NewRecord]
    ) -> tuple[Mapping[str, Held], Mapping[str, int]]:
        """What is held, and the versions that are parked, by key."""
        raw = {record.key: key for key, record in records.items() if record.key}
        async with self._pool.acquire() as connection:
            held = await held_of(connection, self.collection.bindings, list(records))
            parked = await parked_versions(connection, self.collection.topic, list(raw))
        return held, {raw[key]: version for key, version in parked.items()}

    async def _append(self, new: Mapping[str, NewRecord]) -> None:
        """What is not in the log is not remembered as sent."""
        try:
            await self._log.append(list(new.values()))
        except BaseException:
            for key in new:
                self._sent.pop(key, None)
            raise

    def _remember(self, key: str, seen: _Seen) -> None:
        self._sent.pop(key, None)
        self._sent[key] = seen
        if len(self._sent) > _MOST_REMEMBERED:
            del self._sent[next(iter(self._sent))]

    @property
    def _names(self) -> tuple[str, str]:
        return self.collection.binding.system.value, self.collection.table


def _was_made_anew(seen: _Seen, held: Held) -> bool:
    """Whether another record has the key now: its version went back, or not on though it changed.

    As a row it would look old, so it is to be read back.
    """
    if seen.version is None or seen.version > held.version:
        return False
    return seen.version < held.version or seen.changed_at - held.as_of >= _TICK


async def poll_turn(desk: Desk, owner: Polls, overlap: timedelta, limit: int = PAGE_LIMIT) -> int:
    """Append all that has changed since the mark, and answer how many rows that were.

    Raises Unavailable when the owner, the log or the database does not answer: the mark stands
    before the first row that is not in the log.
    """
    mark = await desk.mark()
    since = None if mark.changed_at is None else mark.changed_at - overlap
    after: tuple[datetime, str] | None = None
    appended, has_more = 0, True
    while has_more:
        query = ChangedQuery(binding=desk.collection.binding, since=since, after=after, limit=limit)
        page = await owner.changed(query)
        appended += await desk.take(mark.op, page.rows)
        if page.rows:
            last = page.rows[-1]
            after = (desk.collection.changed_at(last), desk.collection.key_of(last))
            # Where an owner's clock is ahead, a mark in the future would pass over what follows.
            await desk.move(min(after[0], desk.now()))
        has_more = page.has_more and bool(page.rows)
    await desk.filled()
    if since is not None:
        desk.forget(since)
    return appended
