"""Every object of a running hub, built once, by constructor, from the settings."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import NoReturn, Protocol
from urllib.parse import urlsplit

import asyncpg
import structlog

from cdc.capture.api_capture import ApiCapture, Rhythm
from cdc.capture.debezium import held_bytes
from cdc.capture.signals import Signals
from cdc.capture.wal_reader import WalReader
from cdc.capture.way import enter
from cdc.checks import judge
from cdc.decode import Decoder
from cdc.listener import Listener
from cdc.log.port import Appends, AppendsOnce
from cdc.log.seen import forget
from cdc.log.tables import LOG_TABLES
from cdc.replay import letter_decoder
from cdc.transactions import Limits
from cdc.webhook.forms import FORMS
from cdc.webhook.inbox import Inbox
from cdc.webhook.meaning import EventForm
from cdc.webhook.signature import Sender, secrets_of
from cdc.wholes import Wholes
from hub.checks import capture_troubles
from hub.log import Log, open_log
from hub.memory import calm_collector
from hub.registry import Connectors, captured_tables, connect_systems
from hub.settings import Settings
from hub.spelling import reader_of
from resolvers.context import Services
from schema.errors import ConcordError, Invalid, Unavailable
from schema.system import System
from sync.adopt import adopt_columns
from sync.board import Boards
from sync.clock import utc_now
from sync.connectors.binding import Binding
from sync.connectors.hub_review import call_for_review
from sync.connectors.ports import Polls
from sync.dead_deliveries import DeadDeliveries
from sync.dead_letters import DeadLetters
from sync.deliver.outbox import Outbox
from sync.delivery import Deliverer
from sync.extra import ExtraColumns
from sync.feed import Feed
from sync.intake import Intake
from sync.lag import Lags
from sync.lists import Lists
from sync.operations import Operations
from sync.outage import OUTAGE
from sync.policy import Paging
from sync.reading import Reading
from sync.resnapshots import Resnapshots
from sync.routing import Routing
from sync.search import Search
from sync.session import ReadSession
from sync.setup import Setups
from sync.store.migrate import migrate
from sync.store.pool import connect
from sync.sweep import Sweep
from sync.write.idempotency import Idempotency
from sync.xref import Xref

log = structlog.get_logger(__name__)

GROUP = "intake"
APPLIED = "SELECT topic, partition, next_offset FROM consumer_offset WHERE consumer = $1"
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
        applied = {(topic, p): end for topic, p, end in await self.pool.fetch(APPLIED, GROUP)}
        ends = await self.log.ends()
        return all(applied.get((at.topic, at.partition), 0) >= end for at, end in ends.items())

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
            tasks.create_task(self._tidy(self._trim_outbox), name="trim the outbox")

    async def _verify_log(self) -> None:
        """A log that is down is waited for. Raises Invalid for one that must not be applied."""
        while True:
            try:
                await self.log.verify()
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
        """Do it every hour; what an outage keeps from being done is done the next time."""
        while True:
            try:
                await chore()
            except OUTAGE as error:
                log.warning("housekeeping.put_off", why=str(error))
            await asyncio.sleep(_HOUSEKEEPING.total_seconds())

    async def _review_holds(self) -> None:
        """Ask for a review of the holds that should have been looked at before today."""
        if count := await call_for_review(self.pool, utc_now().date()):
            log.info("holds.overdue", count=count)

    async def _trim_log(self) -> None:
        await self.log.trim()
        await forget(self.pool, self.settings.webhook_memory)
        await self.services.feed.trim(utc_now() - self.settings.log_retention)

    async def _trim_outbox(self) -> None:
        await Outbox(self.pool).trim(self.settings.log_retention)
        answered = Idempotency(self.pool, utc_now)
        await answered.trim(utc_now() - self.settings.answer_retention)


@asynccontextmanager
async def build_hub(settings: Settings) -> AsyncIterator[Hub]:
    """Connect, migrate, and put the parts together; everything is closed at the end."""
    async with AsyncExitStack() as stack:
        dsn = settings.database_url.get_secret_value()
        pool = await connect(dsn)
        stack.push_async_callback(pool.close)
        await migrate(pool, LOG_TABLES)
        connectors = connect_systems(settings, pool)
        stack.push_async_callback(connectors.close)
        xref = Xref(pool)
        reading = Reading(connectors.reads, xref, pool, utc_now, settings.read_timeout)
        feed = Feed(pool)
        stack.push_async_callback(feed.close)
        opened = await stack.enter_async_context(open_log(settings, pool, connectors, GROUP))
        intake = Intake(pool, xref, connectors.reads, utc_now, consumer=GROUP)
        lags = Lags(pool, consumer=GROUP)
        reader = reader_of(settings, connectors.bindings)
        resnapshots = Resnapshots(pool, opened.ends)
        sweep = Sweep(pool, intake, connectors.reads, resnapshots, utc_now, consumer=GROUP)
        calm_collector()
        yield Hub(
            settings=settings,
            pool=pool,
            connectors=connectors,
            services=Services(
                reading=reading,
                lists=Lists(reading, pool, utc_now),
                boards=Boards(pool),
                search=Search(reading, pool, utc_now),
                routing=Routing(
                    connectors.writes, reading, xref, pool, utc_now, acts=connectors.acts
                ),
                feed=feed,
                operations=Operations(
                    lags=lags,
                    dead_letters=DeadLetters(
                        pool, intake, letter_decoder(connectors.bindings, reader), consumer=GROUP
                    ),
                    dead_deliveries=DeadDeliveries(pool),
                    parked_topics=intake.parked_topics,
                    extra_columns=ExtraColumns(pool, connectors.bindings),
                    resnapshots=resnapshots,
                    backlog=opened.backlog,
                ),
                setups=Setups(pool, connectors.bindings),
                clock=utc_now,
            ),
            intake=intake,
            captures=(
                *_captures(settings, connectors, opened.appends, lags, resnapshots),
                *_api_captures(settings, connectors, opened.appends, pool, lags),
            ),
            inbox=_inbox(settings, connectors, opened.once),
            signals=_signals(settings, connectors, resnapshots, sweep),
            sweep=sweep,
            listener=Listener(
                opened.consumer,
                Decoder(connectors.bindings, reader_of(settings, connectors.bindings)),
                intake,
                wholes=_wholes(settings, opened, lags),
                hears=lags.hear,
            ),
            deliverer=Deliverer(
                connectors.writes, xref, pool, random.random, removes=connectors.removes
            ),
            log=opened,
        )


def _wholes(settings: Settings, log: Log, lags: Lags) -> Wholes | None:
    """What makes transactions visible as wholes, if it is wanted of any system."""
    systems = [system.value for system in System if settings.has_transactions(system)]
    limits = Limits(patience=settings.transaction_patience, records=settings.transaction_records)
    return Wholes(systems, log.ends, lags.note_torn, limits) if systems else None


def _captures(
    settings: Settings,
    connectors: Connectors,
    appends: Appends,
    lags: Lags,
    resnapshots: Resnapshots,
) -> tuple[WalReader, ...]:
    """A WAL reader for each system whose database we were given, unless Debezium captures them."""
    if not settings.reads_wal:
        return ()
    readers = []
    for system, connector in connectors.reads.items():
        url = settings.capture_url(system)
        if url is not None:
            dsn = url.get_secret_value()
            readers.append(
                WalReader(
                    system=system.value,
                    dsn=dsn,
                    tables=captured_tables(connector.bindings),
                    log=appends,
                    slot=f"concord_{urlsplit(dsn).path.strip('/')}",
                    publication="concord",
                    reports=lags,
                    tells_transactions=settings.has_transactions(system),
                    resnapshots=resnapshots,
                )
            )
    return tuple(readers)


def _api_captures(
    settings: Settings, connectors: Connectors, appends: Appends, pool: asyncpg.Pool, lags: Lags
) -> Iterator[ApiCapture]:
    """What asks each system that is captured through its API, or looks after its webhooks."""
    for system, connector in connectors.reads.items():
        if settings.way(system) == "wal":
            continue
        reached = settings.system(system)
        yield ApiCapture(
            connector,
            appends,
            pool,
            utc_now,
            polls=_polls(connectors, system) if reached.capture == "poll" else None,
            rhythm=Rhythm(
                every=reached.poll_every,
                overlap=reached.poll_overlap,
                sweep_every=reached.sweep_every,
            ),
            reports=lags,
        )


def _polls(connectors: Connectors, system: System) -> Polls:
    if system not in connectors.polls:
        raise Invalid(
            f"{system.name} cannot be asked for what has changed: set "
            f"CONCORD_{system.name}__CAPTURE to wal or webhook."
        )
    return connectors.polls[system]


def _inbox(settings: Settings, connectors: Connectors, once: AppendsOnce) -> Inbox:
    senders = {
        system: Sender(
            form=FORMS[settings.system(system).webhook_form],
            secrets=secrets_of(settings.system(system).webhook_secrets.get_secret_value()),
            window=settings.webhook_window,
        )
        for system in connectors.reads
        if settings.way(system) != "wal"
    }
    return Inbox(senders, EventForm(connectors.bindings), once, utc_now)


def _signals(
    settings: Settings, connectors: Connectors, resnapshots: Resnapshots, sweep: Sweep
) -> tuple[Signals, ...]:
    """Where Debezium captures, whoever asks it to read tables again."""
    if settings.reads_wal:
        return ()
    urls = {system: settings.capture_url(system) for system in connectors.reads}
    return tuple(
        Signals(
            system=system.value,
            dsn=url.get_secret_value(),
            resnapshots=resnapshots,
            unseen=sweep.unseen,
        )
        for system, url in urls.items()
        if url is not None
    )
