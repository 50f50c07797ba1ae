"""A delivery worker as a process of its own."""

from __future__ import annotations

import random
from datetime import timedelta

import asyncpg

from schema.system import System
from sync.connectors.http import Endpoint
from sync.connectors.psa import Psa
from sync.deliver.retry import Backoff, Pace
from sync.delivery import Deliverer
from sync.store.pool import connect
from sync.xref import Xref

SOON = Backoff(first=timedelta(milliseconds=20), longest=timedelta(milliseconds=200))
PACE = Pace(
    batch=8,
    poll=timedelta(milliseconds=100),
    lease=timedelta(seconds=2),
    settle=timedelta(milliseconds=500),
    refused=SOON,
    missing=SOON,
    probing=SOON,
)


async def deliver(dsn: str, url: str, key: str) -> None:
    """Deliver to the PSA until killed."""
    async with await connect(dsn, size=8) as pool:
        await deliverer(pool, Endpoint(url=url, key=key), PACE).run()


def deliverer(pool: asyncpg.Pool, psa: Endpoint, pace: Pace) -> Deliverer:
    return Deliverer({System.PSA: Psa(psa)}, Xref(pool), pool, random.random, pace)
