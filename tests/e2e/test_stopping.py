"""A role ends when its process is told to: also where it is the first of a container.

The kernel keeps from such a process every signal for which it has no handler.
"""

from __future__ import annotations

import asyncio
import os

import asyncpg
import pytest
from support.commands import CONCORD, SYSTEMS_NOWHERE

OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle' AND pid <> pg_backend_pid()
"""
PATIENCE_S = 60


@pytest.mark.parametrize("role", ["listen", "deliver"])
async def test_a_role_that_is_told_to_stop(role: str, hub_database: str) -> None:
    watching = await asyncpg.connect(hub_database)
    process = await asyncio.create_subprocess_exec(
        *(*CONCORD, role),
        env={**os.environ, **SYSTEMS_NOWHERE, "CONCORD_DATABASE_URL": hub_database},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await watching.fetchval(OTHERS):  # noqa: ASYNC110  # another process's
                await asyncio.sleep(0.05)
            process.terminate()
            _, said = await process.communicate()
    finally:
        await watching.close()
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, said.decode()
    assert said.decode().endswith("Stopped.\n")
    assert "Traceback" not in said.decode()
