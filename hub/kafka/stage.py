"""Kafka and Debezium for the demo: started, filled with what the systems hold, resumed."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cdc.capture.debezium import password_variable
from hub import debezium
from hub.kafka.artifacts import Artifacts, Say, prepare_artifacts
from hub.kafka.broker import Broker
from hub.kafka.connect import Connect
from hub.kafka.rest import ConnectApi
from hub.settings import Settings
from schema.errors import Unavailable
from schema.system import System

SNAPSHOT_SECONDS = 300
_LOOK_EVERY_S = 0.5


@asynccontextmanager
async def over_kafka(
    state: Path, suffix: str, settings: Settings, say: Say
) -> AsyncIterator[Settings]:
    """Start the broker and Connect, and capture the systems of `settings` with Debezium.

    Entered when every connector has read what its system holds; answers the settings of a hub
    that reads this Kafka. Raises Unavailable where Kafka cannot be obtained or a connector fails.
    """
    folder = state / "kafka"
    artifacts = await asyncio.to_thread(prepare_artifacts, folder, say)
    async with AsyncExitStack() as stack:
        say("starting Kafka")
        data = folder / f"data{suffix}"
        broker = await asyncio.to_thread(Broker, artifacts, data / "broker")
        stack.push_async_callback(asyncio.to_thread, broker.stop)
        say("starting Kafka Connect with Debezium")
        connect = await asyncio.to_thread(_connect, artifacts, data, broker, settings)
        stack.push_async_callback(asyncio.to_thread, connect.stop)
        kafka = {"bootstrap_servers": broker.address, "connect_url": connect.url}
        settings = settings.model_copy(
            update={"log": "kafka", "kafka": settings.kafka.model_copy(update=kafka)}
        )
        names = await debezium.apply(settings)
        say("Debezium reads what the systems hold")
        await _wait_for_snapshots(connect.url, names)
        yield settings


def forget_kafka(state: Path) -> None:
    """Delete what brokers and connectors kept; the artifacts stay."""
    for data in (state / "kafka").glob("data*"):
        shutil.rmtree(data)


def _connect(artifacts: Artifacts, data: Path, broker: Broker, settings: Settings) -> Connect:
    passwords = {
        password_variable(system.value): unquote(urlsplit(url.get_secret_value()).password or "")
        for system in System
        if (url := settings.capture_url(system)) is not None
    }
    return Connect(artifacts, data / "connect", broker.address, passwords)


async def _wait_for_snapshots(url: str, names: list[str]) -> None:
    deadline = asyncio.get_running_loop().time() + SNAPSHOT_SECONDS
    with ConnectApi(url) as api:
        for name in names:
            while not await asyncio.to_thread(api.is_following, name):
                if asyncio.get_running_loop().time() > deadline:
                    raise Unavailable(f"{name} has no snapshot after {SNAPSHOT_SECONDS} s")
                await asyncio.sleep(_LOOK_EVERY_S)
