"""What is looked at before changes are read, and whenever `concord doctor` is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

import asyncpg
import structlog

from cdc.capture.connector_checks import connector_troubles
from cdc.capture.debezium import connector_name
from cdc.capture.owner_checks import owner_troubles
from cdc.checks import Trouble
from hub.kafka.rest import ConnectApi
from hub.registry import Connectors
from hub.settings import Settings
from hub.spelling import has_declared_scales
from schema.errors import ConcordError
from schema.system import System

log = structlog.get_logger(__name__)

_PATIENCE_S = 10


async def capture_troubles(settings: Settings, connectors: Connectors) -> list[Trouble]:
    """What is wrong with the owners' tables and with what captures them.

    All are asked at once, and what does not answer soon is passed over: it is waited for later, and
    changes of the others should not wait for it.
    """
    asked = [
        _passing_over(system, asking)
        for system in connectors.reads
        if settings.capture_url(system) is not None
        for asking in (_of_owner(settings, connectors, system), _of_connector(settings, system))
    ]
    return [trouble for found in await asyncio.gather(*asked) for trouble in found]


async def _of_owner(
    settings: Settings, connectors: Connectors, system: System
) -> Sequence[Trouble]:
    url = settings.capture_url(system)
    if url is None:
        return []
    bindings = connectors.reads[system].bindings
    return await owner_troubles(system.value, url.get_secret_value(), bindings)


async def _of_connector(settings: Settings, system: System) -> Sequence[Trouble]:
    url = settings.kafka.connect_url
    if settings.reads_wal or url is None:
        return []
    running = await asyncio.to_thread(_config, url, connector_name(system.value))
    if running is None:
        return []
    found = connector_troubles(
        system.value,
        running,
        has_declared_scales=has_declared_scales(settings, system),
        needs_transactions=settings.has_transactions(system),
    )
    return list(found)


def _config(url: str, name: str) -> dict[str, str] | None:
    with ConnectApi(url) as api:
        config = api.config(name)
    return None if config is None else dict(config)


async def _passing_over(system: System, asked: Awaitable[Sequence[Trouble]]) -> Sequence[Trouble]:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await asked
    except (ConcordError, asyncpg.PostgresError, TimeoutError) as error:
        log.warning("check.passed_over", system=system.name, why=str(error))
        return []
