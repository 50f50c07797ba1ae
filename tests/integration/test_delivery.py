"""Deliveries to replicas: find, create or update, confirm, in each record's order, each once."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from support.projecting import project
from support.targets import (
    CLIENT,
    INVOICE,
    MOMENT,
    PAYMENT,
    Desk,
    FakeTarget,
    drained,
    until,
)
from support.working import at_work

from schema.canon import Client, Invoice, PaymentStatus, Project
from schema.errors import Rejected
from schema.ids import mint
from schema.system import System
from sync.connectors import billing, psa
from sync.delivery import Deliverer

COPIES = {
    "title": "Acme",
    "market_segment": "ENTERPRISE",
    "account_owner": "ann@firm.example",
    "crm_account_id": "ACC-00001",
    "parent_client_id": None,
}
PROJECT = mint("prj", "erp", "P-1")


@pytest.fixture
def at_psa() -> FakeTarget:
    return FakeTarget(System.PSA, psa.CLIENT, psa.PROJECT, psa.PAYMENT_STATUS)


@pytest.fixture
def at_billing() -> FakeTarget:
    return FakeTarget(System.BILLING, billing.CLIENT, billing.INVOICE, billing.PAYMENT_STATUS)


@pytest.fixture
def desk(pool: asyncpg.Pool, at_psa: FakeTarget, at_billing: FakeTarget) -> Desk:
    return Desk(pool, at_psa, at_billing)


async def test_a_record_that_is_not_there_is_created_with_every_copy(
    desk: Desk, at_psa: FakeTarget
) -> None:
    """Whatever field changed, a new row gets all copies; the link and what was written are kept."""
    await desk.client()
    await desk.owe(System.PSA, Client, CLIENT, "segment")
    await desk.deliverer().drain(System.PSA)
    assert at_psa.only(psa.CLIENT).items() >= COPIES.items()
    assert at_psa.calls == {"fetch": 1, "create": 1}
    held = await desk.pool.fetchrow("SELECT * FROM replica_state")
    written = await desk.pool.fetchrow("SELECT * FROM write_ledger")
    assert held["copies"] == written["copies"]
    assert (held["key"], held["version"], written["version"]) == ("clients-1", 1, 1)
    assert held["copies"]["segment"] == "enterprise"
    assert await desk.xref.external_ids(Client, System.PSA, [CLIENT]) == {CLIENT: "clients-1"}
    assert await desk.states() == {"delivered": 1}


async def test_an_update_sends_only_what_is_owed_and_differs(
    desk: Desk, at_psa: FakeTarget
) -> None:
    """Fields the target holds already stay out of the call, and so do fields nobody owes."""
    await desk.client()
    await desk.owe(System.PSA, Client, CLIENT, "name")
    deliverer = desk.deliverer()
    await deliverer.drain(System.PSA)
    await desk.client(name="Acme Group", account_manager="bob@firm.example")
    await desk.owe(System.PSA, Client, CLIENT, "name", "segment")
    await deliverer.drain(System.PSA)
    assert at_psa.written[1:] == [("update", "clients-1", {"title": "Acme Group"})]


async def test_a_value_the_target_is_known_to_hold_costs_no_call(
    desk: Desk, at_psa: FakeTarget
) -> None:
    """A field that changed and changed back is settled without a word to the target."""
    await desk.client()
    for _ in range(2):
        await desk.owe(System.PSA, Client, CLIENT, "name")
        await desk.deliverer().drain(System.PSA)
    assert at_psa.calls == {"fetch": 1, "create": 1}
    assert [row["last_error"] for row in await desk.deliveries()] == [
        None,
        "the target holds it already",
    ]


@pytest.mark.parametrize(
    ("there", "sent"),
    [
        (COPIES, []),
        (COPIES | {"account_owner": None}, [{"account_owner": "ann@firm.example"}]),
        (
            COPIES | {"market_segment": "a word nobody declared"},
            [
                {
                    "title": "Acme",
                    "market_segment": "ENTERPRISE",
                    "account_owner": "ann@firm.example",
                    "parent_client_id": None,
                }
            ],
        ),
    ],
    ids=["the same", "other", "unreadable"],
)
async def test_a_row_the_target_has_already_is_adopted(
    desk: Desk, at_psa: FakeTarget, there: dict[str, Any], sent: list[Any]
) -> None:
    """It is linked, never created again, and brought up to date in all its copies."""
    at_psa.hold(psa.CLIENT, "7", **there)
    await desk.client()
    await desk.owe(System.PSA, Client, CLIENT, "name")
    await desk.deliverer().drain(System.PSA)
    assert [row for _, _, row in at_psa.written] == sent
    assert at_psa.only(psa.CLIENT).items() >= COPIES.items()
    assert await desk.xref.external_ids(Client, System.PSA, [CLIENT]) == {CLIENT: "7"}


async def test_changes_during_a_call_are_sent_after_it_as_one(
    desk: Desk, at_psa: FakeTarget
) -> None:
    """What changes while a record is being sent coalesces, and is sent with its latest value."""
    await desk.client()
    await desk.owe(System.PSA, Client, CLIENT, "name")
    at_psa.open.clear()
    async with at_work(desk.deliverer().run):
        await at_psa.begun.wait()
        for name in ("Acme 2", "Acme 3", "Acme 4"):
            await desk.client(name=name, segment="small")
            await desk.owe(System.PSA, Client, CLIENT, "name" if name != "Acme 3" else "segment")
        assert await desk.states() == {"sending": 1, "pending": 1}
        at_psa.open.set()
        await desk.all_delivered()
    assert len(await desk.deliveries()) == 2
    [(_, _, created), (_, _, updated)] = at_psa.written
    assert created["title"] == "Acme"
    assert updated == {"title": "Acme 4", "market_segment": "SMB"}


async def test_two_workers_keep_the_order_of_every_record(desk: Desk, at_psa: FakeTarget) -> None:
    """However many workers share a target, a record's values arrive in order, one at a time."""
    numbers = range(1, 6)
    ids = {n: mint("cli", "crm", f"ACC-{n:05d}") for n in numbers}
    async with at_work(desk.deliverer().run, desk.deliverer().run):
        for step in range(40):
            for n in numbers:
                await desk.client(ids[n], n, name=f"{step:03d}")
                await desk.owe(System.PSA, Client, ids[n], "name")
        await desk.all_delivered(20)
    assert at_psa.calls["create"] == len(numbers)
    for key in at_psa.rows["clients"]:
        names = [row["title"] for _, k, row in at_psa.written if k == key and "title" in row]
        assert names == sorted(set(names))
        assert names[-1] == "039"


async def test_a_record_its_owner_deleted_is_owed_nothing(desk: Desk, at_psa: FakeTarget) -> None:
    """The delivery is settled with the reason, without a call."""
    await desk.client()
    await desk.client(deleted_at=MOMENT)
    await desk.owe(System.PSA, Client, CLIENT, "name")
    await desk.deliverer().drain(System.PSA)
    [row] = await desk.deliveries()
    assert (row["state"], row["last_error"]) == ("delivered", "the owner deleted it")
    assert not at_psa.calls


async def test_a_record_whose_anchor_is_silent_waits_for_it(desk: Desk, at_billing: Any) -> None:
    """Another owner's part may arrive first; nothing is sent until the anchor has told of it."""
    await project(desk.pool, Client, CLIENT, System.ERP, "C1", as_of=MOMENT, payment_terms_days=30)
    await desk.owe(System.BILLING, Client, CLIENT, "payment_terms_days")
    async with at_work(desk.deliverer().run):

        async def has_waited() -> bool:
            [row] = await desk.deliveries()
            return row["attempts"] >= 3 and "CRM has not told of it yet" in row["last_error"]

        await until(has_waited)
        assert not at_billing.calls
        await desk.client()
        await desk.all_delivered()
    assert at_billing.only(billing.CLIENT)["payment_terms"] == 30


async def test_a_missing_parent_is_waited_for_however_long(desk: Desk, at_psa: FakeTarget) -> None:
    """A reference the target does not know yet is no error: the record flows once it does."""
    await desk.link(Project, System.ERP, "P-1", PROJECT)
    cells = {"code": "P-1", "name": "Move", "client_id": CLIENT, "status": "active"}
    await project(desk.pool, Project, PROJECT, System.ERP, "P-1", as_of=MOMENT, **cells)
    await desk.owe(System.PSA, Project, PROJECT, "name")
    await desk.pool.execute("UPDATE delivery SET attempts = 1000")
    async with at_work(desk.deliverer().run):

        async def waits_again() -> bool:
            [row] = await desk.deliveries()
            is_waiting = row["state"] == "pending" and row["attempts"] > 1001
            return is_waiting and row["last_error"] == "PSA does not have its client yet"

        await until(waits_again)
        assert not at_psa.written
        await desk.client()
        await desk.owe(System.PSA, Client, CLIENT, "name")
        await desk.all_delivered()
    assert at_psa.only(psa.PROJECT)["client_id"] == "clients-1"


async def test_a_part_of_a_row_waits_for_the_row(desk: Desk, at_billing: FakeTarget) -> None:
    """A payment status is written into the invoice's row and never makes one of its own."""
    await desk.invoice()
    paid = {"paid_amount": Decimal(40), "paid_currency": "EUR"}
    await desk.payment(invoice_id=INVOICE, status="partially_paid", **paid)
    await desk.owe(System.BILLING, PaymentStatus, PAYMENT, "status", "paid")
    async with at_work(desk.deliverer().run):

        async def has_waited() -> bool:
            [row] = await desk.deliveries()
            return row["attempts"] >= 2

        await until(has_waited)
        [waiting] = await desk.deliveries()
        assert waiting["last_error"] == "BILLING has not got the row it belongs to yet"
        at_billing.hold(billing.INVOICE, "in_000001", currency="EUR")
        await desk.all_delivered()
    row = at_billing.only(billing.INVOICE)
    assert (row["payment_status"], row["amount_paid"]) == ("PART_PAID", "40.00")
    assert at_billing.calls["create"] == 0
    assert await desk.xref.external_ids(PaymentStatus, System.BILLING, [PAYMENT]) == {
        PAYMENT: "in_000001"
    }


async def test_a_record_is_found_by_what_it_refers_to(desk: Desk, at_psa: FakeTarget) -> None:
    """Where a replica does not hold the anchor's id, the referenced record's id stands for it."""
    await desk.payment(invoice_id=INVOICE, paid_amount=Decimal(0), paid_currency="EUR")
    await desk.owe(System.PSA, PaymentStatus, PAYMENT, "paid")
    deliverer = desk.deliverer()
    await deliverer.drain(System.PSA)
    [waiting] = await desk.deliveries("pending")
    assert waiting["last_error"] == "its invoice is not known yet"
    await desk.invoice()
    async with at_work(deliverer.run):
        await desk.all_delivered()
    assert at_psa.only(psa.PAYMENT_STATUS)["billing_invoice_id"] == "in_000001"


async def test_an_unknown_amount_leaves_the_shared_currency_alone(
    desk: Desk, at_psa: FakeTarget
) -> None:
    """A balance nobody knows yet must not clear the currency of what has been paid."""
    await desk.invoice()
    await desk.payment(invoice_id=INVOICE, paid_amount=Decimal(0), paid_currency="EUR")
    await desk.owe(System.PSA, PaymentStatus, PAYMENT, "paid")
    await desk.deliverer().drain(System.PSA)
    row = at_psa.only(psa.PAYMENT_STATUS)
    assert (row["paid_amount"], row["open_amount"], row["currency"]) == ("0.00", None, "EUR")


async def test_the_anchor_holds_copies_in_its_own_rows(desk: Desk, at_billing: FakeTarget) -> None:
    """The ledger's words go into billing's own invoice, whose key needs no looking up."""
    at_billing.hold(billing.INVOICE, "in_000001", currency="EUR")
    await desk.invoice(
        ledger_status="posted", number="NL01-2026-00001", posted_on=date(2026, 11, 1)
    )
    await desk.owe(
        System.BILLING, Invoice, INVOICE, "ledger_status", "number", "posted_on", "gross"
    )
    await desk.deliverer().drain(System.BILLING)
    assert at_billing.calls == {"update": 1}
    [(_, _, row)] = at_billing.written
    assert row == {
        "ledger_status": "POSTED",
        "ledger_number": "NL01-2026-00001",
        "posted_on": "2026-11-01",
    }


async def test_a_refusal_is_kept_with_its_words_and_holds_nobody_up(
    desk: Desk, at_psa: FakeTarget
) -> None:
    """A refused record is dead with the target's code and words; all others arrive."""
    refusal = Rejected("PSA: title\0 is too long", system=System.PSA, owner_code="invalid")
    at_psa.fail("create", refusal)
    for n in range(1, 9):
        record_id = mint("cli", "crm", f"ACC-{n:05d}")
        await desk.client(record_id, n)
        await desk.owe(System.PSA, Client, record_id, "name")
    await drained(desk.deliverer(), [System.PSA])
    assert await desk.states() == {"delivered": 7, "dead": 1}
    [dead] = await desk.deliveries("dead")
    assert dead["last_error"] == "invalid: PSA: title is too long"
    assert at_psa.calls["create"] == 8


async def test_duplicates_at_the_target_are_for_a_person(desk: Desk, at_psa: FakeTarget) -> None:
    """Which of two rows is the record nobody can guess: dead, with both keys, and nothing sent."""
    for key in ("7", "8"):
        at_psa.hold(psa.CLIENT, key, **COPIES)
    await desk.client(name="Acme 2")
    await desk.owe(System.PSA, Client, CLIENT, "name")
    await desk.deliverer().drain(System.PSA)
    [dead] = await desk.deliveries("dead")
    assert dead["last_error"].startswith("DUPLICATE_IN_TARGET: PSA holds ACC-00001 more than once")
    assert "(7, 8)" in dead["last_error"]
    assert not at_psa.written


async def test_a_row_that_vanished_at_the_target_is_for_a_person(
    desk: Desk, at_psa: FakeTarget
) -> None:
    """Somebody deleted the copy there: it is not made again behind their back."""
    await desk.client()
    await desk.owe(System.PSA, Client, CLIENT, "name")
    deliverer = desk.deliverer()
    await deliverer.drain(System.PSA)
    at_psa.rows["clients"].clear()
    await desk.client(name="Acme 2")
    await desk.owe(System.PSA, Client, CLIENT, "name")
    await deliverer.drain(System.PSA)
    [dead] = await desk.deliveries("dead")
    assert dead["last_error"] == "There is no clients-1."


async def test_a_row_that_was_made_again_at_the_target_is_written_to(
    desk: Desk, at_psa: FakeTarget
) -> None:
    """The worker goes by the former key until it hears that there is no such row.

    The delivery used to be dead, and every further one of that worker.
    """
    await desk.client()
    await desk.owe(System.PSA, Client, CLIENT, "name")
    deliverer = desk.deliverer()
    await deliverer.drain(System.PSA)
    await deliver_name(desk, deliverer, "Acme 2")
    at_psa.rows["clients"].clear()
    at_psa.hold(psa.CLIENT, "K9", **COPIES)
    await desk.link(Client, System.PSA, "K9", CLIENT)
    for name in ("Acme 3", "Acme 2"):
        await deliver_name(desk, deliverer, name)
        assert at_psa.only(psa.CLIENT)["title"] == name
    assert set(await desk.states()) == {"delivered"}


async def deliver_name(desk: Desk, deliverer: Deliverer, name: str) -> None:
    await desk.client(name=name)
    await desk.owe(System.PSA, Client, CLIENT, "name")
    await deliverer.drain(System.PSA)


async def test_a_notification_wakes_the_worker(desk: Desk, at_psa: FakeTarget) -> None:
    """What is owed is sent at once, not at the next poll."""
    await desk.client()
    slow = desk.deliverer()
    async with at_work(slow.run), asyncio.timeout(5):

        async def listens() -> bool:
            sql = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%delivery%'"
            return bool(await desk.pool.fetchval(sql))

        await until(listens)
        await desk.owe(System.PSA, Client, CLIENT, "name")
        await desk.all_delivered(1)
