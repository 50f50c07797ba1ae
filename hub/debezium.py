"""Debezium's connectors, derived from the bindings: printed, put into Connect, and compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from cdc.capture.debezium import Connector, TopicPlan, connector_of, differences, prepare_owner
from hub.kafka.rest import ConnectApi
from hub.registry import Connectors, captured_tables, connect_systems
from hub.settings import Settings
from schema.errors import Invalid
from schema.system import System


def recommended(settings: Settings, connectors: Connectors, system: System) -> Connector | None:
    """The connector of a system; None when we were not given the address of its database."""
    url = settings.capture_url(system)
    if url is None:
        return None
    tables = captured_tables(connectors.reads[system].bindings)
    plan = TopicPlan(
        partitions=settings.log_partitions,
        retention_ms=int(settings.log_retention.total_seconds() * 1000),
    )
    return connector_of(system.value, url.get_secret_value(), tables, plan)


async def print_config(settings: Settings, system: System) -> str:
    """What to put into Connect, as JSON; the password is named there, not written."""
    async with _connectors(settings) as connectors:
        connector = _required(recommended(settings, connectors, system), system)
    return json.dumps({"name": connector.name, "config": dict(connector.config)}, indent=2)


async def prepare(settings: Settings, system: System) -> None:
    """Make in an owner's database what its connector needs: the publication, the signals."""
    async with _connectors(settings) as connectors:
        _required(recommended(settings, connectors, system), system)
        await _prepare(settings, connectors, system)


async def apply(settings: Settings) -> list[str]:
    """Prepare every owner and put its connector into Connect; answers their names."""
    async with _connectors(settings) as connectors:
        wanted = [
            (system, connector)
            for system in connectors.reads
            if (connector := recommended(settings, connectors, system)) is not None
        ]
        for system, _ in wanted:
            await _prepare(settings, connectors, system)
    with ConnectApi(connect_url(settings)) as api:
        for _, connector in wanted:
            await asyncio.to_thread(api.apply, connector)
    return [connector.name for _, connector in wanted]


def compare(settings: Settings, connectors: Connectors, system: System) -> str | None:
    """What is wrong with the running connector of a captured system, or None."""
    wanted = recommended(settings, connectors, system)
    if wanted is None:
        return None
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


async def _prepare(settings: Settings, connectors: Connectors, system: System) -> None:
    url = settings.capture_url(system)
    if url is not None:
        tables = captured_tables(connectors.reads[system].bindings)
        await prepare_owner(url.get_secret_value(), tables)


@asynccontextmanager
async def _connectors(settings: Settings) -> AsyncIterator[Connectors]:
    """The connectors for their bindings alone: nothing is connected, nobody is asked."""
    unconnected = asyncpg.create_pool(settings.database_url.get_secret_value())
    connectors = connect_systems(settings, unconnected)
    try:
        yield connectors
    finally:
        await connectors.close()


def _required(connector: Connector | None, system: System) -> Connector:
    if connector is None:
        name = system.name
        raise Invalid(f"set CONCORD_{name}__CAPTURE_URL to the address of {name}'s database")
    return connector
