"""An invoice's life over a real Tryton: posted through the graph, paid in the ledger, told to all.

Nothing asks Tryton whether something has happened: payments arrive from its write-ahead log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest
import pytest_asyncio
from rich.console import Console
from support.staged import DEADLINE_S, POST, PROJECTED, Staged, staged
from support.targets import until
from support.tryton import fresh_state

from hub.play import on_stage
from hub.stage import Erp
from hub.tryton.erp import TrytonErp
from sync.connectors.tryton_bindings import PAYMENT_STATUS

pytestmark = [pytest.mark.tryton, pytest.mark.asyncio(loop_scope="module")]
TODAY = datetime.now(UTC).date()
PART = Decimal("100.00")
WATCH = """
subscription ($id: ID!, $after: String) {
  invoiceStatusChanged(after: $after, filter: {invoiceIds: [$id]}) { cursor before after } }
"""
LEDGER_PART = """
query ($id: ID!) { invoice(id: $id, read: {projected: true}) {
    status number _meta { owner recordKey } } }
"""
CLIENTS = "{ clients(first: 1) { nodes { id billTo _meta { owner recordKey version } } } }"
MOVE = """
mutation ($id: ID!, $billTo: String!, $version: Long!) {
  updateClient(input: {id: $id, billTo: $billTo, ifVersion: $version}) { client { billTo } } }
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def firm() -> AsyncIterator[Staged]:
    """The demo on Tryton, with the databases of a first start."""
    console = Console(quiet=True)
    async with (
        on_stage(fresh_state(), erp=Erp.TRYTON, port=0, console=console) as play,
        staged(play) as firm,
    ):
        yield firm


def tryton_of(firm: Staged) -> TrytonErp:
    tryton = firm.play.stage.tryton
    assert tryton is not None
    return tryton


async def post(firm: Staged, invoice: str) -> str:
    """Post through the graph; answers the legal number."""
    on, key = TODAY.isoformat(), f"story-{uuid4()}"
    posted = (await firm.ask(POST, id=invoice, on=on, key=key))["postInvoice"]["invoice"]
    assert posted["status"] == "POSTED"
    return str(posted["number"])


async def projected(firm: Staged, invoice: str, state: str) -> Any:
    """The invoice in the projection, as soon as its payment has got that far."""
    seen: dict[str, Any] = {}

    async def has_arrived() -> bool:
        seen.update((await firm.ask(PROJECTED, id=invoice))["invoice"])
        return bool(seen["paymentStatus"]["state"] == state)

    await until(has_arrived, seconds=DEADLINE_S)
    assert {part["source"] for part in seen["_meta"]} == {"PROJECTION"}
    return seen


async def copies(firm: Staged, number: str, word: str) -> list[tuple[Any, ...]]:
    """What billing, CRM and PSA hold of the payment, as soon as all three say `word`."""
    held: list[tuple[Any, ...]] = []

    async def have_arrived() -> bool:
        [bill] = await firm.rows("billing", "/v1/invoices", **{"ledger_number[]": number}) or [
            {"id": "-"}
        ]
        own_id = bill["id"]
        sold = await firm.rows("crm", "/services/invoices", billing_invoice_id=own_id)
        due = await firm.rows(
            "psa", "/api/v2/receivables", **{"filter[billing_invoice_id]": own_id}
        )
        held[:] = [
            *(
                (r.get("payment_status"), r.get("amount_paid"), r.get("amount_open"))
                for r in [bill]
            ),
            *((r["payment_status"], r["amount_paid"], r["balance"]) for r in sold),
            *((r["payment_state"], r["paid_amount"], r["open_amount"]) for r in due),
        ]
        return [state for state, *_ in held] == [word] * 3

    await until(have_arrived, seconds=DEADLINE_S)
    return held


async def test_an_invoice_is_posted_paid_in_two_parts_and_everyone_hears(firm: Staged) -> None:
    """Each step reaches the projection, three replicas and a subscriber, who can resume."""
    tryton = tryton_of(firm)
    invoice = (await firm.draft("NL01"))["id"]
    async with firm.socket() as socket:
        await socket.subscribe(WATCH, id=invoice)
        number = await post(firm, invoice)
        posted = await socket.event()

        await tryton.pay(number, PART, TODAY)
        part_paid = await socket.event()
        in_part = await projected(firm, invoice, "PARTIALLY_PAID")
        gross = Decimal(in_part["gross"]["amount"])
        assert in_part["status"] == "PARTIALLY_PAID"
        assert payment_of(in_part) == (PART, gross - PART, TODAY.isoformat())
        held = await copies(firm, number, "PART_PAID")
        assert [amounts_of(row) for row in held] == [(PART, gross - PART)] * 3

        await tryton.pay(number, gross - PART, TODAY)
        paid = await socket.event()
        in_full = await projected(firm, invoice, "PAID")
        assert in_full["status"] == "PAID"
        assert payment_of(in_full) == (gross, Decimal(0), TODAY.isoformat())
        held = await copies(firm, number, "PAID")
        assert [amounts_of(row) for row in held] == [(gross, Decimal(0))] * 3

    steps = [(event["before"], event["after"]) for event in (posted, part_paid, paid)]
    assert steps == [
        ("APPROVED", "POSTED"),
        ("POSTED", "PARTIALLY_PAID"),
        ("PARTIALLY_PAID", "PAID"),
    ]
    async with firm.socket() as again:
        await again.subscribe(WATCH, id=invoice, after=posted["cursor"])
        assert [await again.event(), await again.event()] == [part_paid, paid]


def payment_of(invoice: Any) -> tuple[Decimal, Decimal, str]:
    payment = invoice["paymentStatus"]
    paid, balance = payment["paid"]["amount"], payment["balance"]["amount"]
    return Decimal(paid), Decimal(balance), payment["lastPaymentOn"]


def amounts_of(row: tuple[Any, ...]) -> tuple[Decimal, Decimal]:
    _, paid, still_open = row
    return Decimal(paid), Decimal(still_open)


async def test_a_closed_period_is_refused_with_trytons_words(firm: Staged) -> None:
    """REJECTED, with the owner, its code and what it said; the invoice is not posted."""
    invoice = (await firm.draft("NL01"))["id"]
    error = await firm.refusal(POST, id=invoice, on="2026-08-15", key=f"story-{uuid4()}")
    assert 'you must reopen the period "2026-08"' in error["message"]
    assert error["path"] == ["postInvoice"]
    extensions = error["extensions"]
    assert (extensions["code"], extensions["retryable"]) == ("REJECTED", False)
    assert (extensions["system"], extensions["ownerCode"]) == ("ERP", "UserError")
    assert (await firm.draft("NL01"))["id"] == invoice


async def test_a_stale_version_is_a_conflict_with_trytons_words(firm: Staged) -> None:
    """Somebody wrote the client in Tryton after it was read: CONFLICT, and nothing is written."""
    [client] = (await firm.ask(CLIENTS))["clients"]["nodes"]
    [part] = [part for part in client["_meta"] if part["owner"] == "ERP"]
    with closing(tryton_of(firm).log_in_clerk()) as clerk:
        clerk.write("party.party", [int(part["recordKey"])], {"active": True})
    error = await firm.refusal(MOVE, id=client["id"], billTo="2 Late Lane", version=part["version"])
    assert "modified in the meanwhile" in error["message"]
    assert error["extensions"]["code"] == "CONFLICT"
    assert error["extensions"]["ownerCode"] == "ConcurrencyException"
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
    with closing(tryton_of(firm).log_in_clerk()) as clerk:
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
