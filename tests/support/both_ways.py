"""One seeded system with two hubs beside it: one reads its write-ahead log, one asks its API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
from support.captured_owner import drop_slot
from support.stand_ins import StandIn, stand_in
from support.targets import until
from support.working import at_work

from cdc.capture.api_capture import ApiCapture, Rhythm
from cdc.capture.wal_reader import WalReader
from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from hub.registry import captured_tables
from schema.entity import entity_name
from schema.system import System
from sync.clock import utc_now
from sync.connectors.billing import Billing
from sync.connectors.binding import Binding
from sync.connectors.crm import Crm
from sync.connectors.erp import Erp
from sync.connectors.hr import Hr
from sync.connectors.http import Endpoint
from sync.connectors.ports import Polls
from sync.connectors.psa import Psa
from sync.intake import Intake
from sync.resnapshots import Resnapshots
from sync.store.pool import connect
from sync.store.projection_tables import fence_columns, table_for
from sync.sweep import Sweep
from sync.xref import Xref

CONNECTORS: Mapping[System, Callable[[Endpoint], Polls]] = {
    System.CRM: Crm,
    System.PSA: Psa,
    System.HR: Hr,
    System.ERP: Erp,
    System.BILLING: Billing,
}
DEADLINE_S = 180
_PACE = Pace(wait=timedelta(milliseconds=100))
# Which references a copy could resolve depends on which table was read first, whatever the way.
_COPIES = """
SELECT record_id, key, version FROM replica_state
WHERE (system, entity) = ($1, $2) ORDER BY record_id
"""
_WAITING = """
SELECT (SELECT coalesce(sum(next_offset), 0) FROM log_partition)
    - (SELECT coalesce(sum(next_offset), 0) FROM consumer_offset)
"""
Held = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallHub:
    """The part of a hub between one system's log and the projection."""

    pool: asyncpg.Pool
    dsn: str
    log: PostgresLog
    connector: Polls
    resnapshots: Resnapshots

    def listener(self) -> Listener:
        prefixes = (f"{self.connector.system.value}.",)
        consumer = PostgresConsumer(dsn=self.dsn, group="intake", prefixes=prefixes)
        return Listener(consumer, Decoder(self.connector.bindings), self._intake(), _PACE)

    def capture(self, rhythm: Rhythm | None = None) -> ApiCapture:
        of = self.connector, self.log, self.pool, utc_now
        return ApiCapture(*of, polls=self.connector, rhythm=rhythm)

    def sweep(self) -> Sweep:
        connectors, again = {self.connector.system: self.connector}, timedelta(milliseconds=50)
        intake = self._intake()
        return Sweep(self.pool, intake, connectors, self.resnapshots, utc_now, again=again)

    def _intake(self) -> Intake:
        connectors = {self.connector.system: self.connector}
        return Intake(self.pool, Xref(self.pool), connectors, utc_now)

    async def applied(self) -> None:
        async def is_applied() -> bool:
            return await self.pool.fetchval(_WAITING) == 0

        await until(is_applied, seconds=DEADLINE_S)

    async def appended(self) -> Mapping[str, int]:
        """How many records the log has, by topic."""
        return dict(await self.pool.fetch("SELECT topic, count(*) FROM log_record GROUP BY 1"))

    async def held(self) -> Held:
        """Everything that is known of the system's living records and of the copies it holds."""
        held: dict[str, Sequence[Any]] = {}
        for binding in self.connector.bindings:
            name = f"{entity_name(binding.entity)} in {binding.resource}"
            if binding.owns:
                held[name] = list(map(_cells, await self.pool.fetch(_held_sql(binding))))
            of = binding.system.value, entity_name(binding.entity)
            held[f"{name}, copied"] = list(map(tuple, await self.pool.fetch(_COPIES, *of)))
        return held


@dataclass(frozen=True, slots=True, kw_only=True)
class BothWays:
    owner: StandIn
    by_log: SmallHub
    by_api: SmallHub
    capture: ApiCapture

    async def turn(self) -> None:
        """Ask the API for what has changed, and apply it."""
        assert await self.capture.turn()
        await self.by_api.applied()

    async def sweep(self) -> None:
        """Look through all there is, in a process that remembers nothing."""
        assert await self.by_api.capture(Rhythm(sweep_every=timedelta(0))).turn()
        await self.by_api.applied()

    async def come_to_the_same(self) -> Held:
        """What both hold, as soon as the write-ahead log has told it, too."""
        held: dict[str, Sequence[Any]] = {}

        async def are_alike() -> bool:
            held.update(await self.by_api.held())
            return held == await self.by_log.held()

        await until(are_alike, seconds=DEADLINE_S)
        return held


@asynccontextmanager
async def both_ways(system: System, owner_dsn: str, *hub_dsns: str) -> AsyncIterator[BothWays]:
    """A hub in each of two databases beside the seeded one of the system."""
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(stand_in(system.value, owner_dsn))
        endpoint = Endpoint(url=owner.url, key=f"demo-{system.value}")
        connector = CONNECTORS[system](endpoint)
        stack.push_async_callback(connector.close)
        by_log, by_api = [
            await stack.enter_async_context(_small_hub(dsn, connector)) for dsn in hub_dsns
        ]
        stack.push_async_callback(drop_slot, owner.pool)
        name = owner_dsn.rpartition("/")[2]
        reader = WalReader(
            system=system.value,
            dsn=owner_dsn,
            tables=captured_tables(connector.bindings),
            log=by_log.log,
            slot=name,
            publication=name,
        )
        roles = (reader.run, by_log.listener().run, by_api.listener().run)
        await stack.enter_async_context(at_work(*roles))
        yield BothWays(owner=owner, by_log=by_log, by_api=by_api, capture=by_api.capture())


@asynccontextmanager
async def _small_hub(dsn: str, connector: Polls) -> AsyncIterator[SmallHub]:
    async with await connect(dsn) as pool, asyncpg.create_pool(dsn, min_size=1) as own:
        log = PostgresLog(own)
        resnapshots = Resnapshots(pool, log.ends)
        yield SmallHub(pool=pool, dsn=dsn, log=log, connector=connector, resnapshots=resnapshots)


def _cells(row: asyncpg.Record) -> tuple[Any, ...]:
    """Lists in one order: a team stands in that in which its members became known."""
    return tuple(sorted(cell, key=repr) if isinstance(cell, list) else cell for cell in row)


def _held_sql(binding: Binding) -> str:
    """The fields of living records, without how and when we came to know them."""
    s, table = binding.system.value, table_for(binding.entity)
    kept = {f"{s}_key", f"{s}_version"}
    unlike = {column.name for column in fence_columns(binding.system)} - kept
    columns = ", ".join(column.name for column in table.columns if column.name not in unlike)
    return f"""
SELECT {columns} FROM {table.fullname}
WHERE {s}_key IS NOT NULL AND {s}_deleted_at IS NULL ORDER BY id
"""
