"""Hosting the stand-ins: one process and one server, with a port for each."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from hub.demo.hooks import TELLERS, Hook, prepare_hooks, tell
from hub.demo.storage import speak_json
from hub.demo.systems import app, create_tables

POOL_SIZE = 8
ANSWER_TIME_SECONDS = 2
"""How long a stop waits for calls that are being answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one stand-in keeps its rows and answers; port 0 means any free one.

    With a `hook` it tells of what happens to its records, if it is one of the `TELLERS`.
    """

    dsn: str
    port: int = 0
    key: str | None = None
    hook: Hook | None = None


class ByPort:
    """The app that belongs to the port a call came in on."""

    def __init__(self, apps: Mapping[int, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apps[scope["server"][1]](scope, receive, send)


async def serve(places: Mapping[str, Place]) -> None:
    """Runs until SIGTERM or SIGINT; prints the addresses on stdout once all of them answer."""
    listeners = {system: listen(place.port) for system, place in places.items()}
    ports = {system: listener.getsockname()[1] for system, listener in listeners.items()}
    async with pools(places) as by_system:
        apps = {
            ports[system]: app(system, pool, key=places[system].key)
            for system, pool in by_system.items()
        }
        config = uvicorn.Config(
            ByPort(apps),
            lifespan="off",
            access_log=False,
            log_level="warning",
            timeout_graceful_shutdown=ANSWER_TIME_SECONDS,
        )
        server = uvicorn.Server(config)
        hooks = {system: place.hook for system, place in places.items() if place.hook}
        telling = [asyncio.create_task(tell(s, by_system[s], hook)) for s, hook in hooks.items()]
        announcing = asyncio.create_task(announce(ports))
        await server.serve(sockets=list(listeners.values()))
        for task in (announcing, *telling):
            task.cancel()
        await asyncio.gather(announcing, *telling, return_exceptions=True)


def listen(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port))
    # An answer leaves in two parts; without this the second waits 40 ms for word of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener


@asynccontextmanager
async def pools(places: Mapping[str, Place]) -> AsyncIterator[dict[str, "asyncpg.Pool[Any]"]]:
    """A pool per system, over tables that exist; closed in any case."""
    opened: dict[str, asyncpg.Pool[Any]] = {}
    try:
        for system, place in places.items():
            opened[system] = await asyncpg.create_pool(
                place.dsn, min_size=1, max_size=POOL_SIZE, init=speak_json
            )
            async with opened[system].acquire() as connection:
                await create_tables(system, connection)
                if system in TELLERS:
                    await prepare_hooks(system, connection, place.hook)
        yield opened
    finally:
        await asyncio.gather(*(pool.close() for pool in opened.values()))


async def announce(ports: Mapping[str, int]) -> None:
    await asyncio.gather(*map(wait_for_answer, ports.values()))
    urls = {system: f"http://127.0.0.1:{port}" for system, port in ports.items()}
    sys.stdout.write(orjson.dumps(urls).decode() + "\n")
    sys.stdout.flush()


async def wait_for_answer(port: int) -> None:
    """The port listens already, so that the call just waits for the server behind it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /_calls HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    await reader.readline()
    writer.close()
