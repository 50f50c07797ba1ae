"""(g) How soon a killed listener is replaced, and what the roles keep while a target is down.

Real processes over the demo's systems: `concord listen` is killed and started again by us, as an
orchestrator would, or killed beside another one that goes on; the way from a change at its owner to
the projection is the whole way.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import asyncpg
import httpx

from bench.brokered import STATE
from bench.machine import resident_mb
from bench.served import environment_of, role
from hub.kafka.artifacts import missing_tools, prepare_artifacts
from hub.stage import Engine, Stage, set_stage

KILLS = 7
MINUTES, RATE = 30, 5
"""Of a target that is down, while so many records a second change for it."""
LONGEST_S = 300
SHARES_AFTER_S = 20
"""So long after its start a second listener has its share of the partitions."""

_RENAME = "UPDATE accounts SET account_name = $2, version = version + 1 WHERE id = $1"
_RENAME_ALL = """
UPDATE accounts SET account_name = split_part(account_name, ' ~', 1) || ' ~' || $1::text,
    version = version + 1
"""
_NAMED = "SELECT count(*) FROM projection.client WHERE name LIKE '%' || $1"
_OWED = "SELECT count(*) FROM delivery WHERE target = 'psa' AND state <> 'delivered'"


async def bench_faults(folder: Path) -> dict[str, float]:
    async with set_stage(folder, say=lambda _: None) as stage, _databases(stage) as (crm, hub):
        figures = await _resumed(stage, crm, hub)
        figures |= await _taken_over(stage, crm, hub)
        figures |= await _grown(stage, crm, hub)
    if missing_tools() is None:
        _lend_artifacts(folder)
        kafka = set_stage(folder, log=Engine.KAFKA, say=lambda _: None)
        async with kafka as stage, _databases(stage) as (crm, hub):
            over_kafka = await _resumed(stage, crm, hub)
            over_kafka |= await _taken_over(stage, crm, hub)
        figures |= {f"kafka_{name}": value for name, value in over_kafka.items()}
    return figures


def _lend_artifacts(folder: Path) -> None:
    """What was obtained once is not obtained again."""
    kept = prepare_artifacts(STATE, print).folder
    (folder / "kafka").mkdir()
    (folder / "kafka" / kept.name).symlink_to(kept)


async def _resumed(
    stage: Stage, crm: asyncpg.Connection, hub: asyncpg.Connection
) -> dict[str, float]:
    """From `kill -9` of the only listener until its successor has applied a change of just then."""
    environment = os.environ | environment_of(stage.settings)
    key = await crm.fetchval("SELECT min(id) FROM accounts")
    took: list[float] = []

    async def renamed(name: str) -> None:
        await crm.execute(_RENAME, key, name)
        await _until(partial(_is, hub, _NAMED, 1, name))

    process = await role("listen", environment)
    try:
        await renamed("Alive")
        for kill in range(KILLS):
            killed = time.monotonic()
            process.kill()
            await process.wait()
            process = await role("listen", environment)
            await renamed(f"Killed {kill}")
            took.append(time.monotonic() - killed)
    finally:
        process.kill()
        await process.wait()
    return {
        "resume_after_kill_s": statistics.median(took),
        "resume_after_kill_max_s": max(took),
    }


async def _taken_over(
    stage: Stage, crm: asyncpg.Connection, hub: asyncpg.Connection
) -> dict[str, float]:
    """From `kill -9` of one of two listeners until the other has applied changes of just then.

    All clients change, so that every partition of theirs has one, whoever read it.
    """
    environment = os.environ | environment_of(stage.settings)
    clients = await crm.fetchval("SELECT count(*) FROM accounts")
    took: list[float] = []

    async def renamed(name: str) -> None:
        await crm.execute(_RENAME_ALL, name)
        await _until(partial(_is, hub, _NAMED, clients, f" ~{name}"))

    alive = [await role("listen", environment)]
    try:
        await renamed("Alone")
        for kill in range(KILLS):
            alive.append(await role("listen", environment))
            await asyncio.sleep(SHARES_AFTER_S)
            await renamed(f"Both {kill}")
            killed = time.monotonic()
            alive[0].kill()
            await alive.pop(0).wait()
            await renamed(f"Other {kill}")
            took.append(time.monotonic() - killed)
    finally:
        for one in alive:
            one.kill()
            await one.wait()
    return {
        "takeover_after_kill_s": statistics.median(took),
        "takeover_after_kill_max_s": max(took),
    }


async def _grown(
    stage: Stage, crm: asyncpg.Connection, hub: asyncpg.Connection
) -> dict[str, float]:
    """Memory of `concord listen` and `deliver` before and after half an hour without the PSA."""
    environment = os.environ | environment_of(stage.settings)
    listener, deliverer = await role("listen", environment), await role("deliver", environment)
    clients = await crm.fetchval("SELECT count(*) FROM accounts")
    rounds = MINUTES * 60 * RATE // clients
    try:
        await crm.execute(_RENAME_ALL, "0")
        await _until(partial(_is, hub, _NAMED, clients, " ~0"))
        await _until(partial(_is, hub, _OWED, 0))
        await _fault(stage, "down")
        before = [resident_mb(one.pid) for one in (listener, deliverer)]
        for number in range(1, rounds + 1):
            await crm.execute(_RENAME_ALL, str(number))
            await _until(partial(_is, hub, _NAMED, clients, f" ~{number}"))
        after = [resident_mb(one.pid) for one in (listener, deliverer)]
        owed = await hub.fetchval(_OWED)
        await _fault(stage, "none")
        begun = time.monotonic()
        await _until(partial(_is, hub, _OWED, 0))
    finally:
        for one in (listener, deliverer):
            one.kill()
            await one.wait()
    return {
        "memory_growth_owner_down_mb": sum(after) - sum(before),
        "listener_mb": before[0],
        "listener_owner_down_mb": after[0],
        "deliverer_mb": before[1],
        "deliverer_owner_down_mb": after[1],
        "owner_down_changes": rounds * clients,
        "owner_down_owed": owed,
        "owner_back_drained_s": time.monotonic() - begun,
    }


@asynccontextmanager
async def _databases(stage: Stage) -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
    """The CRM's own database, and the hub's."""
    capture_url = stage.settings.crm.capture_url
    assert capture_url is not None
    async with AsyncExitStack() as stack:
        opened = []
        for url in (capture_url, stage.settings.database_url):
            connection = await asyncpg.connect(url.get_secret_value())
            stack.push_async_callback(connection.close)
            opened.append(connection)
        yield opened[0], opened[1]


async def _is(connection: asyncpg.Connection, sql: str, value: int, *arguments: object) -> bool:
    return bool(await connection.fetchval(sql, *arguments) == value)


async def _until(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LONGEST_S):
        while not await look():  # noqa: ASYNC110  # a condition with a deadline
            await asyncio.sleep(0.02)


async def _fault(stage: Stage, mode: str) -> None:
    async with httpx.AsyncClient(base_url=stage.urls["psa"], trust_env=False) as http:
        (await http.put("/_fault", json={"mode": mode})).raise_for_status()
