"""A running demo as those around it see it: a client of the graph, and users of the systems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from support.sockets import Socket, socket_to

from hub.play import Play

DEADLINE_S = 60
DRAFTS = """
{ invoices(last: 60, filter: {draftStatus: [APPROVED]}) {
    nodes { id status legalEntity net { amount currency } } } }
"""
POST = """
mutation ($id: ID!, $on: LocalDate!, $key: String!) {
  postInvoice(id: $id, postingDate: $on, idempotencyKey: $key) { invoice { number status } } }
"""
PROJECTED = """
query ($id: ID!) { invoice(id: $id, read: {projected: true}) {
    status gross { amount } _meta { source }
    paymentStatus { state paid { amount } balance { amount } lastPaymentOn } } }
"""


class Staged:
    """`ask` and `refusal` speak GraphQL to the hub; `rows` reads a stand-in's own REST API."""

    def __init__(self, play: Play, http: httpx.AsyncClient) -> None:
        self.play = play
        self._http = http

    async def answer(self, query: str, **variables: Any) -> Any:
        body = {"query": query, "variables": variables}
        return (await self._http.post(f"{self.play.url}/graphql", json=body)).json()

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of a query that must have no errors."""
        body = await self.answer(query, **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def refusal(self, query: str, **variables: Any) -> Any:
        """The one error of a request that must be refused."""
        [error] = (await self.answer(query, **variables))["errors"]
        return error

    async def rows(self, system: str, path: str, **parameters: str) -> list[Any]:
        reply = await self._http.get(
            self.play.stage.urls[system] + path,
            params=parameters,
            headers={"authorization": f"Bearer demo-{system}"},
        )
        reply.raise_for_status()
        body = reply.json()
        found: list[Any] = body.get("data", body.get("records"))
        return found

    async def draft(self, legal_entity: str) -> Any:
        """An approved invoice that the ledger has not posted."""
        nodes = (await self.ask(DRAFTS))["invoices"]["nodes"]
        return next(
            n for n in nodes if (n["status"], n["legalEntity"]) == ("APPROVED", legal_entity)
        )

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Socket]:
        host = self.play.url.removeprefix("http://")
        async with socket_to(host, seconds=DEADLINE_S) as socket:
            await socket.start()
            yield socket


@asynccontextmanager
async def staged(play: Play) -> AsyncIterator[Staged]:
    async with httpx.AsyncClient(trust_env=False, timeout=DEADLINE_S) as http:
        yield Staged(play, http)
