"""The HTTP server of one process, and the roles that run beside it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from hub.asgi import app
from hub.metrics import metrics_page
from hub.running import Hub
from hub.webhooks import webhook_routes

_ANSWER_S = 3
"""How long a stop waits for what is being answered."""
_LARGEST_MESSAGE = 1024 * 1024


def listen_at(host: str, port: int) -> socket.socket:
    """The socket to serve at; port 0 is a free one. Raises RuntimeError when it is taken.

    Whoever takes it first learns in time that somebody else has it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as refusal:
        raise RuntimeError(
            f"cannot listen on {host}:{port} ({os.strerror(refusal.errno or 0)}): choose another "
            "port, by PORT=8001 with `make demo`, else by --port or CONCORD_PORT"
        ) from refusal
    # An answer leaves in two parts; without this the second waits 40 ms for word of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def http_server(hub: Hub) -> uvicorn.Server:
    """A server for the hub's graph; `serve` runs it until it is told to stop."""
    return uvicorn.Server(
        uvicorn.Config(
            app(
                hub.services,
                probe=hub.readiness,
                metrics=lambda: metrics_page(hub.services.operations, hub.inbox.counted),
                further=webhook_routes(hub.inbox),
            ),
            log_config=None,
            access_log=False,
            ws_max_size=_LARGEST_MESSAGE,
            timeout_graceful_shutdown=_ANSWER_S,
        )
    )


@asynccontextmanager
async def background(hub: Hub, *, all_roles: bool = True) -> AsyncIterator[None]:
    """Listen and deliver while the block runs; a role that fails ends the block."""
    async with asyncio.TaskGroup() as tasks:
        roles = (hub.listen(), hub.deliver()) if all_roles else ()
        running = [tasks.create_task(role) for role in roles]
        yield
        for task in running:
            task.cancel()


@asynccontextmanager
async def serving(hub: Hub, listening: socket.socket) -> AsyncIterator[str]:
    """The hub over HTTP while the block runs; answers its root URL."""
    host, port, *_ = listening.getsockname()
    server = http_server(hub)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await running
