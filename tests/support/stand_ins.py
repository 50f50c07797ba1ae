"""Seeded stand-ins in the process of the test: over real HTTP, or by a client of their app."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


async def fill(system: str, dsn: str) -> None:
    """Make the tables of one system, and draw the firm into them."""
    connection = await asyncpg.connect(dsn)
    try:
        await speak_json(connection)
        await create_tables(system, connection)
        await seed({system: connection})
    finally:
        await connection.close()


@asynccontextmanager
async def stand_in(system: str, dsn: str) -> AsyncIterator[StandIn]:
    """One system over HTTP, whose database is seeded."""
    async with (
        asyncpg.create_pool(dsn, min_size=1, max_size=8, init=speak_json) as pool,
        serving(app(system, pool)) as url,
    ):
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
    """A client of one stand-in that shows the right key."""
    async with (
        asyncpg.create_pool(dsn, min_size=1, max_size=4, init=speak_json) as pool,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app(system, pool)),
            base_url="http://stand-in",
            headers={"Authorization": f"Bearer demo-{system}"},
        ) as client,
    ):
        yield client
