"""The log as a rebuild reads it: no further than the live projection is, and as it was settled."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice, takewhile
from operator import attrgetter
from typing import NamedTuple

import asyncpg
import msgspec

from cdc.decode import Decoder
from cdc.envelope.reader import EnvelopeReader
from cdc.log.port import Consumes, LogRecord
from schema.position import LogPartition, Position, Topic
from sync.apply.parking import LetterState
from sync.changes import Incoming
from sync.connectors.binding import Binding

_SETTLED = """
SELECT topic, partition, "offset", state, edited FROM dead_letter
WHERE state = 'discarded' OR state = 'applied' AND edited IS NOT NULL
"""


class _Waiting(NamedTuple):
    """A record, and when it was appended; never earlier than the one before it."""

    appended_at: datetime
    record: LogRecord


_appended_at = attrgetter("appended_at")
Settled = Mapping[Position, bytes | None]
"""The value that was applied in place of a record's own; None where it was given up."""


class BoundedLog:
    """A consumer that reads up to `bounds`, the next offsets of the live projection, and in order.

    Partitions are replayed in bulk, and a record that took another key has its history in two. So
    records come in the order in which they were appended, whatever their partition.
    """

    def __init__(self, log: Consumes) -> None:
        self._log = log
        self._bounds: Mapping[LogPartition, int] = {}
        self._next: dict[LogPartition, int] = {}
        self._waiting: dict[LogPartition, deque[_Waiting]] = defaultdict(deque)

    def read_up_to(self, bounds: Mapping[LogPartition, int]) -> None:
        """Go on to these offsets; they never become lower."""
        self._bounds = bounds

    async def poll(self, limit: int, wait: timedelta) -> Sequence[LogRecord]:
        """See `Consumes.poll`."""
        ready = self._take_ready(limit)
        if not ready:
            self._choose_lanes(limit)
            self._keep(await self._log.poll(limit, wait))
            ready = self._take_ready(limit)
        return ready

    async def assignment(self) -> frozenset[LogPartition]:
        return await self._log.assignment()

    def seek(self, partition: LogPartition, offset: int) -> None:
        self._waiting[partition].clear()
        self._next[partition] = offset
        self._log.seek(partition, offset)

    def pause(self, partition: LogPartition) -> None:
        """No need: which partitions are read follows from the bounds."""

    def resume(self, partition: LogPartition) -> None:
        """Likewise."""

    async def commit(self, offsets: Mapping[LogPartition, int]) -> None:
        """A replay leaves no trace in the log: nobody waits for its group."""

    async def close(self) -> None:
        await self._log.close()

    def _choose_lanes(self, limit: int) -> None:
        """Read on where records are lacking, and nowhere else."""
        for lane, position in self._next.items():
            is_lacking = position < self._bounds.get(lane, 0) and len(self._waiting[lane]) < limit
            (self._log.resume if is_lacking else self._log.pause)(lane)

    def _keep(self, records: Sequence[LogRecord]) -> None:
        beyond: dict[LogPartition, int] = {}
        for record in records:
            at, lane = record.position, record.position.lane
            if at.offset >= self._bounds.get(lane, 0):
                beyond.setdefault(lane, at.offset)
                continue
            waiting = self._waiting[lane]
            before = waiting[-1].appended_at if waiting else record.appended_at
            waiting.append(_Waiting(max(before, record.appended_at), record))
            self._next[lane] = at.offset + 1
        for lane, offset in beyond.items():
            self._log.seek(lane, offset)

    def _take_ready(self, limit: int) -> list[LogRecord]:
        """The first of what waits, as far as nothing older can come from another partition."""
        lacking = [lane for lane, end in self._bounds.items() if self._next.get(lane, 0) < end]
        if not all(self._waiting[lane] for lane in lacking):
            return []
        horizon = min((self._waiting[lane][-1].appended_at for lane in lacking), default=None)
        in_order = heapq.merge(*self._waiting.values(), key=_appended_at)
        known = takewhile(lambda one: horizon is None or one.appended_at <= horizon, in_order)
        ready = [record for _, record in islice(known, limit)]
        for record in ready:
            self._waiting[record.position.lane].popleft()
        return ready


class SettledDecoder(Decoder):
    """Records that became dead letters mean what whoever settled them made of them."""

    def __init__(
        self,
        bindings: Iterable[Binding],
        settled: Settled,
        envelopes: EnvelopeReader | None = None,
    ) -> None:
        super().__init__(bindings, envelopes)
        self._settled = settled

    def decode(self, record: LogRecord) -> Sequence[Incoming]:
        if record.position not in self._settled:
            return super().decode(record)
        value = self._settled[record.position]
        return [] if value is None else super().decode(msgspec.structs.replace(record, value=value))


async def settled_letters(pool: asyncpg.Pool) -> Settled:
    """The dead letters that were given up or edited; all others mean what they say."""
    return {
        Position(topic=Topic(row["topic"]), partition=row["partition"], offset=row["offset"]): (
            None if LetterState(row["state"]) is LetterState.DISCARDED else row["edited"]
        )
        for row in await pool.fetch(_SETTLED)
    }
