"""The only place that asks the time; everything else is given a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the current time, aware and in UTC."""


def utc_now() -> datetime:
    return datetime.now(UTC)
