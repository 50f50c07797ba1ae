"""The HTTP server of one process, and the roles that run beside it."""

from __future__ import annotations

import asyncio
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


def http_server(hub: Hub, host: str, port: int) -> uvicorn.Server:
    """A server for the hub's graph; `serve` runs it until it is told to stop."""
    return uvicorn.Server(
        uvicorn.Config(
            app(
                hub.services,
                probe=hub.readiness,
                metrics=lambda: metrics_page(hub.services.operations, hub.inbox.counted),
                further=webhook_routes(hub.inbox),
            ),
            host=host,
            port=port,
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
async def serving(hub: Hub, host: str, port: int) -> AsyncIterator[str]:
    """The hub over HTTP while the block runs; answers its root URL once it accepts calls."""
    server = http_server(hub, host, port)
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:  # uvicorn tells by a flag only
            if running.done():
                await running
                raise RuntimeError(f"Port {port} is taken; give another one with --port.")
            await asyncio.sleep(0.01)
        taken = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://{host}:{taken}"
    finally:
        server.should_exit = True
        await running
