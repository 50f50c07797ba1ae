"""Every object of a running hub, built once, by constructor, from the settings."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg

from cdc.decode import Decoder
from cdc.envelope.reader import EnvelopeReader
from cdc.listener import Listener
from cdc.log.tables import LOG_TABLES
from cdc.replay import letter_decoder
from hub.log import Log, open_log
from hub.memory import calm_collector
from hub.registry import Connectors, connect_systems
from hub.running import GROUP, Hub
from hub.settings import Settings
from hub.spelling import reader_of
from hub.ways import api_captures, inbox_of, signals_of, wal_captures, wholes_of
from resolvers.services import Services
from sync.applied import Applied
from sync.board import Boards
from sync.clock import utc_now
from sync.counts import Counts
from sync.dead_deliveries import DeadDeliveries
from sync.dead_letters import DeadLetters
from sync.delivery import Deliverer
from sync.extra import ExtraColumns
from sync.feed import Feed
from sync.intake import Intake
from sync.lag import Lags
from sync.lists import Lists
from sync.operations import Operations
from sync.reading import Reading
from sync.reconciliation import Reconciliation
from sync.resnapshots import Resnapshots
from sync.routing import Routing
from sync.search import Search
from sync.setup import Setups
from sync.store.migrate import migrate
from sync.store.pool import connect
from sync.sweep import Sweep
from sync.xref import Xref


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
        xref, setups = Xref(pool), Setups(pool, connectors.bindings)
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
                counts=Counts(reading, pool),
                boards=Boards(pool),
                search=Search(reading, pool, utc_now),
                routing=_routing(connectors, reading, setups, pool),
                feed=feed,
                operations=_operations(connectors, pool, intake, lags, resnapshots, opened, reader),
                setups=setups,
                clock=utc_now,
            ),
            intake=intake,
            captures=(
                *wal_captures(settings, connectors, opened.appends, lags, resnapshots),
                *api_captures(settings, connectors, opened.appends, pool, lags, resnapshots),
            ),
            inbox=inbox_of(settings, connectors, opened.once),
            signals=signals_of(settings, connectors, resnapshots, sweep),
            sweep=sweep,
            listener=Listener(
                opened.consumer,
                Decoder(connectors.bindings, reader),
                intake,
                wholes=wholes_of(settings, opened, lags),
                hears=lags.hear,
            ),
            deliverer=Deliverer(
                connectors.writes, xref, pool, random.random, removes=connectors.removes
            ),
            reconciliation=_reconciliation(connectors, xref, pool, opened),
            log=opened,
        )


def _reconciliation(
    connectors: Connectors, xref: Xref, pool: asyncpg.Pool, opened: Log
) -> Reconciliation:
    applied = Applied(pool, opened.ends, consumer=GROUP)
    return Reconciliation(connectors.writes, xref, pool, applied.until, removes=connectors.removes)


def _routing(
    connectors: Connectors, reading: Reading, setups: Setups, pool: asyncpg.Pool
) -> Routing:
    """What takes writes to their owners, and tells guards what no owner knows."""
    return Routing(
        connectors.writes,
        reading,
        reading.xref,
        pool,
        utc_now,
        acts=connectors.acts,
        tells={"setup": setups.of},
    )


def _operations(
    connectors: Connectors,
    pool: asyncpg.Pool,
    intake: Intake,
    lags: Lags,
    resnapshots: Resnapshots,
    opened: Log,
    reader: EnvelopeReader,
) -> Operations:
    """What an operator looks at and decides."""
    bindings = connectors.bindings
    return Operations(
        lags=lags,
        dead_letters=DeadLetters(pool, intake, letter_decoder(bindings, reader), consumer=GROUP),
        dead_deliveries=DeadDeliveries(pool),
        parked_topics=intake.parked_topics,
        extra_columns=ExtraColumns(pool, bindings),
        resnapshots=resnapshots,
        backlog=opened.backlog,
    )
