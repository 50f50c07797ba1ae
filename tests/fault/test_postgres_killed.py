"""The database dies under a listener and a delivery worker: they wait, and go on by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
from support.captured import Firm, Kept
from support.delivering import deliver
from support.listening import listen
from support.load import append
from support.mortal import Mortal
from support.oracle import assert_applied, caught_up, lag
from support.processes import Worker, running
from support.settling import settle_all
from support.stood_in import KEY, stood_in
from support.targets import until

from schema.canon import Client
from schema.system import System

OUTAGES = 3
_OWED = "SELECT count(*) FROM delivery WHERE target = 'psa' AND state IN ('pending', 'sending')"
_APPLIED = "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_offset"


async def test_both_resume_and_nothing_is_lost(
    mortal: Mortal,
    create_database: Callable[[str | None], str],
    mortal_pool: asyncpg.Pool,
    tmp_path: Path,
) -> None:
    """Three times it dies in the middle of the work; all of it is done in the end, none refused."""
    firm = Firm(41)
    async with (
        stood_in(create_database(None)) as psa,
        running(tmp_path / "listener", listen, mortal.dsn) as listener,
        running(tmp_path / "deliverer", deliver, mortal.dsn, psa.url, KEY) as deliverer,
    ):
        for _ in range(OUTAGES):
            await append(mortal.dsn, firm, steps=700)
            await progress(mortal_pool, listener, deliverer)
            await mortal.die()
            await asyncio.gather(listener.runs_for(0.5), deliverer.runs_for(0.5))
            await mortal.rise()
        await caught_up(mortal_pool, listener, deliverer)
        await settle_all(mortal_pool)
        await done(mortal_pool, listener, deliverer)
        titles = await psa.pool.fetch("SELECT crm_account_id AS key, title FROM clients")
    await assert_applied(mortal_pool, firm)
    assert await mortal_pool.fetchval("SELECT count(*) FROM delivery WHERE state = 'dead'") == 0
    assert_arrived(firm, [(row["key"], row["title"]) for row in titles])


async def progress(pool: asyncpg.Pool, *workers: Worker) -> None:
    """Return once something has been applied since this call."""
    before = await pool.fetchval(_APPLIED)

    async def has_applied() -> bool:
        for worker in workers:
            worker.is_alive()
        return bool(await pool.fetchval(_APPLIED) > before)

    await until(has_applied, seconds=60)


async def done(pool: asyncpg.Pool, *workers: Worker) -> None:
    """Return once all is applied and nothing is owed to the PSA any more."""

    async def is_done() -> bool:
        for worker in workers:
            worker.is_alive()
        return not await lag(pool) and await pool.fetchval(_OWED) == 0

    await until(is_done, seconds=60)


def assert_arrived(firm: Firm, found: list[tuple[str, str]]) -> None:
    """Each client that changed in sight is there once, with its latest name if it still exists."""
    [source] = [s for s in firm.sources if s.binding.system is System.CRM]
    assert source.binding.entity is Client
    by_key = {key: known for known in source.records.values() for key in known.keys}
    arrived = [by_key[key].id for key, _ in found]
    assert len(arrived) == len(set(arrived))
    for key, title in found:
        row = by_key[key].row
        assert row is None or row["account_name"] == title
    owed = {known.id for known in source.records.values() if known.row and _has_changed(known)}
    assert owed <= set(arrived)


def _has_changed(known: Kept) -> bool:
    """In sight of the capture; what a snapshot finds first is owed to nobody."""
    names = {version.row["account_name"] for version in known.history if version.row}
    return known.history[0].op == "c" or len(names) > 1
