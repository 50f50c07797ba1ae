"""The demo's PSA, answering over HTTP from this process, with faults that lose what it answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import httpx
import uvicorn
from starlette.types import ASGIApp

from hub.demo.systems import app, create_tables

KEY = "demo-psa"
_LATE = {"mode": "slow", "seconds": 0.05, "only_writes": True, "after_effect": True}
_HELD_S = 5
_TROUBLES = (
    _LATE,
    _LATE,
    {"mode": "down", "only_writes": True, "after_effect": True},
    {"mode": "garbage", "only_writes": True, "after_effect": True},
    {"mode": "down"},
)
"""A kill is likely to come between a write and its answer; other answers are never given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoodIn:
    """Where it answers, and its database."""

    url: str
    pool: asyncpg.Pool

    async def trouble(self, rng: random.Random) -> None:
        """Another fault: late answers to writes, lost ones, or none at all."""
        await self.switch(**rng.choice(_TROUBLES))

    async def hold(self) -> None:
        """Carry out every write, and keep its answer back for some seconds."""
        await self.switch(**_LATE | {"seconds": _HELD_S})

    async def switch(self, **fault: object) -> None:
        async with httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
            (await client.put("/_fault", json=fault)).raise_for_status()


def _nothing(api: ASGIApp) -> ASGIApp:
    return api


@asynccontextmanager
async def stood_in(
    dsn: str, front: Callable[[ASGIApp], ASGIApp] = _nothing
) -> AsyncIterator[StoodIn]:
    """The PSA while the block runs, with something in `front` of it or not.

    It takes every create for a new record, whatever it holds.
    """
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        async with pool.acquire() as connection:
            await create_tables("psa", connection)
        config = uvicorn.Config(
            front(app("psa", pool)), port=0, lifespan="off", access_log=False, log_level="error"
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:  # uvicorn tells by a flag only
            assert not serving.done()
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield StoodIn(url=f"http://127.0.0.1:{port}", pool=pool)
        finally:
            server.should_exit = True
            await serving
