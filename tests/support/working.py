"""Roles of a hub, and who works beside it, in the process of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any


@asynccontextmanager
async def at_work(*roles: Callable[[], Coroutine[Any, Any, Any]]) -> AsyncIterator[None]:
    """Run the roles while the block lasts; one that ends by itself is a failure."""
    tasks = [asyncio.create_task(role()) for role in roles]
    try:
        yield
        for task in tasks:
            assert not task.done(), task
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
