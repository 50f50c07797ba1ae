"""Who tells the demo's story: a client of the hub and of its systems, and what it has learnt."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from hub.play import Play

DEADLINE_S = 40.0
FILL_S = 300.0
"""For the first filling: a real ERP is asked for thousands of records, and the machine is busy."""
T = TypeVar("T")


class Unkept(Exception):
    """A step of the story that did not hold, and why."""


@dataclass(slots=True)
class Guide:
    """What the steps share: the running demo, a client of the hub, and what they learn."""

    play: Play
    http: httpx.AsyncClient
    client_id: str = ""
    client_name: str = ""
    token: str = ""
    invoice_id: str = ""
    invoice: Mapping[str, Any] = field(default_factory=dict)
    cursor: str = ""

    async def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a query. Raises Unkept with the errors if there are any."""
        body = await self.answer(query, **variables)
        if body.get("errors"):
            raise Unkept("; ".join(error["message"] for error in body["errors"]))
        data: dict[str, Any] = body["data"]
        return data

    async def answer(self, query: str, **variables: Any) -> dict[str, Any]:
        reply = await self.http.post("/graphql", json={"query": query, "variables": variables})
        body: dict[str, Any] = reply.json()
        return body

    async def system(self, name: str, method: str, path: str, **options: Any) -> Any:
        """A call to one of the firm's systems, as its own users make it."""
        url = self.play.stage.urls[name] + path
        headers = {"authorization": f"Bearer demo-{name}"}
        reply = await self.http.request(method, url, headers=headers, **options)
        reply.raise_for_status()
        return reply.json() if reply.content else None

    @asynccontextmanager
    async def events(
        self, query: str, **variables: Any
    ) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """A subscription over server-sent events; entered once the hub has accepted it."""
        async with self.http.stream(
            "POST",
            "/graphql",
            json={"query": query, "variables": variables},
            headers={"accept": "text/event-stream"},
        ) as reply:
            reply.raise_for_status()
            yield _read_events(reply)


async def _read_events(reply: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in reply.aiter_lines():
        if line.startswith("data:") and len(line) > len("data: "):
            body = json.loads(line.removeprefix("data:"))
            if body.get("errors"):
                raise Unkept(body["errors"][0]["message"])
            yield body["data"]["invoiceStatusChanged"]


async def until(
    look: Callable[[], Awaitable[T | None]], why: str, seconds: float = DEADLINE_S
) -> T:
    """What `look` finds, as soon as it finds something. Raises Unkept after the deadline."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(0.05)
    raise Unkept(why)


def require(condition: bool, why: str) -> None:
    if not condition:
        raise Unkept(why)
