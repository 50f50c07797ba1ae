"""A running demo as those around it see it: a client of the graph, and users of the systems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from rich.console import Console
from support.sockets import Socket, socket_to
from support.targets import until
from support.tryton import fresh_state

from hub.play import Play, on_stage
from hub.stage import Kind, forget_stage
from hub.tryton.running import RunningTryton

DEADLINE_S = 60
FILLED_WITHIN_S = 180
DRAFTS = """
{ invoices(last: 60, filter: {draftStatus: [APPROVED]}) {
    nodes { id status legalEntity { code } net { amount currency } } } }
"""
POST = """
mutation ($id: ID!, $on: LocalDate!, $key: String!) {
  postInvoice(id: $id, postingDate: $on, idempotencyKey: $key) {
    ... on InvoiceWritten { token }
    ... on Refused { code message } ... on RejectedByOwner { system ownerCode } } }
"""
PROJECTED = """
query ($id: ID!) { invoice(id: $id, read: {mode: PROJECTED}) {
    status gross { amount } _meta { source }
    paymentStatus { status paid { amount } balance { amount } lastPaymentOn } } }
"""


Payment = tuple[Decimal, Decimal, str]
"""Paid, still open, and the day of the last payment."""

REPLICAS = {
    "billing": ("payment_status", "amount_paid", "amount_open", "last_payment_on"),
    "crm": ("payment_status", "amount_paid", "balance", "last_payment_on"),
    "psa": ("payment_state", "paid_amount", "open_amount", "last_payment_on"),
}
"""What each stand-in calls the state, and what a Payment is made of."""


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
        """What a mutation that the business must refuse says."""
        [outcome] = (await self.ask(query, **variables)).values()
        assert "code" in outcome, outcome
        return outcome

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

    @asynccontextmanager
    async def down(self, system: str) -> AsyncIterator[None]:
        """While a stand-in does not answer."""
        fault = f"{self.play.stage.urls[system]}/_fault"
        headers = {"authorization": f"Bearer demo-{system}"}
        (await self._http.put(fault, headers=headers, json={"mode": "down"})).raise_for_status()
        try:
            yield
        finally:
            (await self._http.put(fault, headers=headers, json={"mode": "none"})).raise_for_status()

    def tryton(self, role: str) -> RunningTryton:
        return self.play.stage.tryton[role]

    async def draft(self, legal_entity: str) -> Any:
        """An approved invoice that the ledger has not posted."""
        nodes = (await self.ask(DRAFTS))["invoices"]["nodes"]
        wanted = ("APPROVED", legal_entity)
        return next(n for n in nodes if (n["status"], n["legalEntity"]["code"]) == wanted)

    async def projected(self, invoice: str, state: str) -> Any:
        """The invoice in the projection, as soon as its payment has got that far."""
        seen: dict[str, Any] = {}

        async def has_arrived() -> bool:
            seen.update((await self.ask(PROJECTED, id=invoice))["invoice"])
            return bool(seen["paymentStatus"]["status"] == state)

        await until(has_arrived, seconds=DEADLINE_S)
        assert {part["source"] for part in seen["_meta"]} == {"PROJECTION"}
        return seen

    async def copies(self, number: str, word: str) -> list[Payment]:
        """What billing, CRM and PSA hold of the payment, as soon as all three say `word`."""
        held: list[tuple[str, Any]] = []

        async def have_arrived() -> bool:
            held[:] = [
                (system, row)
                for system, row in await self._copies(number)
                if row[REPLICAS[system][0]] == word
            ]
            return [system for system, _ in held] == list(REPLICAS)

        await until(have_arrived, seconds=DEADLINE_S)
        return [_payment(*(row[name] for name in REPLICAS[system][1:])) for system, row in held]

    async def _copies(self, number: str) -> list[tuple[str, Any]]:
        bills = await self.rows("billing", "/v1/invoices", **{"ledger_number[]": number})
        if not bills:
            return []
        key = bills[0]["id"]
        sold = await self.rows("crm", "/services/invoices", billing_invoice_id=key)
        due = await self.rows("psa", "/api/v2/receivables", **{"filter[billing_invoice_id]": key})
        by_system = {"billing": bills, "crm": sold, "psa": due}
        return [(system, row) for system, rows in by_system.items() for row in rows]

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[Socket]:
        host = self.play.url.removeprefix("http://")
        async with socket_to(host, seconds=DEADLINE_S) as socket:
            await socket.start()
            yield socket


def payment_of(invoice: Any) -> Payment:
    """The payment of a projected invoice."""
    payment = invoice["paymentStatus"]
    paid, balance = payment["paid"]["amount"], payment["balance"]["amount"]
    return _payment(paid, balance, payment["lastPaymentOn"])


def _payment(paid: str, balance: str, last_on: str) -> Payment:
    return Decimal(paid), Decimal(balance), last_on


@asynccontextmanager
async def staged(
    state: Path, *, crm: Kind = Kind.STANDARD, erp: Kind = Kind.STANDARD
) -> AsyncIterator[Staged]:
    """The demo while the block runs, once everything captured has been applied."""
    console = Console(quiet=True)
    async with (
        on_stage(state, crm=crm, erp=erp, port=0, console=console) as play,
        httpx.AsyncClient(trust_env=False, timeout=DEADLINE_S) as http,
    ):
        await until(play.hub.is_filled, seconds=FILLED_WITHIN_S)
        yield Staged(play, http)


@asynccontextmanager
async def staged_once(state: Path) -> AsyncIterator[Staged]:
    """The demo of stand-ins, which leaves nothing in `state`."""
    async with staged(state) as firm:
        yield firm
    forget_stage(state)


def firm_on_tryton(role: str) -> Any:
    """The fixture `firm` of a module: the demo on Tryton, with the databases of a first start."""

    @pytest_asyncio.fixture(scope="module", loop_scope="module")
    async def firm() -> AsyncIterator[Staged]:
        async with staged(fresh_state(role), **{role: Kind.TRYTON}) as staged_firm:
            yield staged_firm

    return firm
