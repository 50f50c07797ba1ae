"""One member of a Kafka consumer group, as the one thread that owns it sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from queue import Empty, SimpleQueue
from time import monotonic
from types import MappingProxyType
from typing import Any

import structlog
from kafka import (
    ConsumerRebalanceListener,
    KafkaConsumer,
    OffsetAndMetadata,
    TopicPartition,
    errors,
)
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from cdc.log.kafka_access import KafkaAccess
from cdc.log.port import LogRecord
from schema.errors import Invalid
from schema.position import LogPartition, Position, Topic

_log = structlog.get_logger()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_HEADERS: Mapping[str, bytes] = MappingProxyType({})
_JOIN_S = 10
_COMMIT_MS = 5_000
_SHORTEST_POLL_MS = 1_000
"""The client joins again within one poll or not at all: with shorter ones, on a busy machine, it
never would."""

CLIENT_SETTINGS: Mapping[str, Any] = {
    # The offsets that count are stored with what was applied; Kafka's are told afterwards.
    "enable_auto_commit": False,
    "auto_offset_reset": "earliest",
    "isolation_level": "read_committed",
    "allow_auto_create_topics": False,
    "partition_assignment_strategy": (CooperativeStickyAssignor,),
    "metadata_max_age_ms": 5_000,  # how soon a new topic is seen
    "max_poll_records": 10_000,
    "max_partition_fetch_bytes": 4 * 1024 * 1024,
    "session_timeout_ms": 6_000,  # the least that brokers allow
    "heartbeat_interval_ms": 1_000,
}

News = SimpleQueue[Callable[["Member"], None]]
"""What others want done, waiting for the member's thread."""


class Member:
    """Reads its share of the topics that match `pattern`.

    After every change of the assignment, what the same poll has fetched is read again, so that
    nothing of a new partition is handed out before the caller had a chance to `seek`.
    """

    def __init__(self, access: KafkaAccess, group: str, pattern: str, news: News) -> None:
        self._news = news
        self._next: dict[LogPartition, int | None] = {}
        """Where each assigned partition is read next; None is its oldest record."""
        self._has_moved = False
        self._client = KafkaConsumer(**access.options, **CLIENT_SETTINGS, group_id=group)
        self._client.subscribe(pattern=pattern, listener=_Signals(news))

    def poll(self, limit: int, wait: timedelta) -> Sequence[LogRecord]:
        """Empty when nothing came, and when the assignment changed.

        Waits for the first record at least long enough for the group to share its partitions out.
        """
        if self._take_news():
            return []
        wait_ms = max(int(wait.total_seconds() * 1000), _SHORTEST_POLL_MS)
        fetched = self._client.poll(timeout_ms=wait_ms, max_records=limit)
        if not self._news.empty():
            self._take_news()
            self._rewind(self._next)  # what was fetched is from where we stood before
            return []
        return [record for lane in sorted(fetched) for record in self._read(lane, fetched[lane])]

    def assignment(self) -> frozenset[LogPartition]:
        """What we read now; waits some seconds for the group, which waits for all its members."""
        deadline = monotonic() + _JOIN_S
        while not self._has_joined() and monotonic() < deadline:
            self.stay()
        self._take_news()
        return frozenset(self._next)

    def stay(self) -> None:
        """Take part in the group's life while the caller does something else; it reads nothing."""
        self._client.poll(timeout_ms=_SHORTEST_POLL_MS, max_records=1)
        if not self._take_news():
            self._rewind(self._next)

    def commit(self, offsets: Mapping[LogPartition, int]) -> None:
        """Tell the group's offsets, for monitoring; a member that lost its place says nothing."""
        ours = {
            _pair(lane): OffsetAndMetadata(offset, "", -1)
            for lane, offset in offsets.items()
            if lane in self._next
        }
        if not ours:
            return
        try:
            self._client.commit(ours, timeout_ms=_COMMIT_MS)
        except errors.KafkaError as refusal:
            _log.info("log.commit_refused", why=str(refusal))

    def close(self) -> None:
        self._client.close(autocommit=False, timeout_ms=_COMMIT_MS)

    def seek(self, lane: LogPartition, offset: int) -> None:
        if lane in self._next:
            self._next[lane] = offset
            self._rewind([lane])

    def pause(self, lane: LogPartition) -> None:
        if lane in self._next:
            self._client.pause(_pair(lane))

    def resume(self, lane: LogPartition) -> None:
        if lane in self._next:
            self._client.resume(_pair(lane))

    def gain(self, lanes: Iterable[LogPartition]) -> None:
        self._next.update(dict.fromkeys(lanes))
        self._has_moved = True

    def lose(self, lanes: Iterable[LogPartition]) -> None:
        for lane in lanes:
            self._next.pop(lane, None)
        self._has_moved = True

    def _has_joined(self) -> bool:
        return bool(self._client.group_metadata().generation_id >= 0)

    def _take_news(self) -> bool:
        """Do what is waiting. True if the assignment changed; then everything is read again."""
        self._has_moved = False
        with suppress(Empty):
            while True:
                self._news.get_nowait()(self)
        if self._has_moved:
            self._rewind(self._next)
            _log.info("log.assigned", partitions=len(self._next))
        return self._has_moved

    def _rewind(self, lanes: Iterable[LogPartition]) -> None:
        """Read on from what was handed out last, whatever has been fetched since."""
        assigned = self._client.assignment()
        for lane in lanes:
            pair, offset = _pair(lane), self._next[lane]
            if pair not in assigned:
                continue
            if offset is None:
                self._client.seek_to_beginning(pair)
            else:
                self._client.seek(pair, offset)

    def _read(self, pair: TopicPartition, fetched: Sequence[Any]) -> list[LogRecord]:
        lane = LogPartition(topic=Topic(pair.topic), partition=pair.partition)
        self._check_offset(lane, fetched[0].offset)
        self._next[lane] = fetched[-1].offset + 1
        return _records(lane, fetched)

    def _check_offset(self, lane: LogPartition, found: int) -> None:
        """Offsets may have gaps. One over records that were deleted unread is told, loudly."""
        wanted = self._next[lane]
        if wanted is None or wanted == found:
            return
        if found < wanted:
            raise Invalid(
                f"{lane.topic} was created again: it ends before offset {wanted}, which has been "
                "applied; fill a new database from its new records"
            )
        oldest = self._client.beginning_offsets([_pair(lane)])[_pair(lane)]
        if oldest > wanted:
            _log.error(
                "log.trimmed_unread",
                topic=lane.topic,
                partition=lane.partition,
                wanted=wanted,
                oldest=oldest,
            )


class _Signals(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
    """Runs on the client's own loop, which must not wait: it leaves word and returns."""

    def __init__(self, news: News) -> None:
        self._news = news

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        lanes = _lanes(assigned)
        self._news.put(lambda member: member.gain(lanes))

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        lanes = _lanes(revoked)
        self._news.put(lambda member: member.lose(lanes))

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self.on_partitions_revoked(lost)


def _lanes(pairs: Iterable[TopicPartition]) -> list[LogPartition]:
    return [LogPartition(topic=Topic(pair.topic), partition=pair.partition) for pair in pairs]


def _pair(lane: LogPartition) -> TopicPartition:
    return TopicPartition(lane.topic, lane.partition)


def _records(lane: LogPartition, fetched: Sequence[Any]) -> list[LogRecord]:
    topic, partition = lane.topic, lane.partition
    return [
        LogRecord(
            position=Position(topic=topic, partition=partition, offset=one.offset),
            key=one.key,
            value=one.value,
            headers=dict(one.headers) if one.headers else _NO_HEADERS,
            appended_at=_instant(one.timestamp),
        )
        for one in fetched
    ]


@lru_cache(1024)
def _instant(milliseconds: int) -> datetime:
    """What was sent together shares its time."""
    return _EPOCH + timedelta(milliseconds=milliseconds)
