"""Copies that were changed at a replica are compared with their owners, and written back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs
from support.hanging import hanging_worker
from support.targets import CLIENT
from support.watched import Watched, watched_client

from schema.canon import Client
from schema.errors import Unavailable
from schema.groups import GROUPS
from schema.ids import mint
from schema.system import System
from sync.applied import NEVER
from sync.connectors import billing_bindings, psa
from sync.deliver.outbox import Outbox
from sync.store.holdings import held_of

_STILL_NOTED = "SELECT record_id FROM replica_state WHERE edited_at IS NOT NULL"
_COPY_OF_STATE = """
INSERT INTO replica_state (system, entity, record_id, key, copies, version, as_of, edited_at)
SELECT system, entity, $1, 'clients-2', copies, version, as_of, edited_at FROM replica_state
"""


@pytest.fixture
async def watched(pool: asyncpg.Pool) -> Watched:
    return await watched_client(pool)


async def test_a_late_write_of_a_worker_that_died_at_once_is_taken_back(watched: Watched) -> None:
    """Nobody owes anything for it: the lease has run out, and what it wrote it never said."""
    watched.target.fail("update", asyncio.CancelledError(), is_after=True)
    await written_late(watched)
    await watched.deliver()
    assert watched.row["title"] == "Second"
    await watched.capture()
    assert await watched.compare() == 1
    await watched.deliver()
    assert watched.row["title"] == "Third"


async def test_a_late_write_of_a_worker_that_noted_it_and_died_is_owed_again(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its note makes what is captured then look like our own echo."""

    async def dies(*_: object) -> bool:
        raise asyncio.CancelledError

    await written_late(watched, lambda: monkeypatch.setattr(Outbox, "settle", dies))
    monkeypatch.undo()
    await watched.capture()
    await watched.deliver()
    assert watched.row["title"] == "Third"


async def written_late(watched: Watched, before: Callable[[], None] = lambda: None) -> None:
    """A worker hangs in its call past its lease; another has sent newer values before it lands."""

    async def rename(name: str) -> None:
        await watched.change(name=name)

    hanging = await hanging_worker(watched.desk, watched.target, rename)
    await watched.capture()
    before()
    watched.target.open.set()
    await asyncio.wait([hanging.drain])
    assert watched.row["title"] == "Second"


async def test_an_edit_is_written_back_once_it_is_captured(watched: Watched) -> None:
    """Of what differs alone, and the echo of the writing back is nothing to compare."""
    watched.edit(title="Whim")
    assert await watched.compare() == 0
    await watched.capture()
    with capture_logs() as logs:
        assert await watched.compare() == 1
    [told] = [entry for entry in logs if entry["event"] == "copy.drifted"]
    assert (told["target"], told["fields"], told["enforced"]) == ("PSA", ["name"], ["name"])
    await watched.deliver()
    assert watched.target.written[-1][2] == {"title": "First"}
    await watched.capture()
    assert not await watched.is_noted()
    assert await watched.compare() == 0


async def test_a_copy_that_the_owner_only_reports_is_told_and_left(pool: asyncpg.Pool) -> None:
    """Whose values a person decides about: the policy of the group says so."""
    watched = Watched(pool, billing_bindings.CLIENT)
    await watched.change(name="First")
    await watched.deliver()
    await pool.execute("UPDATE projection.client SET erp_key = 'C1', erp_as_of = now()")
    await pool.execute("UPDATE projection.client SET bill_to = 'Quay 1'")
    watched.edit(address="Elsewhere")
    await watched.capture()
    with capture_logs() as logs:
        assert await watched.compare() == 0
    [told] = [entry for entry in logs if entry["event"] == "copy.drifted"]
    assert (told["fields"], told["enforced"]) == (["bill_to"], [])
    assert await watched.compare() == 0


async def test_who_insists_at_the_replica_gets_no_war(watched: Watched) -> None:
    """A record is written back once in a while; what was noted is not forgotten meanwhile."""
    for title in ("Whim", "Will"):
        watched.edit(title=title)
        await watched.capture()
        await watched.compare(timedelta(hours=1))
        await watched.deliver()
    assert watched.row["title"] == "Will"
    assert await watched.compare() == 1


async def test_a_value_that_the_replica_spells_otherwise_is_no_edit(watched: Watched) -> None:
    """It made its own of our write: the version is the one that it gave that write."""
    await watched.change(name="Second")
    await watched.deliver()
    watched.row["title"] = "SECOND"
    await watched.capture()
    assert await watched.compare() == 0


async def test_an_echo_that_is_captured_before_its_answer_is_noted_is_no_edit(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spelled otherwise, too, and captured once more afterwards."""
    wrote = Outbox.wrote

    async def late(outbox: Outbox, *told: Any) -> None:
        watched.row["title"] = "SECOND"
        await watched.capture()
        await wrote(outbox, *told)

    monkeypatch.setattr(Outbox, "wrote", late)
    await watched.change(name="Second")
    await watched.deliver()
    await watched.capture()
    assert await watched.compare() == 0


async def test_a_poll_has_yet_to_see_the_row_that_we_have_written_to(watched: Watched) -> None:
    """It asks by versions, and ours is not one that anybody has told of: an edit may be in it."""
    watched.edit(title="Whim")
    await watched.change(name="First", segment="small")
    await watched.deliver()
    key = watched.row["id"]
    async with watched.desk.pool.acquire() as connection:
        assert await held_of(connection, [psa.CLIENT], [key]) == {}
        await watched.capture()
        held = await held_of(connection, [psa.CLIENT], [key])
    assert held[key].version == watched.row["version"]


async def test_an_edit_is_seen_in_a_row_that_we_have_written_to_since(watched: Watched) -> None:
    """The row is captured at the version of our write, which sent another field.

    It used to pass for the echo, and the edit stayed for good.
    """
    watched.edit(title="Whim")
    await watched.change(name="First", segment="small")
    await watched.deliver()
    assert watched.target.written[-1][2] == {"market_segment": "SMB"}
    await watched.capture()
    assert await watched.compare() == 1
    await watched.deliver()
    assert watched.row["title"] == "First"


async def test_a_row_met_for_the_first_time_after_a_lost_answer_is_no_edit(
    pool: asyncpg.Pool,
) -> None:
    """Nothing was known of it but that a call to it was begun."""
    watched = Watched(pool, psa.CLIENT)
    watched.target.hold(psa.CLIENT, "7", title="Before us", crm_account_id="ACC-00001")
    await watched.desk.link(Client, System.PSA, "7", CLIENT)
    watched.target.fail("update", Unavailable("Down.", system=System.PSA))
    await watched.change(name="First")
    await watched.desk.deliverer().drain(System.PSA)
    await watched.capture()
    assert not await watched.is_noted()


async def test_an_edit_is_compared_once_its_owners_are_heard_up_to_it(watched: Watched) -> None:
    """It may be what an owner says by now, and the projection what it said before.

    Until then it stays noted. It used to be overwritten with the old value.
    """
    watched.edit(title="As the CRM has it by now")
    await watched.capture()
    noted_at = await watched.desk.pool.fetchval("SELECT edited_at FROM replica_state")
    for applied in (NEVER, noted_at):
        watched.applied = {"crm": applied, "psa": noted_at + timedelta(hours=1)}
        assert await watched.compare() == 0
        assert await watched.is_noted()
    watched.applied["crm"] = noted_at + timedelta(seconds=1)
    assert await watched.compare() == 1


async def test_an_edit_of_a_record_that_its_anchor_has_not_told_of_stays_noted(
    watched: Watched,
) -> None:
    """That it cannot be compared yet is no answer; it used to be forgotten."""
    watched.edit(title="Whim")
    await watched.capture()
    [as_of] = await watched.desk.pool.fetchrow("SELECT crm_as_of FROM projection.client")
    for moment, owed in ((None, 0), (as_of, 1)):
        await watched.desk.pool.execute("UPDATE projection.client SET crm_as_of = $1", moment)
        assert await watched.compare() == owed


async def test_a_record_that_nobody_can_read_keeps_no_other_from_being_compared(
    watched: Watched,
) -> None:
    """It is told with its id and stays noted; it used to end the deliverer's process."""
    other = mint("cli", "crm", "ACC-00002")
    watched.edit(title="Whim")
    await watched.capture()
    await watched.desk.client(other, 2)
    await watched.desk.pool.execute(_COPY_OF_STATE, other)
    spoil = "UPDATE projection.client SET segment = $2 WHERE id = $1"
    for unreadable in sorted((CLIENT, other)):
        await watched.desk.pool.execute(spoil, unreadable, "of_another_version")
        with capture_logs() as logs:
            await watched.compare()
        [told] = [entry for entry in logs if entry["event"] == "copy.not_compared"]
        assert told["record"] == unreadable
        assert await watched.desk.pool.fetch(_STILL_NOTED) == [(unreadable,)]
        await watched.desk.pool.execute(spoil, unreadable, "enterprise")
        await watched.desk.pool.execute("DELETE FROM delivery")
        await watched.desk.pool.execute("UPDATE replica_state SET edited_at = now()")


async def test_what_is_on_its_way_or_was_refused_is_not_compared(watched: Watched) -> None:
    """The delivery will say it, or a person has to."""
    watched.edit(title="Whim")
    await watched.capture()
    await watched.change(segment="small")
    for state in ("pending", "sending", "dead", "discarded"):
        await watched.desk.pool.execute(
            "UPDATE delivery SET state = $1 WHERE state <> 'delivered'", state
        )
        assert await watched.compare() == 0
    await watched.desk.pool.execute("DELETE FROM delivery")
    assert await watched.compare() == 1


def test_no_group_is_to_be_compared_more_often_than_every_hour() -> None:
    """That is how often the deliverer's process compares."""
    assert min(group.reconciled_every for group in GROUPS) >= timedelta(hours=1)
