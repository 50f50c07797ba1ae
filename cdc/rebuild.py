"""The projection, rebuilt beside the live one from the log, and put in its place.

1. make an empty shadow, with ledgers of its own, so that nothing comes of what is applied there
2. replay the log into it with the same listener and intake, while the live projection goes on
3. hold the live projection still, for writers only; replay the rest, and what sweeps have deleted
4. compare both; if they are the same, or if differences are accepted, swap them in one transaction

Whatever goes wrong before that commit: the shadow is dropped, and nothing has happened.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import structlog

from cdc.decode import Decoder
from cdc.envelope.reader import EnvelopeReader
from cdc.listener import Listener, Pace
from cdc.log.port import Consumes
from cdc.replay_plan import plan_replay
from cdc.replayed_log import BoundedLog, SettledDecoder, settled_letters
from schema.errors import Invalid
from schema.position import LogPartition
from schema.system import System
from sync.apply.absent import remembered_absent, still_unseen
from sync.clock import utc_now
from sync.connectors.ports import Reads
from sync.intake import Intake
from sync.parked_topics import ParkedTopics
from sync.store.comparison import Compared, compare
from sync.store.pool import connect
from sync.store.shadow import (
    PROJECTION,
    SCHEMAS,
    create_shadow,
    drop_shadow,
    hold_still,
    seed_shadow,
    swap,
)
from sync.xref import Xref

_log = structlog.get_logger(__name__)

_CLAIM = "SELECT pg_try_advisory_lock(hashtextextended('rebuild', 0))"
_POSITIONS = "SELECT topic, partition, next_offset FROM consumer_offset WHERE consumer = $1"
_GROUP = "rebuild"
_PACE = Pace(wait=timedelta(milliseconds=200))
_LOOK_EVERY_S = 0.1
_REPORT_EVERY_S = 5.0

Firsts = Callable[[], Awaitable[Mapping[LogPartition, int]]]
Positions = Mapping[LogPartition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What the comparison found, and whether the rebuilt projection is the live one now."""

    tables: Sequence[Compared]
    is_swapped: bool


class Rebuild:
    """Rebuilds the projection of one hub.

    `reader` opens the log for a group of that name; `envelopes` reads them as the live listener's
    does.
    """

    def __init__(
        self,
        *,
        dsn: str,
        connectors: Mapping[System, Reads],
        firsts: Firsts,
        reader: Callable[[str], Consumes],
        envelopes: EnvelopeReader | None = None,
        consumer: str = "intake",
    ) -> None:
        self._dsn = dsn
        self._connectors = connectors
        self._firsts = firsts
        self._reader = reader
        self._envelopes = envelopes
        self._consumer = consumer
        self._bindings = tuple(b for c in connectors.values() for b in c.bindings)
        self._reads = Decoder(self._bindings, envelopes).reads

    async def run(self, *, accepts_differences: bool = False) -> Rebuilt:
        """Rebuild, compare, and swap unless something differs that is not accepted.

        Raises Invalid when the log does not hold everything or another rebuild is under way.
        """
        async with await connect(self._dsn, size=4) as live, live.acquire() as connection:
            if not await connection.fetchval(_CLAIM):
                raise Invalid("Another rebuild is under way: wait for it.")
            plan = await plan_replay(live, self._bindings, await self._held(live))
            await create_shadow(connection)
            try:
                async with await connect(self._dsn, schemas=SCHEMAS) as shadow:
                    await seed_shadow(shadow, self._consumer, plan.starts, plan.replayed)
                    return await self._rebuild(live, connection, shadow, accepts_differences)
            finally:
                await drop_shadow(live)

    async def _rebuild(
        self,
        live: asyncpg.Pool,
        connection: asyncpg.Connection,
        shadow: asyncpg.Pool,
        accepts_differences: bool,
    ) -> Rebuilt:
        intake = Intake(shadow, Xref(shadow), self._connectors, utc_now, consumer=self._consumer)
        log = BoundedLog(self._reader(_GROUP))
        settled = await settled_letters(live)
        decoder = SettledDecoder(self._bindings, settled, self._envelopes)
        async with _at_work(Listener(log, decoder, intake, _PACE)) as replay:
            await self._follow(live, shadow, log, replay)
            async with connection.transaction():
                await hold_still(connection, self._consumer)
                await self._follow(connection, shadow, log, replay)
                await _stop(replay)
                await self._delete_swept(live, shadow, intake)
                tables = await compare(connection, PROJECTION)
                is_swapped = accepts_differences or not any(one.different for one in tables)
                if is_swapped:
                    await swap(connection)
                return Rebuilt(tables=tables, is_swapped=is_swapped)

    async def _held(self, live: asyncpg.Pool) -> Positions:
        """The oldest offset of each partition; one that is gone altogether holds nothing."""
        firsts = await self._firsts()
        there = {lane: first for lane, first in firsts.items() if self._reads(lane.topic)}
        return {**await self._positions(live), **there}

    async def _follow(
        self,
        live: asyncpg.Pool | asyncpg.Connection,
        shadow: asyncpg.Pool,
        log: BoundedLog,
        replay: asyncio.Task[None],
    ) -> None:
        """Replay until the shadow is where the live projection is now."""
        bounds = await self._positions(live)
        log.read_up_to(bounds)
        report_at = 0.0
        while behind := _behind(await self._positions(shadow), bounds):
            await asyncio.wait([replay], timeout=_LOOK_EVERY_S)
            if replay.done():
                await replay
            await _require_readable(shadow)
            if time.monotonic() > report_at:
                report_at = time.monotonic() + _REPORT_EVERY_S
                _log.info("rebuild.replaying", records=behind)

    async def _positions(self, pool: asyncpg.Pool | asyncpg.Connection) -> Positions:
        """How far each partition has been applied, of those that are replayed."""
        rows = await pool.fetch(_POSITIONS, self._consumer)
        return {
            LogPartition(topic=topic, partition=partition): offset
            for topic, partition, offset in rows
            if self._reads(topic)
        }

    async def _delete_swept(self, live: asyncpg.Pool, shadow: asyncpg.Pool, intake: Intake) -> None:
        """Delete what sweeps have found to be gone, where nothing was told of it since."""
        for binding in self._bindings:
            absent = await remembered_absent(live, binding)
            async with shadow.acquire() as connection, connection.transaction():
                free = await still_unseen(connection, self._consumer, binding, absent)
                await intake.take_read(connection, [one for one in absent if one.key in free])


def _behind(positions: Positions, bounds: Positions) -> int:
    """How many records are between them."""
    return sum(max(bound - positions.get(lane, 0), 0) for lane, bound in bounds.items())


async def _require_readable(shadow: asyncpg.Pool) -> None:
    """Raises Invalid when a record broke the contract of its binding: no replay gets past it."""
    for one in await ParkedTopics(shadow).now():
        raise Invalid(
            f"{one.position} is not what its binding reads ({one.reason}): deploy the binding "
            "that reads it, or read the table again and rebuild when the log no longer has it."
        )


@asynccontextmanager
async def _at_work(listener: Listener) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(listener.run(), name="replay")
    try:
        yield task
    finally:
        await _stop(task)


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
