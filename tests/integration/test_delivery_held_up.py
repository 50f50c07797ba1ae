"""Deliveries that are held up while the world goes on: nothing is created twice or set back."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import asyncpg
import pytest
from support.envelopes import envelope, record, whole
from support.hanging import Hanging, hanging_worker
from support.intaking import ACCOUNTS
from support.targets import CLIENT, Desk, FakeTarget, drained
from support.working import at_work

from cdc.decode import Decoder
from schema.canon import Client
from schema.errors import OutcomeUnknown
from schema.system import System
from sync.apply.renames import rename
from sync.changes import Renamed
from sync.clock import utc_now
from sync.connectors import crm, psa
from sync.deliver.outbox import Delivery, Outbox
from sync.intake import Claim, Intake
from sync.xref import Xref

_LEASES_RUN_OUT = "UPDATE delivery SET leased_until = now() WHERE state = 'sending'"
LOST = OutcomeUnknown("The answer got lost.", system=System.PSA)


@pytest.fixture
def at_psa() -> FakeTarget:
    return FakeTarget(System.PSA, psa.CLIENT)


@pytest.fixture
async def desk(pool: asyncpg.Pool, at_psa: FakeTarget) -> Desk:
    """The PSA holds the client as "First", and nothing is on its way."""
    desk = Desk(pool, at_psa)
    await rename_client(desk, "First")
    await drained(desk.deliverer(), [System.PSA])
    return desk


async def test_a_client_that_takes_a_new_key_after_a_lost_create_is_found_by_the_old_one(
    pool: asyncpg.Pool, at_psa: FakeTarget
) -> None:
    """The replica's row says what the anchor called it then; it used to be created again."""
    desk = Desk(pool, at_psa)
    await desk.client()
    await desk.owe(System.PSA, Client, CLIENT, "name")
    at_psa.fail("create", LOST, is_after=True)
    await desk.deliverer().drain(System.PSA)
    await take_key(pool, "ACC-00001", "ACC-90001")
    async with at_work(desk.deliverer().run):
        await desk.all_delivered()
    assert at_psa.only(psa.CLIENT)["crm_account_id"] == "ACC-00001"


@pytest.fixture
async def hanging(desk: Desk, at_psa: FakeTarget) -> Hanging:
    return await hanging_worker(desk, at_psa, partial(rename_client, desk))


async def test_who_writes_after_its_lease_ran_out_owes_the_record_again(hanging: Hanging) -> None:
    """Another has sent newer values when the call comes after all.

    The old values used to stay until the record changed again.
    """
    await hanging.wake()
    assert hanging.title == "Second"
    await drained(hanging.other, [System.PSA])
    assert hanging.title == "Third"


@pytest.mark.parametrize("error", [LOST, KeyError("a bug")], ids=["lost", "bug"])
async def test_a_late_write_whose_answer_is_lost_is_owed_again(
    hanging: Hanging, error: Exception
) -> None:
    """And sent, although the replica is known to hold the newer values.

    It used to be owed by nobody: the delivery to try again was another's, and settled.
    """
    hanging.target.fail("update", error, is_after=True)
    await hanging.wake()
    assert hanging.title == "Second"
    await drained(hanging.other, [System.PSA])
    assert hanging.title == "Third"


async def test_a_late_write_that_cannot_be_noted_is_owed_again(
    pool: asyncpg.Pool, at_psa: FakeTarget, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker says it with its next turn; the database was away when the call was answered."""
    await rename_client(desk, "Second")
    late = desk.deliverer()

    async def wrote(outbox: Outbox, delivery: Delivery, *told: Any) -> None:
        await pool.execute("UPDATE delivery SET state = 'delivered' WHERE id = $1", delivery.id)
        raise asyncpg.InterfaceError("the connection is closed")

    with monkeypatch.context() as away:
        away.setattr(Outbox, "wrote", wrote)
        await late.drain(System.PSA)
    at_psa.only(psa.CLIENT)["title"] = "of an unknown moment"
    await drained(late, [System.PSA])
    assert at_psa.only(psa.CLIENT)["title"] == "Second"


async def test_a_doubt_outlasts_the_answer_to_a_call_that_was_begun_before(
    pool: asyncpg.Pool, at_psa: FakeTarget, desk: Desk
) -> None:
    """A late write may come after the call of the delivery that overtook it, before its answer."""
    outbox = Outbox(pool)
    await rename_client(desk, "Second")
    [overtaken] = await outbox.claim(System.PSA, 1)
    assert await outbox.settle(overtaken)
    await rename_client(desk, "Third")
    at_psa.open.clear()
    at_psa.begun.clear()
    overtaking = asyncio.create_task(desk.deliverer().drain(System.PSA))
    await at_psa.begun.wait()
    await outbox.owe_again(overtaken, ["name"])
    at_psa.open.set()
    await overtaking
    at_psa.only(psa.CLIENT)["title"] = "Second"
    await drained(desk.deliverer(), [System.PSA])
    assert at_psa.only(psa.CLIENT)["title"] == "Third"


@pytest.mark.parametrize("end", [LOST, asyncio.CancelledError()], ids=["lost", "killed"])
@pytest.mark.parametrize(
    ("is_known", "is_captured"),
    [(True, False), (True, True), (False, True)],
    ids=["known", "captured late again", "captured late"],
)
async def test_an_owner_that_goes_back_after_a_lost_answer_is_followed(
    pool: asyncpg.Pool, at_psa: FakeTarget, end: BaseException, is_captured: bool, is_known: bool
) -> None:
    """What was known before the call says nothing, however late it is captured.

    The replica used to pass for one that holds the value already, and kept the other for good.
    """
    desk = Desk(pool, at_psa)
    at_psa.hold(psa.CLIENT, "7", crm_account_id="ACC-00001", title="First")
    await desk.link(Client, System.PSA, "7", CLIENT)
    if is_known:
        await captured(pool, "First")
    at_psa.fail("update", end, is_after=True)
    await rename_client(desk, "Second")
    drain = asyncio.create_task(desk.deliverer().drain(System.PSA))
    await asyncio.wait([drain])
    if is_captured:
        await captured(pool, "First")
    await pool.execute(_LEASES_RUN_OUT)
    await rename_client(desk, "First")
    async with at_work(desk.deliverer().run):
        await desk.all_delivered()
    assert at_psa.only(psa.CLIENT)["title"] == "First"


async def test_an_owner_that_goes_back_after_a_delivery_was_given_up_is_followed(
    pool: asyncpg.Pool, at_psa: FakeTarget, desk: Desk
) -> None:
    """Its last attempt was answered by nobody either."""
    at_psa.fail("update", LOST, is_after=True)
    await rename_client(desk, "Second")
    await pool.execute("UPDATE delivery SET attempts = 1000 WHERE state = 'pending'")
    await desk.deliverer().drain(System.PSA)
    assert [row["fields"] for row in await desk.deliveries("dead")] == [["name"]]
    await rename_client(desk, "First")
    await drained(desk.deliverer(), [System.PSA])
    assert at_psa.only(psa.CLIENT)["title"] == "First"


async def test_what_was_answered_costs_no_second_call(
    pool: asyncpg.Pool, at_psa: FakeTarget, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was noted when its worker died: the values are believed again."""
    await rename_client(desk, "Second")

    async def settle(outbox: Outbox, *told: Any) -> bool:
        raise asyncio.CancelledError

    with monkeypatch.context() as killed:
        killed.setattr(Outbox, "settle", settle)
        await asyncio.wait([asyncio.create_task(desk.deliverer().drain(System.PSA))])
    await pool.execute(_LEASES_RUN_OUT)
    await drained(desk.deliverer(), [System.PSA])
    assert at_psa.calls["update"] == 1
    assert set(await desk.states()) == {"delivered"}


async def test_whose_lease_ran_out_before_its_call_makes_none(
    pool: asyncpg.Pool, at_psa: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Just before the call it looks once more whether the delivery is its own."""
    desk = Desk(pool, at_psa)
    for name in ("First", "Second"):  # to create it, and to update it
        begin = Outbox.begin

        async def begin_late(outbox: Outbox, *of: Any, begin: Any = begin) -> bool:
            await pool.execute("UPDATE delivery SET state = 'delivered' WHERE state = 'sending'")
            return bool(await begin(outbox, *of))

        await rename_client(desk, name)
        with monkeypatch.context() as late:
            late.setattr(Outbox, "begin", begin_late)
            await desk.deliverer().drain(System.PSA)
        assert not at_psa.written
        at_psa.hold(psa.CLIENT, "7", crm_account_id="ACC-00001", title="As it is")


async def rename_client(desk: Desk, name: str) -> None:
    await desk.client(name=name)
    await desk.owe(System.PSA, Client, CLIENT, "name")


async def captured(pool: asyncpg.Pool, title: str) -> None:
    """The PSA's row "7" as it was before any call comes through the log."""
    topic = f"psa.{psa.CLIENT.table}"
    row = whole(topic, {"id": "7", "crm_account_id": "ACC-00001", "title": title, "version": 1})
    intake, decoder = Intake(pool, Xref(pool), {}, utc_now), Decoder([psa.CLIENT])
    read = envelope(topic, row, lsn=None, op="r")
    lane = record(topic, {"id": "7"}, read).position.lane
    start = await intake.start_of(lane)
    told = decoder.decode(record(topic, {"id": "7"}, read, offset=start))
    await intake.apply(told, [Claim(lane=lane, expected=start, next_offset=start + 1)])


async def take_key(pool: asyncpg.Pool, former: str, key: str) -> None:
    """The CRM gives a client another key."""
    async with pool.acquire() as connection, connection.transaction():
        for is_arrival in (True, False):
            half = Renamed(
                binding=crm.CLIENT,
                record=record(ACCOUNTS, {"id": key}, None),
                former_key=former,
                key=key,
                lsn=100,
                is_arrival=is_arrival,
            )
            await rename(connection, half, 1)
