"""A Kafka of one node for a bench, and topics on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from cdc.log.kafka_consumer import KafkaLogConsumer
from hub.kafka.artifacts import Artifacts, prepare_artifacts
from hub.kafka.broker import Broker
from schema.position import Topic

STATE = Path(__file__).parents[1] / ".concord" / "kafka"
"""Where the artifacts of the tests are too."""


@contextmanager
def brokered(folder: Path) -> Iterator[tuple[Artifacts, KafkaAccess]]:
    """A broker that is gone afterwards, with its log in `folder`."""
    artifacts = prepare_artifacts(STATE, print)
    broker = Broker(artifacts, folder)
    try:
        yield artifacts, KafkaAccess(bootstrap_servers=(broker.address,))
    finally:
        broker.stop()


def consumer_of(access: KafkaAccess, topic: Topic, group: str) -> KafkaLogConsumer:
    return KafkaLogConsumer(access=access, group=group, topics=(topic,))


async def end_of(log: KafkaLog, topics: Sequence[Topic]) -> int:
    """How many records the topics hold."""
    return sum((await log.ends(topics)).values())
