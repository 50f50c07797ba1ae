"""Seeded stand-ins in the process of the test: over real HTTP, or by a client of their app."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import uvicorn
from starlette.types import ASGIApp

from hub.demo.seeding import seed
from hub.demo.storage import speak_json
from hub.demo.systems import app, create_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """Where a seeded system answers, and the way around its API."""

    url: str
    pool: Any


@asynccontextmanager
async def seeded(system: str, dsn: str) -> AsyncIterator[StandIn]:
    """One system with the drawn firm in it."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=8, init=speak_json) as pool:
        async with pool.acquire() as connection:
            await create_tables(system, connection)
            await seed({system: connection})
        async with serving(app(system, pool)) as url:
            yield StandIn(url=url, pool=pool)


@asynccontextmanager
async def serving(api: ASGIApp) -> AsyncIterator[str]:
    """An app on a free port of the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(api, log_level="error", lifespan="off"))
        running = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


@asynccontextmanager
async def caller(system: str, dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of one seeded stand-in that shows the right key."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            asyncpg.create_pool(dsn, min_size=1, max_size=4, init=speak_json)
        )
        async with pool.acquire() as connection:
            await create_tables(system, connection)
            await seed({system: connection})
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app(system, pool)),
            base_url="http://stand-in",
            headers={"Authorization": f"Bearer demo-{system}"},
        )
        yield await stack.enter_async_context(client)
