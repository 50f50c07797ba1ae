"""A listener that is killed again and again, under load: nothing is lost and nothing done twice."""

from __future__ import annotations

import random
from pathlib import Path

import asyncpg
from support.captured import OPS, Firm
from support.listening import listen
from support.load import under_load
from support.oracle import assert_holds, caught_up
from support.processes import Worker, running
from support.targets import until

SEED = 20_261_120
KILLS = 15
_APPLIED = "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_offset"


async def test_killed_at_any_moment_it_goes_on_where_it_was(
    hub_database: str, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    """After a dozen kills the database holds what the owners' histories say, each effect once."""
    firm, rng = Firm(SEED), random.Random(SEED)
    async with running(tmp_path / "words", listen, hub_database) as listener:
        async with under_load(hub_database, firm):
            for kill in range(KILLS):
                if kill % 4:  # otherwise it dies while it starts
                    await progress(pool, listener)
                await listener.runs_for(rng.uniform(0, 0.3))
                await listener.kill()
                await listener.start()
        await caught_up(pool, listener)
    assert firm.produced.keys() == OPS
    await assert_holds(pool, firm)


async def progress(pool: asyncpg.Pool, listener: Worker) -> None:
    """Return once it has applied something since this call."""
    before = await pool.fetchval(_APPLIED)

    async def has_applied() -> bool:
        listener.is_alive()
        return bool(await pool.fetchval(_APPLIED) > before)

    await until(has_applied, seconds=60)
