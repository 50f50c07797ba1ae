"""What a process held when it was killed in the middle of a statement is free for the next one."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from support.asleep import LOCK, in_a_capture, in_the_log, in_the_pool
from support.processes import Work, running
from support.targets import until

FREE_AFTER_S = 30
"""The server looks every second; a busy machine takes its time."""
_SLEEPS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%')"
_TAKE = "SELECT pg_try_advisory_lock($1)"


@pytest.mark.parametrize("work", [in_the_pool, in_the_log, in_a_capture])
async def test_the_server_gives_an_orphan_up(
    hub_database: str, pool: asyncpg.Pool, tmp_path: Path, work: Work
) -> None:
    """A peek into a slot, or a wait for a lock, would go on with nobody there to be answered."""
    async with running(tmp_path / "words", work, hub_database) as worker, pool.acquire() as heir:

        async def sleeps() -> bool:
            worker.is_alive()
            return await heir.fetchval(_SLEEPS) is True

        async def is_free() -> bool:
            return await heir.fetchval(_TAKE, LOCK) is True

        await until(sleeps, seconds=FREE_AFTER_S)
        assert not await is_free()
        await worker.kill()
        await until(is_free, seconds=FREE_AFTER_S)
