"""Every named check of a Kafka, seen to fire and to keep quiet."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from cdc.checks import Trouble, judge
from cdc.log.kafka_checks import Facts, troubles_of
from cdc.log.kafka_member import CLIENT_SETTINGS
from schema.errors import Invalid
from schema.position import Topic

TOPIC = Topic("crm.public.accounts")
DAY_MS = 86_400_000
SOUND = Facts(
    has_fast_crc=True,
    broker={"auto.create.topics.enable": "false"},
    topics={TOPIC: {"cleanup.policy": "delete", "retention.ms": str(7 * DAY_MS)}},
    existing=frozenset({TOPIC, "__debezium-heartbeat.crm"}),
)


def names(facts: Facts) -> list[str]:
    return [t.name for t in troubles_of(facts, ["crm", "hr"], timedelta(days=3))]


def test_a_sound_cluster_has_no_troubles() -> None:
    """A system that nothing captures yet (hr) is none either."""
    assert names(SOUND) == []


def test_slow_checksums_are_refused() -> None:
    """Without the C module a core reads a tenth of what it could."""
    [trouble] = troubles_of(replace(SOUND, has_fast_crc=False), [], timedelta())
    assert (trouble.name, trouble.is_fatal) == ("slow_crc", True)
    with pytest.raises(Invalid, match="crc32c"):
        judge([trouble])


def test_brokers_that_create_topics_are_told() -> None:
    """Nobody chose the partitions of such a topic."""
    assert names(replace(SOUND, broker={"auto.create.topics.enable": "true"})) == [
        "auto_created_topics"
    ]


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ((2 * DAY_MS, "delete"), ["short_retention"]),
        ((2 * DAY_MS, "compact,delete"), ["short_retention"]),
        ((3 * DAY_MS, "delete"), []),
        ((-1, "delete"), []),
        ((2 * DAY_MS, "compact"), []),
    ],
)
def test_a_topic_must_outlast_the_longest_outage(
    setting: tuple[int, str], expected: list[str]
) -> None:
    """Records that are deleted unread are lost; a compacted topic deletes none of a key's last."""
    retention_ms, policy = setting
    configs = {"retention.ms": str(retention_ms), "cleanup.policy": policy}
    assert names(replace(SOUND, topics={TOPIC: configs})) == expected


def test_a_connector_without_heartbeats_is_told() -> None:
    """An idle owner would keep its whole write-ahead log."""
    assert names(replace(SOUND, existing=frozenset({TOPIC}))) == ["missing_heartbeat"]


def test_what_is_not_fatal_does_not_refuse() -> None:
    """It is told, and the start goes on."""
    with capture_logs() as told:
        judge([Trouble(name="short_retention", text="raise it")])
    assert told == [
        {
            "event": "check.failed",
            "log_level": "warning",
            "name": "short_retention",
            "text": "raise it",
        }
    ]


def test_offsets_are_never_committed_by_the_client_itself() -> None:
    """What counts is stored with what was applied; and large batches keep Postgres busy."""
    assert CLIENT_SETTINGS["enable_auto_commit"] is False
    assert CLIENT_SETTINGS["max_poll_records"] >= 2000


def test_a_dead_member_is_replaced_within_seconds() -> None:
    """Its heir waits for its session to end; a few lost heartbeats must not end a living one's."""
    assert CLIENT_SETTINGS["session_timeout_ms"] == 6_000
    assert CLIENT_SETTINGS["heartbeat_interval_ms"] * 4 <= CLIENT_SETTINGS["session_timeout_ms"]
