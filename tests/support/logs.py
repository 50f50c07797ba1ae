"""The engines of the log, each as the contract of the log port needs it."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
from confluent_kafka import Producer
from kafka import KafkaAdminClient

from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from cdc.log.kafka_consumer import KafkaLogConsumer
from cdc.log.port import Consumes, NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from cdc.log.tables import LOG_TABLES
from schema.position import LogPartition, Topic
from sync.lag import Backlog

GROUP = "hub"
_COMMITTED = "SELECT topic, partition, next_offset FROM log_group_offset"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A log with 4 partitions per topic. `system` begins its topics, and no other log's."""

    system: str
    log: PostgresLog | KafkaLog
    member: Callable[[], Consumes]
    """A new member of the group, which reads the topics of `system`."""
    committed: Callable[[], AsyncIterator[tuple[LogPartition, int]]]
    backlog: Callable[[Topic], Awaitable[Sequence[Backlog]]]
    """What the group has not committed, of a topic at least."""
    settles_s: float
    """How long the group may take to share the partitions out again."""

    def topic(self, table: str) -> Topic:
        return Topic(f"{self.system}.public.{table}")


@asynccontextmanager
async def postgres_engine(dsn: str) -> AsyncIterator[Engine]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        await pool.execute(LOG_TABLES)

        async def committed() -> AsyncIterator[tuple[LogPartition, int]]:
            for topic, partition, offset in await pool.fetch(_COMMITTED):
                yield LogPartition(topic=topic, partition=partition), offset

        async with _closing() as members:
            yield Engine(
                system="crm",
                log=PostgresLog(pool),
                member=lambda: members.add(
                    PostgresConsumer(dsn=dsn, group=GROUP, prefixes=("crm.",))
                ),
                committed=committed,
                backlog=lambda _: PostgresLog(pool).backlog(GROUP),
                settles_s=2,
            )


@asynccontextmanager
async def kafka_engine(access: KafkaAccess, log: KafkaLog) -> AsyncIterator[Engine]:
    """On a cluster that outlives the test: topics and group are this engine's own."""
    system = f"system{next(_numbers)}"
    group = f"{GROUP}-{system}"

    async def committed() -> AsyncIterator[tuple[LogPartition, int]]:
        admin = KafkaAdminClient(**access.options)
        offsets: Mapping[str, Mapping[object, object]] = admin.list_group_offsets([group])
        admin.close()
        for pair, stored in offsets[group].items():
            topic, partition = pair  # type: ignore[misc]  # a named tuple of kafka-python
            yield LogPartition(topic=topic, partition=partition), stored.offset  # type: ignore[attr-defined]  # likewise

    async with _closing() as members:
        yield Engine(
            system=system,
            log=log,
            member=lambda: members.add(
                KafkaLogConsumer(access=access, group=group, prefixes=(f"{system}.",))
            ),
            committed=committed,
            backlog=lambda topic: log.backlog(group, [topic]),
            settles_s=45,
        )
        await log.close()


_ANSWERS_S = 60
"""It answers at once, unless the machine has much to do."""


class MockCluster:
    """One broker in this process. It lives as long as the client that was asked to play it."""

    def __init__(self) -> None:
        self._client = Producer({"bootstrap.servers": "-", "test.mock.num.brokers": 1})
        [broker] = self._client.list_topics(timeout=_ANSWERS_S).brokers.values()
        address = f"{broker.host}:{broker.port}"
        # It cannot negotiate versions.
        self.access = KafkaAccess(bootstrap_servers=(address,), api_version=(2, 3))

    def create_topic(self, topic: Topic) -> None:
        """Asking for a topic makes it."""
        self._client.list_topics(topic, timeout=_ANSWERS_S)


class MockLog(KafkaLog):
    """Its topics are made by asking for them: the mock does not know how to create one."""

    def __init__(self, cluster: MockCluster) -> None:
        super().__init__(cluster.access)
        self._cluster = cluster

    async def make(self, topics: Collection[Topic], partitions: int | None = None) -> None:
        for topic in topics:
            self._cluster.create_topic(topic)

    async def append(self, records: Sequence[NewRecord]) -> None:
        await self.make({record.topic for record in records})
        await super().append(records)


@dataclass(slots=True)
class _Members:
    made: list[Consumes] = field(default_factory=list)

    def add(self, member: Consumes) -> Consumes:
        self.made.append(member)
        return member


@asynccontextmanager
async def _closing() -> AsyncIterator[_Members]:
    members = _Members()
    try:
        yield members
    finally:
        for member in members.made:
            await member.close()
