"""A hub that follows seven people by their owner's API, and what reads them again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
from support.captured_owner import ANN
from support.polled import PAGE, Following, following
from support.targets import until
from support.working import at_work

from cdc.capture.api_rereading import ApiRereading
from cdc.log.postgres_consumer import PostgresConsumer
from cdc.rebuild import Rebuild, Rebuilt
from schema.system import System
from sync.clock import utc_now
from sync.intake import Intake
from sync.resnapshots import KeyRange, Resnapshots
from sync.sweep import Sweep
from sync.xref import Xref

TABLE = "public.employees"
EVERYBODY = KeyRange()


class Rereading:
    """What re-reads the people of a hub that follows them."""

    def __init__(self, hub: Following, dsn: str) -> None:
        self.hub = hub
        self.dsn = dsn
        self.resnapshots = Resnapshots(hub.pool, hub.log.ends)

    async def ask(self, keys: KeyRange = EVERYBODY) -> int:
        [number] = await self.resnapshots.ask("hr", [TABLE], keys, ANN)
        return number

    async def read(self) -> None:
        """Whatever is asked for, each page in a process that remembers nothing."""
        while await self.read_page():
            pass

    async def read_page(self) -> bool:
        self.hub.start()
        of = self.hub.owner, self.hub.log, self.hub.pool, self.resnapshots
        return await ApiRereading([self.hub.desk], *of, limit=PAGE).read_on()

    async def done(self, number: int) -> None:
        """Apply what was read, and let the delete sweep look at the rest."""
        await self.hub.apply()
        connectors = {System.HR: self.hub.owner}
        intake = Intake(self.hub.pool, Xref(self.hub.pool), connectors, utc_now)
        of = self.hub.pool, intake, connectors, self.resnapshots, utc_now

        async def is_done() -> bool:
            return (await self.resnapshots.known(number)).state == "done"

        async with at_work(Sweep(*of, again=timedelta(milliseconds=20)).run):
            await until(is_done, seconds=30)

    async def read_again(self, keys: KeyRange = EVERYBODY) -> None:
        number = await self.ask(keys)
        await self.read()
        await self.done(number)

    async def rebuild(self) -> Rebuilt:
        return await Rebuild(
            dsn=self.dsn,
            connectors={System.HR: self.hub.owner},
            firsts=self.hub.log.firsts,
            reader=lambda group: PostgresConsumer(dsn=self.dsn, group=group, prefixes=("hr.",)),
        ).run()

    def people(self) -> dict[str, str]:
        """What their owner has now."""
        return {number: row["full_name"] for number, row in self.hub.owner.people.items()}


@asynccontextmanager
async def rereading(dsn: str, pool: asyncpg.Pool) -> AsyncIterator[Rereading]:
    """Seven people, who are known."""
    async with following(dsn, pool) as hub:
        for n in range(7):
            hub.owner.write(f"E{n:04d}", f"Person {n}")
        await hub.poll()
        await hub.apply()
        yield Rereading(hub, dsn)
