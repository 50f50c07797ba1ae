"""How old what waits in a Kafka is: the first unread record of each partition is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from time import monotonic

from kafka import KafkaConsumer, TopicPartition

from cdc.log.kafka_access import KafkaAccess
from schema.position import LogPartition, Topic

_LOOK_S = 3
_LOOK_MS = 200
_PEEK_BYTES = 1024
"""A broker sends at least one whole record, however long it is."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def oldest_of(
    access: KafkaAccess, unread: Mapping[LogPartition, int]
) -> dict[LogPartition, datetime]:
    """When the first record from each offset on came; what is not told in time is left out."""
    reader = KafkaConsumer(
        **access.options,
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        max_partition_fetch_bytes=_PEEK_BYTES,
    )
    try:
        pairs = {TopicPartition(lane.topic, lane.partition): at for lane, at in unread.items()}
        reader.assign(list(pairs))
        for pair, offset in pairs.items():
            reader.seek(pair, offset)
        return _look(reader, set(pairs))
    finally:
        reader.close(autocommit=False)


def _look(reader: KafkaConsumer, wanted: set[TopicPartition]) -> dict[LogPartition, datetime]:
    came: dict[LogPartition, datetime] = {}
    deadline = monotonic() + _LOOK_S
    while wanted and monotonic() < deadline:
        for pair, records in reader.poll(timeout_ms=_LOOK_MS).items():
            if pair in wanted:
                wanted.remove(pair)
                reader.pause(pair)
                lane = LogPartition(topic=Topic(pair.topic), partition=pair.partition)
                came[lane] = _EPOCH + timedelta(milliseconds=records[0].timestamp)
    return came
