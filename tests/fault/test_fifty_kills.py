"""Fifty times somebody is killed in the middle of the work; in the end nobody can tell."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncpg
from support.moody import Moody
from support.mortal import Mortal
from support.oracle import assert_applied
from support.processes import Worker, running
from support.reckoning import AUDIT, assert_delivered, assert_letters, assert_once, calm
from support.stood_in import stood_in
from support.storm import Roles, Storm
from support.under_fire import capture, deliver, listen

SEED = int(os.environ.get("CONCORD_SEED", "20261128"))
KILLS = int(os.environ.get("CONCORD_KILLS", "50"))


async def test_killed_fifty_times_nothing_is_lost_or_doubled(
    mortal: Mortal,
    create_database: Callable[[str | None], str],
    mortal_pool: asyncpg.Pool,
    tmp_path: Path,
) -> None:
    """Listeners, delivery worker, capture and Postgres die in turns, at random moments."""
    moody, owner = Moody(random.Random(SEED)), create_database(None)
    async with stood_in(owner, moody.around) as psa:
        await psa.pool.execute(AUDIT)
        storm = Storm(SEED, moody, mortal_pool, psa.pool)
        async with hub(mortal, owner, psa.url, tmp_path) as roles:
            async with storm.blowing(mortal.dsn):
                for victim in storm.plan(KILLS):
                    await storm.strike(victim, roles)
            sys.stdout.write(storm.report())  # told when the test fails
            await calm(mortal_pool, psa.pool)
            await assert_letters(mortal_pool, storm.firm)
            await assert_applied(mortal_pool, storm.firm)
            await calm(mortal_pool, psa.pool)
        await assert_delivered(mortal_pool, psa.pool, storm.firm)
        await assert_once(psa.pool, storm.firm)
    storm.assert_has_met_everything()


@asynccontextmanager
async def hub(mortal: Mortal, owner: str, url: str, folder: Path) -> AsyncIterator[Roles]:
    slot = f"kills_{owner.rpartition('/')[2]}"
    async with AsyncExitStack() as stack:

        async def role(name: str, *work: object) -> Worker:
            started = running(folder / name, *work)  # type: ignore[arg-type]  # a role and its arguments
            return await stack.enter_async_context(started)

        yield Roles(
            listeners=(
                await role("first", listen, mortal.dsn),
                await role("second", listen, mortal.dsn),
            ),
            deliverer=await role("deliverer", deliver, mortal.dsn, url),
            capture=await role("capture", capture, mortal.dsn, owner, slot),
            postgres=mortal,
        )
