"""An invoice's life over a real Tryton: posted through the graph, paid in the ledger, told to all.

Nothing asks Tryton whether something has happened: payments arrive from its write-ahead log.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest
from support.staged import DEADLINE_S, POST, Staged, firm_on_tryton, payment_of
from support.targets import until

from hub.tryton.payment import pay
from sync.connectors.tryton_erp_bindings import PAYMENT_STATUS

pytestmark = [pytest.mark.tryton, pytest.mark.asyncio(loop_scope="module")]
firm = firm_on_tryton("erp")
TODAY = datetime.now(UTC).date()
PART = Decimal("100.00")
WATCH = """
subscription ($id: ID!, $after: String) {
  invoiceStatusChanged(after: $after, filter: {id: [$id]}) {
    cursor before after invoice { number } } }
"""
LEDGER_PART = """
query ($id: ID!) { invoice(id: $id, read: {mode: PROJECTED}) {
    status number _meta { owner recordKey } } }
"""
CLIENTS = "{ clients(first: 1) { nodes { id billTo _meta { owner recordKey version } } } }"
MOVE = """
mutation ($id: ID!, $billTo: String!, $version: Long!) {
  updateClient(input: {id: $id, billTo: $billTo, ifVersion: $version}) {
    ... on ClientWritten { client { billTo } }
    ... on Refused { code message } ... on RejectedByOwner { system ownerCode } } }
"""


async def test_an_invoice_is_posted_paid_in_two_parts_and_everyone_hears(firm: Staged) -> None:
    """Each step reaches the projection, three replicas and a subscriber, who can resume."""
    invoice = (await firm.draft("NL01"))["id"]
    async with firm.socket() as socket:
        await socket.subscribe(WATCH, id=invoice)
        await firm.ask(POST, id=invoice, on=TODAY.isoformat(), key=f"story-{uuid4()}")
        posted = await socket.event()
        number = posted["invoice"]["number"]

        await pay(firm.tryton("erp"), number, PART, TODAY)
        part_paid = await socket.event()
        in_part = await firm.projected(invoice, "PARTIALLY_PAID")
        gross = Decimal(in_part["gross"]["amount"])
        owing = (PART, gross - PART, TODAY.isoformat())
        assert (in_part["status"], payment_of(in_part)) == ("PARTIALLY_PAID", owing)
        assert await firm.copies(number, "PART_PAID") == [owing] * 3

        await pay(firm.tryton("erp"), number, gross - PART, TODAY)
        paid = await socket.event()
        in_full = await firm.projected(invoice, "PAID")
        settled = (gross, Decimal(0), TODAY.isoformat())
        assert (in_full["status"], payment_of(in_full)) == ("PAID", settled)
        assert await firm.copies(number, "PAID") == [settled] * 3

    steps = [(event["before"], event["after"]) for event in (posted, part_paid, paid)]
    assert steps == [
        ("APPROVED", "POSTED"),
        ("POSTED", "PARTIALLY_PAID"),
        ("PARTIALLY_PAID", "PAID"),
    ]
    async with firm.socket() as again:
        await again.subscribe(WATCH, id=invoice, after=posted["cursor"])
        assert [await again.event(), await again.event()] == [part_paid, paid]


async def test_a_closed_period_is_refused_with_trytons_words(firm: Staged) -> None:
    """REJECTED, with the owner, its code and what it said; the invoice is not posted."""
    invoice = (await firm.draft("NL01"))["id"]
    refused = await firm.refusal(POST, id=invoice, on="2026-08-15", key=f"story-{uuid4()}")
    assert 'you must reopen the period "2026-08"' in refused["message"]
    told = (refused["code"], refused["system"], refused["ownerCode"])
    assert told == ("REJECTED", "ERP", "UserError")
    assert (await firm.draft("NL01"))["id"] == invoice


async def test_a_stale_version_is_a_conflict_with_trytons_words(firm: Staged) -> None:
    """Somebody wrote the client in Tryton after it was read: CONFLICT, and nothing is written."""
    [client] = (await firm.ask(CLIENTS))["clients"]["nodes"]
    [part] = [part for part in client["_meta"] if part["owner"] == "ERP"]
    with closing(firm.tryton("erp").log_in_clerk()) as clerk:
        clerk.write("party.party", [int(part["recordKey"])], {"active": True})
    late = {"billTo": "2 Late Lane", "version": part["version"]}
    refused = await firm.refusal(MOVE, id=client["id"], **late)
    assert "modified in the meanwhile" in refused["message"]
    assert refused["code"] == "CONFLICT"
    [now] = (await firm.ask(CLIENTS))["clients"]["nodes"]
    assert now["billTo"] == client["billTo"]


async def test_an_invoice_deleted_in_tryton_leaves_the_projection(firm: Staged) -> None:
    """Of a deleted row only the key is in the log, which is enough."""
    invoice = (await firm.draft("UK01"))["id"]
    seen: dict[str, Any] = {}

    async def is_known() -> bool:
        seen.update((await firm.ask(LEDGER_PART, id=invoice))["invoice"])
        return "ERP" in {part["owner"] for part in seen["_meta"]}

    async def is_gone() -> bool:
        return not await is_known()

    await until(is_known, seconds=DEADLINE_S)
    [key] = [int(part["recordKey"]) for part in seen["_meta"] if part["owner"] == "ERP"]
    with closing(firm.tryton("erp").log_in_clerk()) as clerk:
        clerk.press("account.invoice", "cancel", [key])  # or it may not be deleted
        clerk.call("model.account.invoice.delete", [key])
    await until(is_gone, seconds=DEADLINE_S)
    assert seen["status"] == "APPROVED"  # billing's word stands


async def test_printed_invoices_never_leave_the_database(firm: Staged) -> None:
    """Of each captured table only what tells which record was touched is in the log."""
    wanted = {touch.table: set(touch.columns) for touch in PAYMENT_STATUS.touches}
    rows = await firm.play.hub.pool.fetch(
        "SELECT topic, value FROM log_record WHERE topic LIKE 'erp.%' AND value IS NOT NULL"
    )
    seen: dict[str, set[str]] = {}
    for row in rows:
        after = orjson.loads(row["value"])["after"] or {}
        seen.setdefault(row["topic"].removeprefix("erp."), set()).update(after)
    assert {table: seen[table] for table in wanted} == {
        table: columns | {"id"} for table, columns in wanted.items()
    }
