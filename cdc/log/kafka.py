"""The log in Kafka: appending, and how far it reaches."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition, errors
from kafka.admin import NewTopic

from cdc.log.kafka_access import KafkaAccess, kafka_outage
from cdc.log.kafka_ages import oldest_of
from cdc.log.port import NewRecord
from schema.position import LogPartition, Topic
from sync.lag import Backlog

_DELIVERY_S = 30
_CLIENT_SETTINGS: Mapping[str, Any] = {
    "allow_auto_create_topics": False,
    "compression_type": "lz4",
    "linger_ms": 5,
    "max_block_ms": _DELIVERY_S * 1000,
    "delivery_timeout_ms": _DELIVERY_S * 1000,
    "request_timeout_ms": _DELIVERY_S * 1000 // 2,
}
_BROKERS_DEFAULT = -1

T = TypeVar("T")


class KafkaLog:
    """Appends with an idempotent producer, acknowledged by all replicas.

    A key goes where Kafka's own partitioner, and so Debezium's, puts it. A topic that nobody made
    is created by its first record, with `partitions` and `retention`; the brokers need not be
    allowed to.
    """

    def __init__(
        self,
        access: KafkaAccess,
        *,
        partitions: int = 4,
        retention: timedelta = timedelta(days=7),
    ) -> None:
        self._access = access
        self._partitions = partitions
        self._retention = retention
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka log")
        self._producer: KafkaProducer | None = None
        self._known: set[Topic] = set()

    async def append(self, records: Sequence[NewRecord]) -> None:
        """Append all records; after `Unavailable` some may be there, and all may be sent again."""
        if records:
            await self._call(lambda: self._append(records))

    async def make(self, topics: Collection[Topic], partitions: int | None = None) -> None:
        """See `Makes.make`. Raises Invalid when we may not."""
        await self._call(lambda: self._create_unknown(set(topics), partitions))

    async def ends(self, topics: Iterable[Topic]) -> Mapping[LogPartition, int]:
        """The next offset of each partition of those `topics` that exist."""
        wanted = list(topics)
        return await self._call(lambda: _bounds(self._access, wanted, KafkaConsumer.end_offsets))

    async def firsts(self, topics: Iterable[Topic]) -> Mapping[LogPartition, int]:
        """The offset of the oldest record that each partition of those `topics` still has."""
        wanted, ask = list(topics), KafkaConsumer.beginning_offsets
        return await self._call(lambda: _bounds(self._access, wanted, ask))

    async def backlog(self, group: str, topics: Iterable[Topic]) -> Sequence[Backlog]:
        """What the group has not committed, by topic, and when the first of it came."""
        ends = await self.ends(topics)
        read = await self._call(lambda: _committed(self._access, group))
        unread = {lane: read.get(lane, 0) for lane, end in ends.items() if end > read.get(lane, 0)}
        came = await self._call(lambda: oldest_of(self._access, unread)) if unread else {}
        waiting: Counter[Topic] = Counter()
        for lane, start in unread.items():
            waiting[lane.topic] += ends[lane] - start
        return [
            Backlog(topic=topic, records=records, oldest_at=_first(came, topic))
            for topic, records in sorted(waiting.items())
        ]

    async def cluster_id(self) -> str:
        """What tells this cluster from every other, a re-made one included."""
        return await self._call(lambda: _cluster_id(self._access))

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await self._call(lambda: producer.close(timeout=_DELIVERY_S))

    async def _call(self, act: Callable[[], T]) -> T:
        def guarded() -> T:
            with kafka_outage():
                return act()

        return await asyncio.get_running_loop().run_in_executor(self._thread, guarded)

    def _append(self, records: Sequence[NewRecord]) -> None:
        self._create_unknown({record.topic for record in records})
        if self._producer is None:
            self._producer = KafkaProducer(**self._access.options, **_CLIENT_SETTINGS)
        sent = [self._send(self._producer, record) for record in records]
        self._producer.flush(timeout=_DELIVERY_S)
        for future in sent:
            future.get(timeout=_DELIVERY_S)

    def _send(self, producer: KafkaProducer, record: NewRecord) -> Any:
        return producer.send(
            record.topic,
            key=record.key,
            value=record.value,
            headers=list(record.headers.items()),
            partition=0 if record.key is None else None,
        )

    def _create_unknown(self, topics: set[Topic], partitions: int | None = None) -> None:
        unknown = topics - self._known
        if not unknown:
            return
        admin = KafkaAdminClient(**self._access.options)
        try:
            missing = sorted(unknown - set(admin.list_topics()))
            if missing:
                _create(admin, [self._new(topic, partitions) for topic in missing])
        finally:
            admin.close()
        self._known |= unknown

    def _new(self, topic: Topic, partitions: int | None) -> NewTopic:
        kept_ms = int(self._retention.total_seconds() * 1000)
        return NewTopic(
            topic,
            num_partitions=partitions or self._partitions,
            replication_factor=_BROKERS_DEFAULT,
            topic_configs={"cleanup.policy": "delete", "retention.ms": str(kept_ms)},
        )


def _first(came: Mapping[LogPartition, datetime], topic: Topic) -> datetime | None:
    return min((at for lane, at in came.items() if lane.topic == topic), default=None)


def _create(admin: KafkaAdminClient, topics: Sequence[NewTopic]) -> None:
    try:
        admin.create_topics(topics)
    except errors.TopicAlreadyExistsError:
        return  # another appender was faster
    admin.wait_for_topics([topic.name for topic in topics])


def _bounds(
    access: KafkaAccess, topics: Sequence[Topic], ask: Callable[..., Mapping[TopicPartition, int]]
) -> dict[LogPartition, int]:
    reader = KafkaConsumer(
        **access.options, enable_auto_commit=False, allow_auto_create_topics=False
    )
    try:
        there = sorted(set(topics) & reader.topics())
        pairs = [TopicPartition(t, p) for t in there for p in reader.partitions_for_topic(t) or ()]
        told = ask(reader, pairs) if pairs else {}
        return {
            LogPartition(topic=Topic(pair.topic), partition=pair.partition): offset
            for pair, offset in told.items()
        }
    finally:
        reader.close(autocommit=False)


def _committed(access: KafkaAccess, group: str) -> dict[LogPartition, int]:
    admin = KafkaAdminClient(**access.options)
    try:
        stored = admin.list_group_offsets([group])[group]
        return {
            LogPartition(topic=Topic(pair.topic), partition=pair.partition): found.offset
            for pair, found in stored.items()
        }
    finally:
        admin.close()


def _cluster_id(access: KafkaAccess) -> str:
    admin = KafkaAdminClient(**access.options)
    try:
        return str(admin.describe_cluster()["cluster_id"])
    finally:
        admin.close()
