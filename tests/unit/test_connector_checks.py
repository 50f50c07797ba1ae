"""Every named check of a Debezium connector, seen to fire and to keep quiet."""

from __future__ import annotations

from typing import Any

import pytest

from cdc.capture.connector_checks import connector_troubles
from cdc.capture.debezium import TopicPlan, connector_of
from cdc.checks import judge
from schema.errors import Invalid

PLAN = TopicPlan(partitions=4, retention_ms=1)
SOUND = connector_of("crm", "postgresql://u:p@db/crm", (), PLAN).config


def names(running: dict[str, str], **options: Any) -> list[str]:
    return [trouble.name for trouble in connector_troubles("crm", running, **options)]


def test_the_recommended_connector_has_no_trouble() -> None:
    assert names(dict(SOUND), needs_transactions=True) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"decimal.handling.mode": "precise"}, "decimals_without_scale"),
        ({"skipped.operations": "t,u"}, "truncates_skipped"),
        ({"heartbeat.interval.ms": "0"}, "missing_heartbeat"),
        ({"provide.transaction.metadata": "false"}, "untold_transactions"),
    ],
)
def test_a_setting_that_loses_changes_is_named(change: dict[str, str], name: str) -> None:
    assert names({**SOUND, **change}, needs_transactions=True) == [name]
    without = {key: value for key, value in SOUND.items() if key not in change}
    assert names(without, needs_transactions=True) == [name]


def test_a_scale_may_come_from_a_schema_or_be_declared() -> None:
    precise = {**SOUND, "decimal.handling.mode": "precise"}
    assert names(precise, has_declared_scales=True) == []
    assert names({**precise, "value.converter.schemas.enable": "true"}) == []
    with pytest.raises(Invalid, match="CONCORD_CRM__COLUMN_TYPES"):
        judge(connector_troubles("crm", precise))
