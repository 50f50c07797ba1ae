"""The roles of a hub as processes that are killed at any moment, also while they start.

Each waits for a database that is on its way back, as whoever starts them again would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import asyncpg
from support import captured, listening
from support.delivering import PACE, deliverer
from support.stood_in import KEY

from cdc.capture.wal_reader import WalReader
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from hub.registry import captured_tables
from schema.errors import Unavailable
from sync.connectors import psa
from sync.connectors.http import Endpoint
from sync.outage import OUTAGE
from sync.store.pool import connect

PATIENCE_S = 3
"""How long the server bears with a listener that hangs; a minute outside of tests."""
BINDINGS = (*captured.BINDINGS, psa.CLIENT)
PREFIXES = (*listening.PREFIXES, "psa.")
_STARTS_WITHIN_S = 30


async def listen(dsn: str) -> None:
    listening.bear_with_us(PATIENCE_S)
    async with await _patiently(lambda: connect(dsn, size=4)) as pool:
        consumer = PostgresConsumer(dsn=dsn, group="intake", prefixes=PREFIXES)
        await listening.listener(pool, consumer, BINDINGS).run()


async def deliver(dsn: str, url: str) -> None:
    """A call that is answered too late is given up, and its outcome looked for."""
    read, write = timedelta(seconds=2), timedelta(seconds=1)
    endpoint = Endpoint(url=url, key=KEY, read_timeout=read, write_timeout=write)
    async with await _patiently(lambda: connect(dsn, size=8)) as pool:
        await deliverer(pool, endpoint, replace(PACE, lease=timedelta(seconds=4))).run()


async def capture(dsn: str, owner: str, slot: str) -> None:
    """What the PSA holds of clients, into the log: the echoes of what was delivered."""
    async with await _patiently(lambda: _plain_pool(dsn)) as pool:
        await WalReader(
            system="psa",
            dsn=owner,
            tables=captured_tables([psa.CLIENT]),
            log=PostgresLog(pool),
            slot=slot,
            publication="concord",
        ).run()


async def _plain_pool(dsn: str) -> asyncpg.Pool:
    return await asyncpg.create_pool(dsn, min_size=1, max_size=2)


async def _patiently(open_pool: Callable[[], Awaitable[asyncpg.Pool]]) -> asyncpg.Pool:
    async with asyncio.timeout(_STARTS_WITHIN_S):
        while True:
            try:
                return await open_pool()
            except (Unavailable, *OUTAGE):
                await asyncio.sleep(0.05)
