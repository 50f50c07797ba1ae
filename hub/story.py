"""The story that the demo tells, step by step; each raises Unkept if it does not hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from hub.guide import FILL_S, Guide, Unkept, require, until
from hub.tryton.payment import pay

Step = Callable[[Guide], Awaitable[str]]

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


async def projection_fills(guide: Guide) -> str:
    """The first captures have to arrive before the projection can stand in for anybody."""

    async def filled() -> bool | None:
        return True if await guide.play.hub.is_filled() else None

    await until(filled, f"it is not full after {FILL_S:.0f} s", FILL_S)
    counted = await guide.play.hub.pool.fetchval("SELECT count(*) FROM xref")
    return f"{counted} records of five systems are linked"


async def across_five_owners(guide: Guide) -> str:
    body = await guide.answer(FIVE_OWNERS)
    if body.get("errors"):
        raise Unkept(body["errors"][0]["message"])
    owners = {line["owner"] for line in body["extensions"]["provenance"]}
    require(owners == {"CRM", "PSA", "HR", "ERP", "BILLING"}, f"only {sorted(owners)} answered")
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


async def in_the_projection(guide: Guide) -> str:
    read = (await guide.ask(AFTER, id=guide.client_id, token=guide.token))["client"]
    sources = {part["source"] for part in read["_meta"]}
    require(read["name"] == guide.client_name, f"still {read['name']!r}")
    require(sources == {"PROJECTION"}, f"answered by {sources}")
    return f"read back after the write's token, {read['_meta'][0]['lagMs']} ms old"


async def in_a_replica(guide: Guide) -> str:
    async def copied() -> str | None:
        page = await guide.system(
            "billing", "GET", "/v1/customers", params={"name[contains]": guide.client_name}
        )
        return page["data"][0]["id"] if page["data"] else None

    return f"billing's customer {await until(copied, 'billing never got it')} has the new name"


async def a_subscription_event(guide: Guide) -> str:
    drafts = (await guide.ask(DRAFTS))["invoices"]["nodes"]
    open_drafts = [i for i in drafts if i["status"] == "APPROVED"]
    require(bool(open_drafts), "no approved draft is left to post; run `make demo-clean`")
    guide.invoice_id = open_drafts[-1]["id"]
    async with guide.events(WATCH, id=guide.invoice_id) as events:
        today = datetime.now(UTC).date().isoformat()
        posted = await guide.ask(POST, id=guide.invoice_id, on=today, key=f"tour-{uuid4()}")
        event = await anext(events)
    require(event["after"] == "POSTED", f"the event said {event['after']}")
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
    async with guide.events(WATCH, id=guide.invoice_id, after=guide.cursor) as events:
        event = await anext(events)
    require(event["after"] == "PAID", f"the event said {event['after']}")
    copy = await until(copied, "billing never heard of it")
    return f"{gross['amount']} {gross['currency']} came in, and billing's {copy} is PAID too"


async def an_owner_down(guide: Guide) -> str:
    async with _crm_down(guide):
        body = await guide.answer(
            "query ($id: ID!) { client(id: $id) { name _meta { owner source reason } } }",
            id=guide.client_id,
        )
    require(not body.get("errors"), f"errors: {body.get('errors')}")
    read = body["data"]["client"]
    part = next(p for p in read["_meta"] if p["owner"] == "CRM")
    require(part["source"] == "PROJECTION", f"answered by {part['source']}")
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


def _written(outcome: dict[str, Any]) -> dict[str, Any]:
    """What a mutation wrote. Raises Unkept with the words of a refusal."""
    require("token" in outcome, outcome.get("message", "refused without words"))
    return outcome
