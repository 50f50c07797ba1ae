"""The listener: from the log to the intake, one batch after the other.

It owns no truth. Where to read from comes from the offsets the intake has stored; a batch that
fails is read again. What waits for another system (an owner that must be asked, Postgres coming
back) waits with backoff and loses nothing; what can never be applied is parked, and the stream
goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby

import asyncpg
import structlog

from cdc.decode import Decoder
from cdc.log.port import Consumes, LogRecord
from schema.errors import Unavailable
from schema.position import LogPartition
from sync.changes import Incoming, Reject
from sync.intake import Claim, Intake, Superseded
from sync.store.outage import OUTAGE

log = structlog.get_logger(__name__)

_AGAIN = (
    Unavailable,
    *OUTAGE,
    asyncpg.TransactionRollbackError,  # the victim of a deadlock
    asyncpg.IdleInTransactionSessionTimeoutError,  # we hung, and the server took its locks back
)
_UNSTORABLE = (asyncpg.DataError, OverflowError, UnicodeError)
"""How the server refuses a value, and how the driver does that cannot even send it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is taken at once, and how long the listener waits for more or for recovery."""

    batch: int = 5000
    wait: timedelta = timedelta(seconds=1)
    backoff: timedelta = timedelta(milliseconds=500)


class Listener:
    """One member of the consumer group; several processes share the partitions."""

    def __init__(
        self, consumer: Consumes, decoder: Decoder, intake: Intake, pace: Pace | None = None
    ) -> None:
        self._consumer = consumer
        self._decoder = decoder
        self._intake = intake
        self._pace = pace or Pace()
        self._next: dict[LogPartition, int] = {}

    async def run(self) -> None:
        """Apply batches until cancelled."""
        try:
            while True:
                await self._step_or_wait()
        finally:
            await self._consumer.close()

    async def step(self) -> int:
        """Apply one batch and answer how many records it had; 0 when nothing came."""
        await self._follow_assignment()
        records = await self._consumer.poll(self._pace.batch, self._pace.wait)
        records = [r for r in records if r.position.lane in self._next]
        if not records:
            await self._intake.settle()
            return 0
        await self._apply(records)
        return len(records)

    async def _step_or_wait(self) -> None:
        try:
            await self.step()
        except Superseded:
            log.info("listener.superseded")
            self._next.clear()
        except _AGAIN as error:
            log.warning("listener.waiting", why=str(error) or type(error).__name__)
            self._next.clear()  # read again what was not applied
            await asyncio.sleep(self._pace.backoff.total_seconds())

    async def _follow_assignment(self) -> None:
        """Start newly assigned partitions where the intake left them; drop those taken away."""
        assigned = await self._consumer.assignment()
        for gone in self._next.keys() - assigned:
            del self._next[gone]
        for lane in assigned - self._next.keys():
            self._next[lane] = await self._intake.start_of(lane)
            self._consumer.seek(lane, self._next[lane])

    async def _apply(self, records: Sequence[LogRecord]) -> None:
        """Apply records; when one of them cannot be stored, halve until it stands alone."""
        incoming = [meaning for record in records for meaning in self._decoder.decode(record)]
        try:
            await self._commit(records, incoming)
        except _UNSTORABLE as error:
            if len(records) == 1:
                await self._commit(records, [_unstorable(records[0], error)])
                return
            middle = len(records) // 2
            await self._apply(records[:middle])
            await self._apply(records[middle:])

    async def _commit(self, records: Sequence[LogRecord], incoming: Sequence[Incoming]) -> None:
        claims = self._claims(records)
        await self._intake.apply(incoming, claims)
        for claim in claims:
            self._next[claim.lane] = claim.next_offset
        await self._consumer.commit({claim.lane: claim.next_offset for claim in claims})

    def _claims(self, records: Sequence[LogRecord]) -> list[Claim]:
        ordered = sorted(records, key=lambda r: (r.position.lane, r.position.offset))
        return [
            Claim(
                lane=lane,
                expected=self._next[lane],
                next_offset=list(of_lane)[-1].position.offset + 1,
            )
            for lane, of_lane in groupby(ordered, key=lambda r: r.position.lane)
        ]


def _unstorable(record: LogRecord, error: Exception) -> Reject:
    return Reject(
        position=record.position,
        key=record.key,
        value=record.value,
        headers=record.headers,
        reason="unstorable",
        detail=str(error),
    )
