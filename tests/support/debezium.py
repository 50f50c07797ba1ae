"""A real Debezium that captures an owner's database while a test needs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from support.targets import until

from cdc.capture.debezium import Connector, TopicPlan, connector_of, prepare_owner
from cdc.capture.table_shape import CapturedTable
from hub.kafka.connect import Connect
from hub.kafka.rest import ConnectApi

DEADLINE_S = 90
KEPT_MS = int(timedelta(days=7).total_seconds() * 1000)


@asynccontextmanager
async def captured(
    worker: Connect,
    system: str,
    dsn: str,
    tables: Sequence[CapturedTable],
    run: str = "",
    partitions: int = 1,
) -> AsyncIterator[Connector]:
    """A connector while the block runs, entered once it follows the stream.

    Connect remembers by its name where it stood: a second one of a system is another `run`.
    """
    await prepare_owner(dsn, tables)
    recommended = connector_of(
        system, dsn, tables, TopicPlan(partitions=partitions, retention_ms=KEPT_MS)
    )
    connector = replace(recommended, name=f"{recommended.name}{run}")
    with ConnectApi(worker.url) as api:
        await asyncio.to_thread(api.apply, connector)

        async def is_following() -> bool:
            return await asyncio.to_thread(api.is_following, connector.name)

        await until(is_following, seconds=DEADLINE_S)
        try:
            yield connector
        finally:
            await asyncio.to_thread(api.remove, connector.name)
