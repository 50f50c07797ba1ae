"""A running hub: its parts, and what each role does with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn, Protocol

import asyncpg
import structlog

from cdc.capture.debezium import held_bytes
from cdc.capture.signals import Signals
from cdc.capture.way import enter
from cdc.checks import judge
from cdc.listener import Listener
from cdc.log.seen import forget
from cdc.webhook.inbox import Inbox
from hub.checks import capture_troubles
from hub.log import Log
from hub.registry import Connectors
from hub.settings import Settings
from resolvers.services import Services
from schema.errors import ConcordError, Unavailable
from schema.system import System
from sync.adopt import adopt_columns
from sync.applied import behind
from sync.clock import utc_now
from sync.connectors.binding import Binding
from sync.connectors.hub_review import call_for_review
from sync.deliver.outbox import Outbox
from sync.delivery import Deliverer
from sync.intake import Intake
from sync.outage import OUTAGE
from sync.policy import Paging
from sync.reconciliation import Reconciliation
from sync.session import ReadSession
from sync.sweep import Sweep
from sync.write.idempotency import Idempotency

log = structlog.get_logger(__name__)

GROUP = "intake"
_HOUSEKEEPING = timedelta(hours=1)
_AGAIN = timedelta(seconds=5)
_LOOK_AGAIN = timedelta(seconds=30)
_MOST_MET = 500
"""Types that are not captured are small: the legal entities of a firm."""


class Captures(Protocol):
    """One owner's capture, whichever way it goes."""

    @property
    def is_following(self) -> bool: ...

    async def run(self) -> NoReturn: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The parts of one process. Which of them run is the role's choice."""

    settings: Settings
    pool: asyncpg.Pool
    connectors: Connectors
    services: Services
    captures: tuple[Captures, ...]
    intake: Intake
    inbox: Inbox
    signals: tuple[Signals, ...]
    sweep: Sweep
    listener: Listener
    deliverer: Deliverer
    reconciliation: Reconciliation
    log: Log

    async def readiness(self) -> str | None:
        """What keeps the process from serving, or None."""
        try:
            await self.pool.fetchval("SELECT 1", timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            return f"the database does not answer: {type(error).__name__}"
        return None

    async def is_filled(self) -> bool:
        """Whether all that the systems held at the start has arrived in the projection."""
        if not all(capture.is_following for capture in self.captures):
            return False
        return not await behind(self.pool, await self.log.ends(), GROUP)

    async def listen(self) -> None:
        """Capture and apply: the captures, the listener, and the log's housekeeping."""
        await self._verify_log()
        judge(await capture_troubles(self.settings, self.connectors))
        await self._enter_ways()
        async with asyncio.TaskGroup() as tasks:
            for capture in self.captures:
                tasks.create_task(capture.run())
            for signals in self.signals:
                tasks.create_task(signals.run())
            tasks.create_task(self.sweep.run(), name="delete sweep")
            tasks.create_task(self.listener.run(), name="listener")
            tasks.create_task(self._tidy(self._trim_log), name="trim the log")
            tasks.create_task(self._meet_uncaptured(), name="meet what is not captured")
            tasks.create_task(self._adopt_columns(), name="adopt columns")
            tasks.create_task(self._watch_slots(), name="watch Debezium's slots")

    async def deliver(self) -> None:
        """Send what is owed to the replicas, and do what falls due by the clock."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.deliverer.run(), name="deliverer")
            tasks.create_task(self._tidy(self._review_holds), name="review the holds")
            tasks.create_task(self._tidy(self._compare_copies), name="compare the copies")
            tasks.create_task(self._tidy(self._trim_outbox), name="trim the outbox")

    async def _verify_log(self) -> None:
        """Wait for a log that is down, and make the topics that are read from their beginning.

        Raises Invalid for a log that must not be applied.
        """
        while True:
            try:
                await self.log.verify()
                await self.log.make_topics()
            except Unavailable as outage:
                log.warning("log.waiting", why=outage.message)
                await asyncio.sleep(_AGAIN.total_seconds())
            else:
                return

    async def _enter_ways(self) -> None:
        """Raises Invalid for an owner that is captured in another way than before."""
        for system in self.connectors.reads:
            way = self.settings.way(system)
            is_ours = way != "wal" or self.settings.capture_url(system) is not None
            if is_ours or not self.settings.reads_wal:
                await enter(self.pool, system, way)

    async def _meet_uncaptured(self) -> None:
        """Read the records of which no capture tells, so that their keys are linked."""
        bindings = [b for b in self.connectors.bindings if b.is_anchor and not b.is_captured]
        for binding in bindings:
            while not await self._meet(binding):  # noqa: ASYNC110  # the owner may be down
                await asyncio.sleep(_AGAIN.total_seconds())

    async def _watch_slots(self) -> None:
        """What WAL the owners keep for Debezium, where we were given their addresses."""
        systems = [] if self.settings.reads_wal else list(self.connectors.reads)
        while systems:
            for system in systems:
                await self._watch_slot(system)
            await asyncio.sleep(_LOOK_AGAIN.total_seconds())

    async def _watch_slot(self, system: System) -> None:
        url = self.settings.capture_url(system)
        if url is None:
            return
        try:
            held = await held_bytes(url.get_secret_value())
            await self.services.operations.lags.hold(system.value, held)
        except (ConcordError, *OUTAGE, asyncpg.PostgresError) as error:
            log.warning("slot.unseen", system=system.name, why=str(error))

    async def _adopt_columns(self) -> None:
        """Columns that this version's bindings read, and an earlier one only kept."""
        while True:
            try:
                await adopt_columns(self.pool, self.intake, self.connectors.bindings)
            except (*OUTAGE, asyncpg.TransactionRollbackError) as error:
                log.warning("columns.put_off", why=str(error))
                await asyncio.sleep(_AGAIN.total_seconds())
            else:
                return

    async def _meet(self, binding: Binding) -> bool:
        paging, fields = Paging(first=_MOST_MET), frozenset(binding.owns)
        try:
            await self.services.reading.page(ReadSession(), binding.entity, [], paging, fields)
        except ConcordError as error:
            log.warning("records.unmet", system=binding.system.name, why=error.message)
            return False
        return True

    async def _tidy(self, chore: Callable[[], Awaitable[None]]) -> None:
        """Do it every hour; what an outage or a deadlock prevents is done the next time."""
        while True:
            try:
                await chore()
            except (Unavailable, *OUTAGE, asyncpg.TransactionRollbackError) as error:
                log.warning("housekeeping.put_off", why=str(error))
            await asyncio.sleep(_HOUSEKEEPING.total_seconds())

    async def _review_holds(self) -> None:
        """Ask for a review of the holds that should have been looked at before today."""
        if count := await call_for_review(self.pool, utc_now().date()):
            log.info("holds.overdue", count=count)

    async def _compare_copies(self) -> None:
        """Every hour: no group of fields is to be compared more often."""
        if count := await self.reconciliation.compare():
            log.info("copies.enforced", count=count)

    async def _trim_log(self) -> None:
        await self.log.trim()
        await forget(self.pool, self.settings.webhook_memory)
        await self.services.feed.trim(utc_now() - self.settings.log_retention)

    async def _trim_outbox(self) -> None:
        await Outbox(self.pool).trim(self.settings.log_retention)
        answered = Idempotency(self.pool, utc_now)
        await answered.trim(utc_now() - self.settings.answer_retention)
