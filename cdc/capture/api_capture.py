"""Capture of an owner through its API: polls, sweeps, re-snapshots, one process at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import NoReturn

import asyncpg
import structlog

from cdc.capture.api_rereading import ApiRereading
from cdc.capture.api_rows import collections_of
from cdc.capture.poll import Desk, poll_turn
from cdc.capture.sweep import Sweeper
from cdc.capture.wal_reader import Reports
from cdc.log.outage import outage_of
from cdc.log.port import Appends
from schema.errors import ConcordError, Unavailable
from sync.connectors.ports import Polls, Reads
from sync.resnapshots import Resnapshots

log = structlog.get_logger(__name__)

_TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often an owner is asked, how far back, and how often all it has is looked through."""

    every: timedelta = timedelta(seconds=10)
    overlap: timedelta = timedelta(minutes=5)
    sweep_every: timedelta = timedelta(days=1)


class ApiCapture:
    """Asks one owner for what has changed, and sweeps it; where it cannot be asked, it only sweeps.

    The first turn fills the projection, and finds what was missed while nobody asked.
    """

    def __init__(
        self,
        owner: Reads,
        log: Appends,
        pool: asyncpg.Pool,
        now: Callable[[], datetime],
        *,
        polls: Polls | None = None,
        rhythm: Rhythm | None = None,
        reports: Reports | None = None,
        resnapshots: Resnapshots | None = None,
    ) -> None:
        self._system = owner.system.value
        self._polls = polls
        self._pool = pool
        self._rhythm = rhythm or Rhythm()
        self._reports = reports
        desks = [Desk(one, log, pool, now) for one in collections_of(owner.bindings)]
        self._desks = desks
        self._sweepers = [Sweeper(desk, owner, log, pool) for desk in desks]
        self._rereading = (
            None if resnapshots is None else ApiRereading(desks, owner, log, pool, resnapshots)
        )
        self._has_more = False
        self.is_following = False
        """Whether all has been read once, and changes are followed since."""

    async def run(self) -> NoReturn:
        """Capture until cancelled, through outages and refusals; an owner may ask for a pause."""
        while True:
            pause = self._rhythm.every
            try:
                await self.turn()
                if self._has_more:
                    pause = timedelta(0)
            except ConcordError as error:
                log.warning("capture.interrupted", system=self._system, reason=error.message)
                if isinstance(error, Unavailable) and error.retry_after is not None:
                    pause = max(pause, error.retry_after)
            await asyncio.sleep(pause.total_seconds())

    async def turn(self) -> bool:
        """Ask once, sweep what is due, read again for a while; False: another process does it.

        Raises Unavailable when the owner, the log or the database does not answer.
        """
        self._has_more = False
        with outage_of("the hub's database"):
            async with self._alone() as is_ours:
                if is_ours:
                    await self._ask()
        return is_ours

    async def _ask(self) -> None:
        has_all = [
            await self._look(*pair) for pair in zip(self._desks, self._sweepers, strict=True)
        ]
        self.is_following = True
        if self._reports is not None:
            await self._reports.see(self._system, is_caught_up=all(has_all), held_bytes=None)
        if self._rereading is not None:
            self._has_more = await self._read_again(self._rereading)

    async def _read_again(self, rereading: ApiRereading) -> bool:
        """Read pages in place of the pause, at least one; whether the next turn has more to read.

        It comes last, so that nothing about a re-snapshot keeps a poll or a sweep from its turn.
        """
        due = monotonic() + self._rhythm.every.total_seconds()
        while await rereading.read_on():
            if monotonic() >= due:
                return True
        return False

    async def _look(self, desk: Desk, sweeper: Sweeper) -> bool:
        """Poll, and sweep when it is due; whether all that the owner had is in the log now."""
        if self._polls is not None:
            await poll_turn(desk, self._polls, self._rhythm.overlap)
        is_due = await sweeper.is_due(self._rhythm.sweep_every)
        if is_due:
            missing = await sweeper.sweep()
            log.info("capture.swept", topic=desk.collection.topic, missing=missing)
        return is_due or self._polls is not None

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[bool]:
        """Whether no other process asks this owner now; a lost connection lets go by itself."""
        name = f"capture {self._system}"
        async with self._pool.acquire() as connection:
            is_ours: bool = await connection.fetchval(_TRY_LOCK, name)
            try:
                yield is_ours
            finally:
                if is_ours and not connection.is_closed():
                    await connection.execute(_UNLOCK, name)
