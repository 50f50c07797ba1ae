"""Waiting for Kafka Connect, whose connectors may fail meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from hub.kafka.rest import ConnectApi

LONGEST_S = 300


async def require_running(api: ConnectApi, name: str) -> None:
    if (why := await asyncio.to_thread(api.failure, name)) is not None:
        raise RuntimeError(f"{name} has failed: {why}")


async def until(what: str, is_done: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + LONGEST_S
    while not await is_done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} not done after {LONGEST_S} s")
        await asyncio.sleep(0.1)
