"""The log of changes: which engine keeps it is known here and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import asyncpg
import structlog

from cdc.capture.transaction import transaction_topic
from cdc.checks import Trouble, judge
from cdc.envelope.markers import HEARTBEAT
from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess, kafka_outage
from cdc.log.kafka_checks import look_at, troubles_of
from cdc.log.kafka_consumer import KafkaLogConsumer
from cdc.log.port import Appends, AppendsOnce, Consumes, Makes
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from cdc.log.seen import SeenBeside
from cdc.webhook.meaning import events_topic
from hub.registry import Connectors, captured_tables
from hub.settings import KafkaSettings, Settings
from hub.spelling import outbox_topics
from schema.errors import Invalid
from schema.position import Ends, LogPartition, Topic
from schema.system import System
from sync.lag import Backlog

_log = structlog.get_logger(__name__)

# A database from before there was a choice has stored positions of the Postgres log.
_IDENTIFY = """
INSERT INTO log_identity (identity)
SELECT CASE WHEN EXISTS (SELECT FROM consumer_offset) THEN 'postgres' ELSE $1 END
ON CONFLICT DO NOTHING
"""
_IDENTITY = "SELECT identity FROM log_identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What the hub needs of an engine.

    `verify` refuses a log whose positions mean nothing in our database, and one that would lose
    changes; `make_topics` makes those that must be read from their first record on; `firsts` are
    the oldest offsets of what we read, and `ends` the next ones; `backlog` is what our group has
    not read; `trim` forgets what is too old; `reader` reads it all in a group of its own.
    """

    appends: Appends
    once: AppendsOnce
    consumer: Consumes
    verify: Callable[[], Awaitable[None]]
    make_topics: Callable[[], Awaitable[None]]
    firsts: Callable[[], Awaitable[Mapping[LogPartition, int]]]
    ends: Ends
    backlog: Callable[[], Awaitable[Sequence[Backlog]]]
    trim: Callable[[], Awaitable[None]]
    reader: Callable[[str], Consumes]


def open_log(
    settings: Settings, pool: asyncpg.Pool, connectors: Connectors, group: str
) -> AbstractAsyncContextManager[Log]:
    """The log of the settings. Nothing is asked of Kafka before the log is used."""
    if settings.log == "kafka":
        return _kafka(settings, pool, connectors, group)
    return _postgres(settings, pool, connectors, group)


def access_of(kafka: KafkaSettings) -> KafkaAccess:
    return KafkaAccess(
        bootstrap_servers=tuple(kafka.bootstrap_servers.split(",")),
        security_protocol=kafka.security,
        sasl_mechanism=kafka.mechanism,
        user=kafka.user,
        password=kafka.password.get_secret_value() or None,
        ca_file=kafka.ca_file,
        certificate_file=kafka.certificate_file,
        key_file=kafka.key_file,
        key_password=kafka.key_password.get_secret_value() or None,
    )


def troubles_in_kafka(settings: Settings, connectors: Connectors) -> list[Trouble]:
    """What is wrong with the Kafka of the settings; blocks while it is asked."""
    by_wal = [system.value for system in System if settings.way(system) == "wal"]
    systems = [] if settings.reads_wal else by_wal
    with kafka_outage():
        facts = look_at(access_of(settings.kafka), _topics(settings, connectors))
    return list(troubles_of(facts, systems, settings.kafka.longest_outage))


@asynccontextmanager
async def _postgres(
    settings: Settings, pool: asyncpg.Pool, connectors: Connectors, group: str
) -> AsyncIterator[Log]:
    dsn = settings.database_url.get_secret_value()
    async with asyncpg.create_pool(dsn, min_size=1, max_size=8) as own:
        log = PostgresLog(own, partitions=settings.log_partitions)

        def reader(name: str) -> Consumes:
            return PostgresConsumer(dsn=dsn, group=name, prefixes=_prefixes())

        async def verify() -> None:
            await _identify(pool, "postgres")

        async def trim() -> None:
            await log.trim(settings.log_retention)

        yield Log(
            appends=log,
            once=log,
            consumer=reader(group),
            verify=verify,
            make_topics=partial(_make_topics, log, settings, connectors),
            firsts=log.firsts,
            ends=log.ends,
            backlog=partial(log.backlog, group),
            trim=trim,
            reader=reader,
        )


@asynccontextmanager
async def _kafka(
    settings: Settings, pool: asyncpg.Pool, connectors: Connectors, group: str
) -> AsyncIterator[Log]:
    """Only the tables we know are read: connectors write other topics of a system's prefix too.

    Heartbeats are read, and never waited for.
    """
    access = access_of(settings.kafka)
    outboxes = map(Topic, outbox_topics(settings))
    topics = (*_topics(settings, connectors), *_transaction_topics(settings), *outboxes)
    beside = () if settings.reads_wal else tuple(Topic(f"{HEARTBEAT}{s.value}") for s in System)
    log = KafkaLog(access, partitions=settings.log_partitions, retention=settings.log_retention)

    async def verify() -> None:
        await _identify(pool, f"kafka {await log.cluster_id()}")
        judge(await asyncio.to_thread(troubles_in_kafka, settings, connectors))

    def reader(name: str) -> Consumes:
        return KafkaLogConsumer(access=access, group=name, topics=topics)

    async def trim() -> None:
        """Kafka keeps what the topic's own retention says."""

    try:
        yield Log(
            appends=log,
            once=SeenBeside(pool, log),
            consumer=KafkaLogConsumer(access=access, group=group, topics=(*topics, *beside)),
            verify=verify,
            make_topics=partial(_make_topics, log, settings, connectors),
            firsts=partial(log.firsts, topics),
            ends=partial(log.ends, topics),
            backlog=partial(log.backlog, group, topics),
            trim=trim,
            reader=reader,
        )
    finally:
        await log.close()


async def _make_topics(log: Makes, settings: Settings, connectors: Connectors) -> None:
    """Those of which transactions are waited for.

    A topic that is made by its first record is not read yet when that comes, so the first
    transaction would pass in pieces. Where nobody lets us make topics it does.
    """
    waited = [system for system in connectors.reads if settings.has_transactions(system)]
    tables = [topic for system in waited for topic in _tables(connectors, system)]
    try:
        await log.make(tables)
        await log.make(_transaction_topics(settings), partitions=1)
    except Invalid as refusal:
        _log.warning("topics.not_made", why=refusal.message)


async def _identify(pool: asyncpg.Pool, identity: str) -> None:
    await pool.execute(_IDENTIFY, identity)
    known = await pool.fetchval(_IDENTITY)
    if known != identity:
        raise Invalid(
            f"this database has applied the log of {known}, and its positions mean nothing in that "
            f"of {identity}: go back to that log, or set CONCORD_DATABASE_URL to a new database"
        )


def _topics(settings: Settings, connectors: Connectors) -> tuple[Topic, ...]:
    tables = (topic for system in connectors.reads for topic in _tables(connectors, system))
    heard = (s for s in connectors.reads if settings.way(s) != "wal")
    return (*tables, *map(events_topic, heard))


def _tables(connectors: Connectors, system: System) -> tuple[Topic, ...]:
    tables = captured_tables(connectors.reads[system].bindings)
    return tuple(Topic(f"{system.value}.{table}") for table in tables)


def _transaction_topics(settings: Settings) -> tuple[Topic, ...]:
    return tuple(transaction_topic(s.value) for s in System if settings.has_transactions(s))


def _prefixes() -> tuple[str, ...]:
    return tuple(f"{system.value}." for system in System)
