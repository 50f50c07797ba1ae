"""A client of graphql-transport-ws."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")


class Socket:
    """A connection; whoever waits for a message waits `seconds` at most."""

    def __init__(self, connection: ClientConnection, *, seconds: float = 5) -> None:
        self._connection = connection
        self._seconds = seconds

    async def send(self, **message: Any) -> None:
        await self._connection.send(json.dumps(message))

    async def receive(self) -> Any:
        async with asyncio.timeout(self._seconds):
            return json.loads(await self._connection.recv())

    async def start(self) -> None:
        await self.send(type="connection_init")
        assert (await self.receive())["type"] == "connection_ack"

    async def subscribe(self, query: str, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send(id="1", type="subscribe", payload=payload)

    async def event(self) -> Any:
        """The next event of the one field subscribed to."""
        message = await self.receive()
        assert message["type"] == "next", message
        [event] = message["payload"]["data"].values()
        return event


@asynccontextmanager
async def socket_to(host: str, *, seconds: float = 5) -> AsyncIterator[Socket]:
    """A connection to the graph at `host:port`; `start` comes first."""
    async with connect(f"ws://{host}/graphql", subprotocols=[PROTOCOL]) as connection:
        yield Socket(connection, seconds=seconds)
