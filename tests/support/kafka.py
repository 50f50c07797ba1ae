"""The real Kafka of the tests: obtained once, a fresh broker for each run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.kafka.artifacts import Artifacts, prepare_artifacts
from hub.kafka.broker import Broker
from schema.errors import Unavailable

LANE = "CONCORD_REQUIRE_KAFKA"
"""Set to 1, a Kafka that cannot be obtained is an error; else those tests are skipped."""

STATE = Path(__file__).parents[2] / ".concord" / "kafka"
"""Outlives the run, because the artifacts take a while to obtain."""


def artifacts_or_skip() -> Artifacts:
    try:
        return prepare_artifacts(STATE, print)
    except Unavailable as missing:
        if os.environ.get(LANE) == "1":
            raise
        pytest.skip(missing.message)


def lend_artifacts(state: Path) -> None:
    """Let a demo in `state` find the artifacts instead of obtaining its own."""
    lent = artifacts_or_skip().folder
    (state / "kafka").mkdir(parents=True, exist_ok=True)
    (state / "kafka" / lent.name).symlink_to(lent)


@contextmanager
def broker_in(folder: Path) -> Iterator[Broker]:
    broker = Broker(artifacts_or_skip(), folder)
    try:
        yield broker
    finally:
        broker.stop()
