"""What a role does by the clock, beside its work."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import cast

import asyncpg
import pytest

from hub import running
from hub.running import Hub
from schema.errors import Unavailable


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("The log does not answer."),
        OSError("The database does not answer."),
        asyncpg.DeadlockDetectedError("deadlock detected"),
    ],
    ids=["log", "database", "deadlock"],
)
async def test_a_chore_that_an_outage_prevents_is_done_the_next_time(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A log that does not answer used to end the role."""
    monkeypatch.setattr(running, "_HOUSEKEEPING", timedelta(0))
    troubles, is_done = [error], asyncio.Event()

    async def chore() -> None:
        if troubles:
            raise troubles.pop()
        is_done.set()

    tidying = asyncio.create_task(Hub._tidy(cast(Hub, None), chore))
    doing = asyncio.create_task(is_done.wait())
    done, _ = await asyncio.wait([tidying, doing], return_when=asyncio.FIRST_COMPLETED)
    tidying.cancel()
    assert done == {doing}
