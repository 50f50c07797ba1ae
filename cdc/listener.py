"""The listener: from the log to the intake, one batch after the other.

It owns no truth. Where to read from comes from the offsets the intake has stored; a batch that
fails is read again. While Postgres applies a batch, the next one is read and decoded; what was
read ahead of a failure is dropped. What waits for another system (an owner that must be asked,
Postgres coming back) waits with backoff and loses nothing; what can never be applied is parked,
and the stream goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic

import asyncpg
import structlog

from cdc.batch import Batch
from cdc.decode import Decoder
from cdc.log.port import Consumes, LogRecord
from cdc.transactions import Told
from cdc.wholes import Wholes
from schema.errors import Unavailable
from schema.position import LogPartition, Topic
from sync.apply.parking import LetterClass, class_of
from sync.changes import Incoming, Reject
from sync.intake import Intake, Superseded
from sync.outage import OUTAGE, UNSTORABLE

log = structlog.get_logger(__name__)

_AGAIN = (
    Unavailable,
    *OUTAGE,
    asyncpg.TransactionRollbackError,  # the victim of a deadlock
    asyncpg.IdleInTransactionSessionTimeoutError,  # we hung, and the server took its locks back
)
_TELL_EVERY_S = 1.0
_SETTLE_EVERY_S = 1.0
_SETTLE_SHARE = 20
_STRETCH = 250
"""So many records are decoded before others on the event loop get a turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is taken at once, and how long the listener waits for more or for recovery.

    A row that is told of again and again among the `batch` is written once. A listener that is
    behind holds two batches: the one it applies and the one it has read ahead.
    """

    batch: int = 10_000
    wait: timedelta = timedelta(seconds=1)
    backoff: timedelta = timedelta(milliseconds=500)


Hears = Callable[[str, datetime], Awaitable[None]]
"""Told of the heartbeats of captures: the system, and when it was sent."""


class Listener:
    """One member of the consumer group; several processes share the partitions."""

    def __init__(
        self,
        consumer: Consumes,
        decoder: Decoder,
        intake: Intake,
        pace: Pace | None = None,
        wholes: Wholes | None = None,
        hears: Hears | None = None,
    ) -> None:
        self._consumer = consumer
        self._decoder = decoder
        self._intake = intake
        self._parked = intake.parked_topics
        self._pace = pace or Pace()
        self._wholes = wholes
        self._hears = hears
        self._next: dict[LogPartition, int] = {}
        self._applied: dict[LogPartition, int] = {}
        self._ahead: asyncio.Task[Batch] | None = None
        self._settle_at = self._tell_at = 0.0

    async def run(self) -> None:
        """Apply batches until cancelled."""
        try:
            while True:
                await self._step_or_wait()
        finally:
            await self.close()

    async def step(self) -> int:
        """Apply one batch and answer how many records it had; 0 when nothing came."""
        try:
            batch = await self._reading()
            self._ahead = None
            if batch.records:
                self._reading()
                await self._apply(batch)
            if not batch.records or monotonic() > self._settle_at:
                await self._settle()
        except BaseException:
            await self._start_over()
            raise
        return len(batch.records)

    async def close(self) -> None:
        """Drop what was read ahead and leave the group."""
        if self._ahead is not None:
            self._ahead.cancel()
        await self._start_over()
        await self._consumer.close()

    async def _step_or_wait(self) -> None:
        try:
            await self.step()
        except Superseded:
            log.info("listener.superseded")
        except _AGAIN as error:
            log.warning("listener.waiting", why=str(error) or type(error).__name__)
        else:
            return
        await asyncio.sleep(self._pace.backoff.total_seconds())

    def _reading(self) -> asyncio.Task[Batch]:
        """The read that is under way: never more than one, for the consumer takes one caller."""
        if self._ahead is None:
            self._ahead = asyncio.create_task(self._read(), name="read ahead")
        return self._ahead

    async def _start_over(self) -> None:
        """Drop what was read ahead, and read again from the stored offsets."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            await asyncio.wait([ahead])
            if not ahead.cancelled() and (error := ahead.exception()):
                log.info("listener.dropped", why=str(error) or type(error).__name__)
        self._next.clear()
        if self._wholes is not None:
            self._wholes.clear()

    async def _read(self) -> Batch:
        await self._tell()
        await self._follow_assignment()
        starts = dict(self._next)
        polled = await self._consumer.poll(self._pace.batch, self._pace.wait)
        ours = {(lane.topic, lane.partition) for lane in starts}
        records = [r for r in polled if (r.position.topic, r.position.partition) in ours]
        kept = await self._until_broken(await self._decoded(records))
        if self._wholes is not None:
            kept = await self._wholes.admit(kept)
        batch = Batch(
            records=[told.record for told in kept],
            meanings=[told.meaning for told in kept],
            starts=starts,
            is_whole=any(told.part is not None for told in kept),
        )
        self._next.update({claim.lane: claim.next_offset for claim in batch.claims})
        return batch

    async def _tell(self) -> None:
        """Say to the log how far we are. Only who watches it reads that: not after each batch."""
        if self._applied and monotonic() > self._tell_at:
            applied, self._applied = self._applied, {}
            await self._consumer.commit(applied)
            self._tell_at = monotonic() + _TELL_EVERY_S

    async def _settle(self) -> None:
        """Whenever nothing comes; under steady load a small share of the time."""
        begun = monotonic()
        await self._intake.settle()
        ended = monotonic()
        self._settle_at = ended + max(_SETTLE_EVERY_S, (ended - begun) * _SETTLE_SHARE)

    async def _follow_assignment(self) -> None:
        """Start newly assigned partitions where the intake left them; drop those taken away.

        The partitions of a parked topic are kept, and read again when it is resumed.
        """
        parked = {one.position.topic for one in await self._parked.now()}
        assignment = await self._consumer.assignment()
        assigned = {lane for lane in assignment if lane.topic not in parked}
        for lane in assignment - assigned:
            self._consumer.pause(lane)
        for gone in self._next.keys() - assigned:
            del self._next[gone]
        fresh = assigned - self._next.keys()
        if fresh:
            starts = await self._intake.starts_of(fresh)
            self._next |= starts
            self._applied |= starts  # whoever read them before may not have told the log
        for lane in fresh:
            self._consumer.seek(lane, self._next[lane])
            self._consumer.resume(lane)
        if self._wholes is not None:
            await self._wholes.follow(self._next.keys())

    async def _until_broken(self, told: Sequence[Told]) -> list[Told]:
        """What comes before a break of contract in its topic; the topic is parked there.

        The rest is read again from there, however soon the topic is resumed.
        """
        if not any(_break_in(one.meaning) for one in told):
            return list(told)
        broken: set[Topic] = set()
        kept: list[Told] = []
        dropped: dict[LogPartition, int] = {}
        for one in told:
            position = one.record.position
            if position.topic not in broken and (reason := _break_in(one.meaning)):
                broken.add(position.topic)
                await self._parked.park(position, reason)
            if position.topic in broken:
                dropped.setdefault(position.lane, position.offset)
            else:
                kept.append(one)
        for lane, offset in dropped.items():
            self._consumer.seek(lane, offset)
        return kept

    async def _decoded(self, records: Sequence[LogRecord]) -> list[Told]:
        decode = self._alone if self._wholes is None else self._in_transaction
        told: list[Told] = []
        for start in range(0, len(records), _STRETCH):
            told += map(decode, records[start : start + _STRETCH])
            await asyncio.sleep(0)
        return told

    def _alone(self, record: LogRecord) -> Told:
        return Told(record, self._decoder.decode(record), None)

    def _in_transaction(self, record: LogRecord) -> Told:
        if self._wholes is not None and self._wholes.has(record.position.lane):
            return self._decoder.told(record)
        return self._alone(record)

    async def _apply(self, batch: Batch) -> None:
        """Apply records; when one of them cannot be stored, halve until it stands alone."""
        try:
            await self._commit(batch)
        except UNSTORABLE as error:
            if len(batch.records) == 1:
                unstorable = _unstorable(batch.records[0], error)
                await self._commit(replace(batch, meanings=[[unstorable]]))
                return
            if batch.is_whole:
                batch = replace(await self._without_unstorable(batch), is_whole=False)
                await self._apply(batch)
                return
            for half in batch.halves():
                await self._apply(half)

    async def _without_unstorable(self, batch: Batch) -> Batch:
        """The batch with a reject in the place of each record that cannot be stored.

        Found by halving and taking back, so that nobody sees a part of a transaction.
        """
        try:
            await self._intake.rehearse([one for means in batch.meanings for one in means])
        except UNSTORABLE as error:
            if len(batch.records) == 1:
                return replace(batch, meanings=[[_unstorable(batch.records[0], error)]])
            halves = [await self._without_unstorable(half) for half in batch.halves()]
            return replace(batch, meanings=[m for half in halves for m in half.meanings])
        return batch

    async def _commit(self, batch: Batch) -> None:
        claims = batch.claims
        await self._intake.apply([one for means in batch.meanings for one in means], claims)
        self._applied.update({claim.lane: claim.next_offset for claim in claims})
        if self._hears is not None:
            heard, self._decoder.heartbeats = self._decoder.heartbeats, {}
            for system, sent_at in heard.items():
                await self._hears(system, sent_at)


def _break_in(told: Sequence[Incoming]) -> str | None:
    """Why the row is not what its binding reads, if it is not."""
    for one in told:
        if type(one) is Reject and class_of(one.reason) is LetterClass.CONTRACT_BREAK:
            return one.detail
    return None


def _unstorable(record: LogRecord, error: Exception) -> Reject:
    return Reject(record=record, reason="unstorable", detail=str(error))
