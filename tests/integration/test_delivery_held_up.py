"""Deliveries that are held up while the world goes on: nothing is created twice or set back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from support.envelopes import record
from support.intaking import ACCOUNTS
from support.targets import CLIENT, QUICK, Desk, FakeTarget, drained, until
from support.working import at_work

from schema.canon import Client
from schema.errors import OutcomeUnknown
from schema.system import System
from sync.apply.renames import rename
from sync.changes import Renamed
from sync.connectors import crm, psa

LOST = OutcomeUnknown("The answer got lost.", system=System.PSA)


@pytest.fixture
def at_psa() -> FakeTarget:
    return FakeTarget(System.PSA, psa.CLIENT)


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


async def test_who_writes_after_its_lease_ran_out_owes_the_record_again(
    pool: asyncpg.Pool, at_psa: FakeTarget
) -> None:
    """It hangs before its call; another has sent newer values when the call comes after all.

    The old values used to stay until the record changed again.
    """
    desk = Desk(pool, at_psa)
    living = FakeTarget(System.PSA, psa.CLIENT)
    living.rows = at_psa.rows
    other = Desk(pool, living).deliverer()
    await desk.client(name="First")
    await desk.owe(System.PSA, Client, CLIENT, "name")
    await drained(other, [System.PSA])
    at_psa.open.clear()
    await desk.client(name="Second")
    await desk.owe(System.PSA, Client, CLIENT, "name")
    brief = replace(QUICK, lease=timedelta(milliseconds=50))
    hanging = asyncio.create_task(desk.deliverer(brief).drain(System.PSA))
    await at_psa.begun.wait()
    await desk.client(name="Third")
    await desk.owe(System.PSA, Client, CLIENT, "name")

    async def is_overtaken() -> bool:
        await drained(other, [System.PSA])
        return bool(at_psa.only(psa.CLIENT)["title"] == "Third")

    await until(is_overtaken)
    at_psa.open.set()
    await hanging
    assert at_psa.only(psa.CLIENT)["title"] == "Second"
    await drained(other, [System.PSA])
    assert at_psa.only(psa.CLIENT)["title"] == "Third"


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
