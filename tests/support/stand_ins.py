"""A client of one seeded stand-in, in the process of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import httpx

from hub.demo.seeding import seed
from hub.demo.storage import speak_json
from hub.demo.systems import app, create_tables


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
