"""A bell: many waiters of one process, woken by one Postgres notification channel."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg


class Bell:
    """Rings when `channel` is notified. A lost connection only costs the wait's full length.

    Notifications carry no facts: whoever wakes up looks at the tables, so a missed or a needless
    ring is harmless.
    """

    def __init__(self, pool: asyncpg.Pool, channel: str) -> None:
        self._pool = pool
        self._channel = channel
        self._connection: asyncpg.Connection | None = None
        self._opening = asyncio.Lock()
        self._rung = asyncio.Event()

    async def next_ring(self) -> asyncio.Event:
        """Set at the next ring. Take it before looking at the tables, so that none is missed."""
        await self._listen()
        return self._rung

    @staticmethod
    async def wait(ring: asyncio.Event, longest: timedelta) -> None:
        """Return when the ring has come, or after `longest`."""
        try:
            async with asyncio.timeout(longest.total_seconds()):
                await ring.wait()
        except TimeoutError:
            return

    async def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            if not connection.is_closed():
                await connection.remove_listener(self._channel, self._ring)
            await self._pool.release(connection)

    async def _listen(self) -> None:
        async with self._opening:
            if self._connection is not None and not self._connection.is_closed():
                return
            try:
                self._connection = await self._pool.acquire()
                await self._connection.add_listener(self._channel, self._ring)
            except (OSError, asyncpg.PostgresConnectionError):
                return  # the wait's length is the poll in the meantime

    def _ring(self, *_: object) -> None:
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()
