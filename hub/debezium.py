"""Debezium's connectors, derived from the bindings: printed, put into Connect, and compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from cdc.capture.debezium import (
    Connector,
    TopicPlan,
    connector_of,
    differences,
    keyed_tables,
    prepare_owner,
)
from hub.kafka.rest import ConnectApi
from hub.registry import Connectors, captured_tables, connect_systems
from hub.settings import Settings
from hub.spelling import connector_spelling, signals_of
from schema.errors import Invalid
from schema.system import System

_NO_ADDRESS = "set CONCORD_{}__CAPTURE_URL to the address of that system's database"


async def recommended(
    settings: Settings, connectors: Connectors, system: System
) -> Connector | None:
    """The connector of a system; None when we were not given the address of its database.

    Raises Unavailable when the database has to be asked for keys and does not answer.
    """
    url = settings.capture_url(system)
    if url is None:
        return None
    dsn = url.get_secret_value()
    plan = TopicPlan(
        partitions=settings.log_partitions,
        retention_ms=int(settings.log_retention.total_seconds() * 1000),
    )
    tables = captured_tables(connectors.reads[system].bindings)
    spelling = connector_spelling(settings, system)
    return connector_of(system.value, dsn, await keyed_tables(dsn, tables), plan, spelling)


async def print_config(settings: Settings, system: System) -> str:
    """What to put into Connect, as JSON; the password is named there, not written."""
    async with _connectors(settings) as connectors:
        connector = await recommended(settings, connectors, system)
    if connector is None:
        raise Invalid(_NO_ADDRESS.format(system.name))
    return json.dumps({"name": connector.name, "config": dict(connector.config)}, indent=2)


async def prepare(settings: Settings, system: System) -> None:
    """Make in an owner's database what its connector needs: the publication, the signals."""
    async with _connectors(settings) as connectors:
        if not await _prepare(settings, connectors, system):
            raise Invalid(_NO_ADDRESS.format(system.name))


async def apply(settings: Settings) -> list[str]:
    """Prepare every captured owner, put its connector into Connect, and answer their names."""
    async with _connectors(settings) as connectors:
        captured = [s for s in connectors.reads if await _prepare(settings, connectors, s)]
        found = [await recommended(settings, connectors, system) for system in captured]
    wanted = [connector for connector in found if connector is not None]
    with ConnectApi(connect_url(settings)) as api:
        for connector in wanted:
            await asyncio.to_thread(api.apply, connector)
    return [connector.name for connector in wanted]


async def compare(settings: Settings, connectors: Connectors, system: System) -> str | None:
    """What is wrong with the running connector of a captured system, or None."""
    wanted = await recommended(settings, connectors, system)
    return None if wanted is None else await asyncio.to_thread(_compare, settings, wanted)


def _compare(settings: Settings, wanted: Connector) -> str | None:
    with ConnectApi(connect_url(settings)) as api:
        running = api.config(wanted.name)
        if running is None:
            return f"Connect has no connector {wanted.name}: run `concord debezium apply`"
        if (why := api.failure(wanted.name)) is not None:
            return f"{wanted.name} has failed: {why}"
    return "; ".join(differences(wanted, running)) or None


def connect_url(settings: Settings) -> str:
    if settings.kafka.connect_url is None:
        raise Invalid("set CONCORD_KAFKA__CONNECT_URL to the REST address of Kafka Connect")
    return settings.kafka.connect_url


async def _prepare(settings: Settings, connectors: Connectors, system: System) -> bool:
    """False when we were not given the address of the database."""
    url = settings.capture_url(system)
    if url is None:
        return False
    tables = captured_tables(connectors.reads[system].bindings)
    await prepare_owner(url.get_secret_value(), tables, signals_of(settings, system))
    return True


@asynccontextmanager
async def _connectors(settings: Settings) -> AsyncIterator[Connectors]:
    """The connectors for their bindings alone: nothing is connected, nobody is asked."""
    unconnected = asyncpg.create_pool(settings.database_url.get_secret_value())
    connectors = connect_systems(settings, unconnected)
    try:
        yield connectors
    finally:
        await connectors.close()
