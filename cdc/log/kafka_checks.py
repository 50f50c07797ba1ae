"""What can be seen of a Kafka before anything is read from it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.record import util

from cdc.checks import Trouble
from cdc.envelope.markers import HEARTBEAT
from cdc.log.kafka_access import KafkaAccess
from schema.position import Topic

Configs = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a cluster says of itself. `topics` are those we read, with what they are set to."""

    has_fast_crc: bool
    broker: Configs
    topics: Mapping[Topic, Configs]
    existing: frozenset[str]


def look_at(access: KafkaAccess, topics: Sequence[Topic]) -> Facts:
    """Ask the cluster; topics that do not exist yet say nothing."""
    admin = KafkaAdminClient(**access.options)
    try:
        existing = frozenset(admin.list_topics())
        node = admin.describe_cluster()["brokers"][0]["broker_id"]
        asked = [topic for topic in topics if topic in existing]
        configs = _configs(admin, str(node), asked)
        return Facts(
            has_fast_crc=util.crc32c_c is not None,
            broker=configs[str(node)],
            topics={topic: configs[topic] for topic in asked},
            existing=existing,
        )
    finally:
        admin.close()


def troubles_of(
    facts: Facts, systems: Sequence[str], longest_outage: timedelta
) -> Iterator[Trouble]:
    """Everything that is wrong. `systems` are those that Debezium captures."""
    yield from _slow_crc(facts)
    yield from _auto_created_topics(facts)
    yield from _short_retention(facts, longest_outage)
    yield from _missing_heartbeats(facts, systems)


def _slow_crc(facts: Facts) -> Iterator[Trouble]:
    if not facts.has_fast_crc:
        yield Trouble(
            name="slow_crc",
            text="the C module crc32c is missing, without which reading takes 14 to 30 times the "
            "CPU: install kafka-python[crc32c]",
            is_fatal=True,
        )


def _auto_created_topics(facts: Facts) -> Iterator[Trouble]:
    if facts.broker.get("auto.create.topics.enable") == "true":
        yield Trouble(
            name="auto_created_topics",
            text="the brokers create topics by themselves, with partitions and a retention that "
            "nobody chose: set auto.create.topics.enable=false",
        )


def _short_retention(facts: Facts, longest_outage: timedelta) -> Iterator[Trouble]:
    for topic, configs in sorted(facts.topics.items()):
        kept = _retention(configs)
        if kept is not None and kept < longest_outage:
            yield Trouble(
                name="short_retention",
                text=f"{topic} keeps records for {kept}, and an outage of {longest_outage} is "
                "allowed: raise its retention.ms, or lower CONCORD_KAFKA__LONGEST_OUTAGE",
            )


def _missing_heartbeats(facts: Facts, systems: Sequence[str]) -> Iterator[Trouble]:
    for system in systems:
        is_captured = any(topic.startswith(f"{system}.") for topic in facts.existing)
        if is_captured and f"{HEARTBEAT}{system}" not in facts.existing:
            yield Trouble(
                name="missing_heartbeat",
                text=f"the connector of {system} sends no heartbeats, so that an idle {system} "
                "keeps its whole write-ahead log: set heartbeat.interval.ms",
            )


def _retention(configs: Configs) -> timedelta | None:
    """How long records are kept; None is for ever."""
    kept_ms = int(configs.get("retention.ms", -1))
    if kept_ms < 0 or "delete" not in configs.get("cleanup.policy", "delete"):
        return None
    return timedelta(milliseconds=kept_ms)


def _configs(admin: Any, node: str, topics: Sequence[Topic]) -> dict[str, Configs]:
    asked = [
        ConfigResource(ConfigResourceType.BROKER, node),
        *(ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics),
    ]
    answered = admin.describe_configs(asked, config_filter="all")
    return {
        name: {key: entry["value"] for key, entry in entries.items()}
        for by_name in answered.values()
        for name, entries in by_name.items()
    }
