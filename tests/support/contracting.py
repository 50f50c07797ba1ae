"""A CRM over HTTP, and the hub's way of reading it and writing to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
from support.stand_ins import StandIn, stand_in

from schema.entities.sow import Sow, SowStatus
from sync.clock import utc_now
from sync.connectors.crm import Crm
from sync.connectors.http import Endpoint
from sync.policy import Paging
from sync.reading import Reading
from sync.routing import Routing, Written
from sync.session import ReadSession
from sync.xref import Xref


class Contracting:
    """The CRM over HTTP, and the hub's way of reading it and writing to it."""

    def __init__(self, pool: asyncpg.Pool, crm: Crm, stand_in: StandIn) -> None:
        xref = Xref(pool)
        self.pool, self.crm, self.rows = pool, crm, stand_in.pool
        self.reading = Reading({crm.system: crm}, xref, pool, utc_now, timedelta(seconds=5))
        acts = {crm.system: crm}
        self.routing = Routing({crm.system: crm}, self.reading, xref, pool, utc_now, acts=acts)

    async def draft(self) -> str:
        """A contract that is still being negotiated."""
        fields = frozenset({"status"})
        page = await self.reading.page(ReadSession(), Sow, [], Paging(first=100), fields)
        drafts = [r.id for r in page.records if r.values["status"] is SowStatus.DRAFT]
        return drafts[0]

    async def act(self, record_id: str, action: str, key: str = "", **arguments: Any) -> Written:
        once = key or f"{action} {record_id}"
        return await self.routing.act(Sow, record_id, action, arguments, idempotency_key=once)


@asynccontextmanager
async def contracting_at(pool: asyncpg.Pool, dsn: str) -> AsyncIterator[Contracting]:
    """A seeded CRM in the database `dsn`; the hub's own tables are in `pool`."""
    async with stand_in("crm", dsn) as standing:
        crm = Crm(Endpoint(url=standing.url, key="demo-crm"))
        yield Contracting(pool, crm, standing)
        await crm.close()
