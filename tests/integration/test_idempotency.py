"""The answers to idempotency keys are kept for a time, and what has no answer for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from schema.errors import OutcomeUnknown
from sync.write.idempotency import Answer, Idempotency

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


async def test_only_answers_are_forgotten(pool: asyncpg.Pool) -> None:
    """A request whose outcome nobody knows is remembered however long ago it was."""

    async def answers(_: datetime | None) -> Answer:
        return {"id": 1}

    async def is_lost(_: datetime | None) -> Answer:
        raise OutcomeUnknown("no answer came")

    today = Idempotency(pool, lambda: NOW)
    long_ago = Idempotency(pool, lambda: NOW - 40 * DAY)
    await long_ago.once("s", "old", {}, answers)
    await today.once("s", "new", {}, answers)
    with pytest.raises(OutcomeUnknown):
        await long_ago.once("s", "lost", {}, is_lost)
    assert await today.trim(NOW - 30 * DAY) == 1
    left = await pool.fetch("SELECT key, state FROM idempotency ORDER BY key")
    assert [tuple(row) for row in left] == [("lost", "started"), ("new", "done")]
