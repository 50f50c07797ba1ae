"""Fixtures of the fault tier: processes die here, and tests look at the database from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from cdc.log.tables import LOG_TABLES
from sync.store.migrate import migrate
from sync.store.pool import connect


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with await connect(database, size=4) as opened:
        await migrate(opened, LOG_TABLES)
        yield opened
