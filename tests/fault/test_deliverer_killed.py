"""A delivery worker that is killed again and again: each record arrives once, as it is now."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import asyncpg
from support.delivering import deliver
from support.processes import Worker, running
from support.stood_in import KEY, StoodIn, stood_in
from support.targets import Desk, until

from schema.canon import Client
from schema.ids import mint
from schema.system import System

SEED = 20_261_121
KILLS = 10
_PENDING = "SELECT count(*) FROM delivery WHERE state = 'pending'"
_NAMED = "SELECT count(*) FROM clients WHERE title LIKE $1"
CLIENTS = {n: mint("cli", "crm", f"ACC-{n:05d}") for n in range(1, 31)}


async def test_killed_at_any_moment_it_never_creates_twice(
    hub_database: str,
    create_database: Callable[[str | None], str],
    pool: asyncpg.Pool,
    tmp_path: Path,
) -> None:
    """The PSA tells no create from its repetition, loses answers, and holds each client once."""
    rng, desk = random.Random(SEED), Desk(pool)
    async with (
        stood_in(create_database(None)) as psa,
        running(tmp_path / "words", deliver, hub_database, psa.url, KEY) as worker,
    ):
        names: dict[int, str] = {}
        for kill in range(KILLS):
            await psa.trouble(rng)
            names |= await change(desk, rng, kill)
            if kill % 4:  # otherwise it dies while it starts
                await progress(pool, worker)
            await worker.runs_for(rng.uniform(0, 0.2))
            await worker.kill()
            await worker.start()
        await psa.hold()
        names |= await change(desk, rng, KILLS)
        await written(psa, worker, KILLS)
        await worker.kill()
        assert await under_way(pool), "the last kill met no delivery under way"
        await psa.switch(mode="none")
        await worker.start()
        await settled(pool, worker)
        await assert_arrived(psa, names)


async def change(desk: Desk, rng: random.Random, step: int) -> dict[int, str]:
    """Half of the clients are renamed, or appear; the new names are owed to the PSA."""
    names = {n: f"Client {n} v{step}" for n in rng.sample(sorted(CLIENTS), len(CLIENTS) // 2)}
    for n, name in names.items():
        await desk.client(CLIENTS[n], n, name=name)
        await desk.owe(System.PSA, Client, CLIENTS[n], "name")
    return names


async def progress(pool: asyncpg.Pool, worker: Worker) -> None:
    """Return once it has something under way that was not before, or has nothing left to do."""
    before = await under_way(pool)

    async def has_begun() -> bool:
        worker.is_alive()
        return bool(await under_way(pool) - before) or not await pool.fetchval(_PENDING)

    await until(has_begun, seconds=60)


async def written(psa: StoodIn, worker: Worker, step: int) -> None:
    """Return once the PSA holds a name of this step, while its answer is held back."""

    async def is_written() -> bool:
        worker.is_alive()
        return bool(await psa.pool.fetchval(_NAMED, f"% v{step}"))

    await until(is_written, seconds=60)


async def under_way(pool: asyncpg.Pool) -> set[tuple[int, datetime]]:
    rows = await pool.fetch("SELECT id, leased_until FROM delivery WHERE state = 'sending'")
    return {(row["id"], row["leased_until"]) for row in rows}


async def settled(pool: asyncpg.Pool, worker: Worker) -> None:
    """Return once nothing is owed or under way."""

    async def is_settled() -> bool:
        worker.is_alive()
        rows = await pool.fetch("SELECT DISTINCT state FROM delivery")
        return {row["state"] for row in rows} == {"delivered"}

    await until(is_settled, seconds=60)


async def assert_arrived(psa: StoodIn, names: dict[int, str]) -> None:
    rows = await psa.pool.fetch("SELECT crm_account_id, title FROM clients ORDER BY 1")
    expected = [(f"ACC-{n:05d}", name) for n, name in sorted(names.items())]
    assert [(row["crm_account_id"], row["title"]) for row in rows] == expected
