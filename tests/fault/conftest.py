"""Fixtures of the fault tier: a Postgres that is killed, and what is seen of it from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest
from support.mortal import Mortal, mortal_cluster

from cdc.log.tables import LOG_TABLES
from sync.store.migrate import migrate
from sync.store.pool import connect


@pytest.fixture
def mortal() -> Iterator[Mortal]:
    with mortal_cluster() as cluster:
        yield cluster


@pytest.fixture
async def mortal_pool(mortal: Mortal) -> AsyncIterator[asyncpg.Pool]:
    async with await connect(mortal.dsn, size=4) as opened:
        await migrate(opened, LOG_TABLES)
        yield opened
