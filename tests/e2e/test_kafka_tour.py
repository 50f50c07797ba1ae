"""The demo's story with Debezium as the capture and Kafka as the log."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.commands import concord
from support.kafka import lend_artifacts

from hub.story import STORY


@pytest.mark.kafka
def test_the_tour_holds_over_a_real_kafka(tmp_path: Path) -> None:
    """The same story with Debezium as the capture and Kafka as the log."""
    lend_artifacts(tmp_path)
    told = concord("demo", "--tour", "--log", "kafka", "--state", str(tmp_path), deadline_s=600)
    assert told.returncode == 0, f"{told.stdout}{told.stderr}"
    assert told.stdout.count("✓") == len(STORY), told.stdout
    assert concord("demo", "--clean", "--state", str(tmp_path)).returncode == 0
