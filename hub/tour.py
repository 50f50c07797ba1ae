"""The tour: the demo tells its own story, step by step, and fails if a step does not hold."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from rich.console import Console

from hub.play import Play, on_stage
from hub.stage import Engine, Kind, Size
from hub.telemetry import configure_logs
from hub.tryton.payment import pay
from hub.tryton.rpc import TrytonRefused

DEADLINE_S = 40.0
T = TypeVar("T")
Step = Callable[["Guide"], Awaitable[str]]

FIVE_OWNERS = """
{ projects(first: 3, filter: {status: [ACTIVE]}) { nodes {
    code health client { name } team(first: 2) { nodes { name } }
    invoices(first: 2) { nodes { id draftStatus ledgerStatus paymentStatus { status } } } } } }
"""
RENAME = """
mutation ($id: ID!, $name: String!) {
  updateClient(input: {id: $id, name: $name}) {
    ... on ClientWritten { client { id name } token } ... on Refused { code message } } }
"""
AFTER = """
query ($id: ID!, $token: String!) {
  client(id: $id, read: {after: $token}) { name _meta { owner source lagMs } } }
"""
POST = """
mutation ($id: ID!, $on: LocalDate!, $key: String!) {
  postInvoice(id: $id, postingDate: $on, idempotencyKey: $key) {
    ... on InvoiceWritten { token } ... on Refused { code message } } }
"""
WATCH = """
subscription ($id: ID!, $after: String) {
  invoiceStatusChanged(after: $after, filter: {id: [$id]}) {
    cursor before after invoice { number gross { amount currency } } } }
"""
CLIENTS = "{ clients(first: 1) { nodes { id name } } }"
DRAFTS = """
{ invoices(last: 40, filter: {draftStatus: [APPROVED]}) {
    nodes { id status legalEntity { code } } } }
"""


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


async def tour(state: Path, *, crm: Kind, erp: Kind, size: Size, log: Engine) -> int:
    """Run the story; answers the exit code."""
    configure_logs(is_quiet=True)
    console = Console()
    started = time.monotonic()
    async with (
        on_stage(state, crm=crm, erp=erp, size=size, log=log, port=0, console=console) as running,
        httpx.AsyncClient(base_url=running.url, timeout=DEADLINE_S, trust_env=False) as http,
    ):
        console.print(f"· up after {time.monotonic() - started:.1f} s at {running.url}")
        guide = Guide(play=running, http=http)
        for number, (title, step) in enumerate(STORY, start=1):
            if not await _tell(console, number, title, step, guide):
                return 1
    console.print("[bold green]Every step held.[/bold green]")
    return 0


async def _tell(console: Console, number: int, title: str, step: Step, guide: Guide) -> bool:
    begun = time.monotonic()
    try:
        async with asyncio.timeout(DEADLINE_S * 2):
            outcome = await step(guide)
    except (Unkept, TrytonRefused, httpx.HTTPError, TimeoutError, KeyError) as error:
        why = str(error) or type(error).__name__
        console.print(f"{number}. [red]✗[/red] {title}: {why}", highlight=False)
        return False
    took = (time.monotonic() - begun) * 1000
    console.print(f"{number}. [green]✓[/green] {title}: {outcome} ({took:.0f} ms)", highlight=False)
    return True


async def projection_fills(guide: Guide) -> str:
    """The first captures have to arrive before the projection can stand in for anybody."""

    async def filled() -> bool | None:
        return True if await guide.play.hub.is_filled() else None

    await _until(filled, "the projection stayed empty")
    counted = await guide.play.hub.pool.fetchval("SELECT count(*) FROM xref")
    return f"{counted} records of five systems are linked"


async def across_five_owners(guide: Guide) -> str:
    body = await guide.answer(FIVE_OWNERS)
    if body.get("errors"):
        raise Unkept(body["errors"][0]["message"])
    owners = {line["owner"] for line in body["extensions"]["provenance"]}
    _require(owners == {"CRM", "PSA", "HR", "ERP", "BILLING"}, f"only {sorted(owners)} answered")
    first = body["data"]["projects"]["nodes"][0]
    return f"{first['code']} for {first['client']['name']}, told by {', '.join(sorted(owners))}"


async def a_routed_mutation(guide: Guide) -> str:
    first = (await guide.ask(CLIENTS))["clients"]["nodes"][0]
    stem = first["name"].partition(" · ")[0]
    guide.client_id = first["id"]
    guide.client_name = f"{stem} · {datetime.now(UTC):%H:%M:%S}"
    written = await guide.ask(RENAME, id=guide.client_id, name=guide.client_name)
    guide.token = _written(written["updateClient"])["token"]
    return f"CRM renamed {first['name']!r} to {guide.client_name!r}"


def _written(outcome: dict[str, Any]) -> dict[str, Any]:
    """What a mutation wrote. Raises Unkept with the words of a refusal."""
    _require("token" in outcome, outcome.get("message", "refused without words"))
    return outcome


async def in_the_projection(guide: Guide) -> str:
    read = (await guide.ask(AFTER, id=guide.client_id, token=guide.token))["client"]
    sources = {part["source"] for part in read["_meta"]}
    _require(read["name"] == guide.client_name, f"still {read['name']!r}")
    _require(sources == {"PROJECTION"}, f"answered by {sources}")
    return f"read back after the write's token, {read['_meta'][0]['lagMs']} ms old"


async def in_a_replica(guide: Guide) -> str:
    async def copied() -> str | None:
        page = await guide.system(
            "billing", "GET", "/v1/customers", params={"name[contains]": guide.client_name}
        )
        return page["data"][0]["id"] if page["data"] else None

    return f"billing's customer {await _until(copied, 'billing never got it')} has the new name"


async def a_subscription_event(guide: Guide) -> str:
    drafts = (await guide.ask(DRAFTS))["invoices"]["nodes"]
    open_drafts = [i for i in drafts if i["status"] == "APPROVED"]
    _require(bool(open_drafts), "no approved draft is left to post; run `make demo-clean`")
    guide.invoice_id = open_drafts[-1]["id"]
    async with _events(guide, WATCH, id=guide.invoice_id) as events:
        today = datetime.now(UTC).date().isoformat()
        posted = await guide.ask(POST, id=guide.invoice_id, on=today, key=f"tour-{uuid4()}")
        event = await anext(events)
    _require(event["after"] == "POSTED", f"the event said {event['after']}")
    _written(posted["postInvoice"])
    guide.invoice, guide.cursor = event["invoice"], event["cursor"]
    return f"{guide.invoice['number']} went from {event['before']} to {event['after']}"


async def a_payment(guide: Guide) -> str:
    """The ledger books it past the hub, which hears of it all the same."""
    number, gross = guide.invoice["number"], guide.invoice["gross"]

    async def copied() -> str | None:
        page = await guide.system(
            "billing", "GET", "/v1/invoices", params={"ledger_number[]": number}
        )
        paid = [one["id"] for one in page["data"] if one["payment_status"] == "PAID"]
        return paid[0] if paid else None

    await _pay(guide, number, gross["amount"])
    async with _events(guide, WATCH, id=guide.invoice_id, after=guide.cursor) as events:
        event = await anext(events)
    _require(event["after"] == "PAID", f"the event said {event['after']}")
    copy = await _until(copied, "billing never heard of it")
    return f"{gross['amount']} {gross['currency']} came in, and billing's {copy} is PAID too"


async def an_owner_down(guide: Guide) -> str:
    async with _crm_down(guide):
        body = await guide.answer(
            "query ($id: ID!) { client(id: $id) { name _meta { owner source reason } } }",
            id=guide.client_id,
        )
    _require(not body.get("errors"), f"errors: {body.get('errors')}")
    read = body["data"]["client"]
    part = next(p for p in read["_meta"] if p["owner"] == "CRM")
    _require(part["source"] == "PROJECTION", f"answered by {part['source']}")
    return f"{read['name']!r} came from the projection ({part['reason']})"


STORY: tuple[tuple[str, Step], ...] = (
    ("The projection fills", projection_fills),
    ("One query, five owners", across_five_owners),
    ("A mutation goes to its owner", a_routed_mutation),
    ("The change is in the projection", in_the_projection),
    ("The copy is in a replica", in_a_replica),
    ("A subscriber hears of a posted invoice", a_subscription_event),
    ("The subscriber hears of its payment", a_payment),
    ("A read while the CRM is down", an_owner_down),
)


@asynccontextmanager
async def _crm_down(guide: Guide) -> AsyncIterator[None]:
    """While the CRM does not answer; a real one takes along what shares its server."""
    tryton = guide.play.stage.tryton.get("crm")
    if tryton is None:
        await guide.system("crm", "PUT", "/_fault", json={"mode": "down"})
    else:
        await asyncio.to_thread(tryton.server.pause)
    try:
        yield
    finally:
        if tryton is None:
            await guide.system("crm", "PUT", "/_fault", json={"mode": "none"})
        else:
            await asyncio.to_thread(tryton.server.restart)


async def _pay(guide: Guide, number: str, amount: str) -> None:
    """A client's payment, registered as the ERP's own users do."""
    today, tryton = datetime.now(UTC).date(), guide.play.stage.tryton
    if "erp" in tryton:
        await pay(tryton["erp"], number, Decimal(amount), today)
        return
    only = {"$filter": f"document_no eq '{number}'"}
    [document] = (await guide.system("erp", "GET", "/erp/ar-invoices", params=only))["value"]
    payments = f"/erp/ar-invoices/{document['doc_id']}/payments"
    payment = {"amount": amount, "paid_on": today.isoformat()}
    await guide.system("erp", "POST", payments, json=payment)


@asynccontextmanager
async def _events(
    guide: Guide, query: str, **variables: Any
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    """A subscription over server-sent events; entered once the hub has accepted it."""
    async with guide.http.stream(
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


async def _until(look: Callable[[], Awaitable[T | None]], why: str) -> T:
    """What `look` finds, as soon as it finds something. Raises Unkept after the deadline."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(0.05)
    raise Unkept(why)


def _require(condition: bool, why: str) -> None:
    if not condition:
        raise Unkept(why)
