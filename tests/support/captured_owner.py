"""A CRM with a real database, captured into a hub of its own that reads it again and sweeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
from support.targets import until
from support.working import at_work

from cdc.capture.wal_reader import WalReader
from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from hub.demo.systems import create_tables
from hub.registry import captured_tables
from schema.errors import Unavailable
from schema.system import System
from sync.clock import utc_now
from sync.connectors import crm
from sync.connectors.binding import Row
from sync.connectors.ports import RowQuery, Rows
from sync.intake import Intake
from sync.resnapshots import KeyRange, Resnapshots
from sync.signed import Signed
from sync.sweep import Sweep
from sync.xref import Xref

PREFIXES = ("crm.",)
TABLE = "public.accounts"
ANN = Signed(by="ann@firm.example", why="Drift.")
_PACE = Pace(wait=timedelta(milliseconds=100), backoff=timedelta(milliseconds=50))
_SOON = timedelta(milliseconds=50)


class Owner:
    """The CRM's API: it answers from the CRM's database."""

    system = System.CRM
    bindings = (crm.CLIENT,)

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.is_down = False

    async def fetch(self, query: RowQuery) -> Rows:
        if self.is_down:
            raise Unavailable("The CRM is down.", system=self.system)
        [condition] = query.where
        rows = await self.pool.fetch(
            f"SELECT * FROM {query.binding.table} WHERE {condition.column} = ANY ($1)",
            list(condition.value),
        )
        return Rows(rows=tuple(_plain(row) for row in rows), has_more=False)

    async def close(self) -> None:
        """The pool belongs to the test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Both databases, and what works between them while a block of `running` lasts."""

    owner: asyncpg.Pool
    owner_dsn: str
    pool: asyncpg.Pool
    dsn: str
    api: Owner
    log: PostgresLog
    resnapshots: Resnapshots

    def reader(self, **changes: Any) -> WalReader:
        name = self.owner_dsn.rpartition("/")[2]
        settings: dict[str, Any] = {
            "system": "crm",
            "dsn": self.owner_dsn,
            "tables": captured_tables([crm.CLIENT]),
            "log": self.log,
            "slot": name,
            "publication": name,
            "resnapshots": self.resnapshots,
        }
        return WalReader(**settings | changes)

    def listener(self) -> Listener:
        consumer = PostgresConsumer(dsn=self.dsn, group="intake", prefixes=PREFIXES)
        return Listener(consumer, Decoder([crm.CLIENT]), self.intake(), _PACE)

    def intake(self) -> Intake:
        return Intake(self.pool, Xref(self.pool), {System.CRM: self.api}, utc_now)

    def sweep(self) -> Sweep:
        connectors = {System.CRM: self.api}
        return Sweep(self.pool, self.intake(), connectors, self.resnapshots, utc_now, again=_SOON)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything at work; the projection is level when the block begins."""
        async with self.running_again():
            await self.settled()
            yield

    @asynccontextmanager
    async def running_again(self) -> AsyncIterator[None]:
        """Everything at work, and the stream is followed, whatever was missed before."""
        reader = self.reader()
        async with at_work(reader.run, self.listener().run, self.sweep().run):
            await until(lambda: _is_following(reader), seconds=30)
            yield

    async def settled(self) -> None:
        """Return once all the owner has committed is applied."""
        await until(self.is_level, seconds=30)

    async def is_level(self) -> bool:
        """Whether the projection's living clients are exactly the owner's accounts."""
        theirs = await self.owner.fetch("SELECT id, account_name FROM accounts ORDER BY id")
        ours = await self.pool.fetch(
            "SELECT crm_key, name FROM projection.client WHERE crm_deleted_at IS NULL"
            " AND crm_key IS NOT NULL ORDER BY crm_key"
        )
        return list(map(tuple, theirs)) == list(map(tuple, ours))

    async def resnapshot(self, low: str | None = None, high: str | None = None) -> int:
        keys = KeyRange(low=low, high=high)
        return await self.ask_for(TABLE, keys)

    async def ask_for(self, table: str, keys: KeyRange) -> int:
        [number] = await self.resnapshots.ask("crm", [table], keys, ANN)
        return number

    async def done(self, number: int) -> None:
        async def is_done() -> bool:
            known = await self.resnapshots.known(number)
            assert known.failure is None, known.failure
            return known.state == "done"

        await until(is_done, seconds=60)

    async def owed(self) -> list[tuple[str, list[str]]]:
        rows = await self.pool.fetch("SELECT target, fields FROM delivery ORDER BY id")
        return [(row["target"], sorted(row["fields"])) for row in rows]

    async def add(self, first: int, last: int) -> None:
        """Accounts by number, the first one the parent of all."""
        await self.owner.execute(_ADD, first, last)


_ADD = """
INSERT INTO accounts (id, account_name, segment, owner_email, billing_country, parent_account_id)
SELECT format('ACC-%s', lpad(n::text, 5, '0')), 'Client ' || n, 'SMB', 'a@b.test', 'NL',
    CASE WHEN n > 1 THEN 'ACC-00001' END
FROM generate_series($1::int, $2::int) AS n
"""


@asynccontextmanager
async def world_of(owner_dsn: str, dsn: str, pool: asyncpg.Pool) -> AsyncIterator[World]:
    """The CRM in its database, and the hub in its own, which `pool` reaches too."""
    async with (
        asyncpg.create_pool(owner_dsn, min_size=1) as owner,
        asyncpg.create_pool(dsn, min_size=1) as own,
    ):
        async with owner.acquire() as connection:
            await create_tables("crm", connection)
        log = PostgresLog(own)
        yield World(
            owner=owner,
            owner_dsn=owner_dsn,
            pool=pool,
            dsn=dsn,
            api=Owner(owner),
            log=log,
            resnapshots=Resnapshots(pool, log.ends),
        )
        await drop_slot(owner)


async def drop_slot(owner: asyncpg.Pool) -> None:
    """Lose the place in the owner's log, as an operator or a failover does."""

    async def is_free() -> bool:
        return not await owner.fetchval(
            "SELECT count(*) FROM pg_replication_slots"
            " WHERE database = current_database() AND active"
        )

    await until(is_free, seconds=10)
    await owner.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
        " WHERE database = current_database()"
    )


async def _is_following(reader: WalReader) -> bool:
    return reader.is_following


def _plain(row: asyncpg.Record) -> Row:
    return {name: str(cell) if name.endswith("_at") else cell for name, cell in row.items()}
