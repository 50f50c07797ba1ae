"""Owners at work: what a capture would append while they are, straight into the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
from support.captured import Firm

from cdc.log.port import Appends
from cdc.log.postgres import PostgresLog

LEAST = 1000
"""A load of that many changes has something of everything."""


async def append(dsn: str, firm: Firm, *, steps: int) -> None:
    """That many transactions of the owners, at once."""
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool:
        await PostgresLog(pool).append([record for _ in range(steps) for record in firm.step()])


@asynccontextmanager
async def under_load(dsn: str, firm: Firm) -> AsyncIterator[None]:
    """The owners at work while the block runs: some hundred transactions a second."""
    async with (
        asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool,
        filling(PostgresLog(pool), firm),
    ):
        yield


@asynccontextmanager
async def filling(log: Appends, firm: Firm) -> AsyncIterator[None]:
    """The same, into any log."""
    is_over = asyncio.Event()

    async def work() -> None:
        while not is_over.is_set() or firm.produced.total() < LEAST:
            await log.append([record for _ in range(15) for record in firm.step()])
            with suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await is_over.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(work())
        yield
        is_over.set()
