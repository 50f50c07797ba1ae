"""What a process held when it was killed in the middle of a statement is free for the next one."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest
from support.processes import Work, running
from support.stuck import in_a_capture, in_the_log, in_the_pool, locked
from support.targets import until

FREE_AFTER_S = 30
"""The server looks every second; a busy machine takes its time."""
_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.mark.parametrize("work", [in_the_pool, in_the_log, in_a_capture])
async def test_the_server_gives_an_orphan_up(
    hub_database: str, pool: asyncpg.Pool, tmp_path: Path, work: Work
) -> None:
    """A peek into a slot, or a wait for a lock, would go on with nobody there to be answered."""
    async with locked(pool), running(tmp_path / "words", work, hub_database) as worker:

        async def waits() -> bool:
            worker.is_alive()
            return await pool.fetchval(_WAITING) == 1

        async def is_given_up() -> bool:
            return await pool.fetchval(_WAITING) == 0

        await until(waits, seconds=FREE_AFTER_S)
        await worker.kill()
        await until(is_given_up, seconds=FREE_AFTER_S)
