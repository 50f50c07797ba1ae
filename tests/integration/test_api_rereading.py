"""`resnapshot` and `rebuild` of an owner that is reached by its API alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from support.captured_owner import ANN
from support.polled import PAGE, Killed
from support.rereading import EVERYBODY, TABLE, Rereading, rereading

from cdc.replay_plan import plan_replay
from schema.errors import Invalid
from schema.position import LogPartition, Topic
from sync.connectors.ports import RowQuery, Rows
from sync.resnapshots import KeyRange

EFFECTS = "SELECT (SELECT count(*) FROM delivery), (SELECT next_id FROM feed_head)"
DRIFT = "UPDATE projection.resource SET name = 'drift' WHERE hr_key IN ('E0002', 'E0005')"


@pytest.fixture
async def world(hub_database: str, pool: asyncpg.Pool) -> AsyncIterator[Rereading]:
    async with rereading(hub_database, pool) as seven:
        yield seven


async def test_drift_is_healed_and_who_is_gone_is_deleted(world: Rereading) -> None:
    """Though nothing says that it changed: its version is the one that is held."""
    await world.hub.pool.execute(DRIFT)
    world.hub.owner.remove("E0003")
    assert await world.hub.poll() == 0
    await world.read_again()
    assert await world.hub.held() == world.people()
    assert await world.hub.pool.fetchval("SELECT count(*) FROM dead_letter") == 0


async def test_it_goes_on_where_it_was_cut_off(world: Rereading) -> None:
    """Who has left behind the place, and who before it, is met in the same reading."""
    await world.hub.pool.execute(DRIFT)
    for number in ("E0000", "E0002", "E0006"):
        world.hub.owner.remove(number)
    number = await world.ask()
    world.hub.owner.happens = [None, _kill]
    with pytest.raises(Killed):
        await world.read()
    cut_off = await world.resnapshots.known(number)
    assert (cut_off.state, cut_off.reached, cut_off.rows_read) == ("reading", ("E0004",), PAGE)
    await world.read()
    await world.done(number)
    assert (await world.resnapshots.known(number)).rows_read == 4
    assert await world.hub.held() == world.people()


async def test_who_changes_and_leaves_meanwhile_is_deleted(world: Rereading) -> None:
    """The log has told of them since the reading began, so the delete sweep does not look."""
    number = await world.ask()
    assert await world.read_page()
    world.hub.owner.pass_time()
    world.hub.owner.write("E0005", "Changed")
    assert await world.hub.poll() == 1
    await world.hub.apply()
    world.hub.owner.remove("E0005")
    await world.read()
    await world.done(number)
    assert await world.hub.held() == world.people()


@pytest.mark.parametrize("low", ["E0002", "E0001a"])
async def test_a_range_is_all_that_is_read(world: Rereading, low: str) -> None:
    """Both ends are in it, and its lowest key need not exist; nobody outside of it is touched."""
    await world.hub.pool.execute(DRIFT)
    for number in ("E0003", "E0006"):
        world.hub.owner.remove(number)
    before = await world.hub.appended()
    await world.read_again(KeyRange(low=low, high="E0004"))
    assert await world.hub.appended() - before == 3
    assert await world.hub.held() == {**world.people(), "E0005": "drift", "E0006": "Person 6"}


async def test_an_owner_that_answers_with_nothing_deletes_nothing(world: Rereading) -> None:
    number = await world.ask()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.hub.owner, "fetch", _empty)
        await world.read()
    await world.done(number)
    assert await world.hub.held() == world.people()


async def test_what_is_held_in_a_newer_version_is_not_set_back(world: Rereading) -> None:
    """A webhook was faster than the page: the record is read back."""
    old = world.hub.owner.people["E0002"]["version"]
    await world.hub.pool.execute(
        "UPDATE projection.resource SET hr_version = $1, name = 'Newer' WHERE hr_key = 'E0002'",
        old + 1,
    )
    await world.ask(KeyRange(low="E0002", high="E0002"))
    await world.read()
    [value] = await world.hub.pool.fetchrow(
        "SELECT convert_from(value, 'UTF8') FROM log_record ORDER BY appended_at DESC LIMIT 1"
    )
    assert value == '{"read_back":"E0002"}'


async def test_a_table_that_is_not_read_is_told(world: Rereading) -> None:
    [number] = await world.resnapshots.ask("hr", ["public.nothing"], EVERYBODY, ANN)
    await world.read()
    assert (await world.resnapshots.known(number)).failure == "public.nothing is not read"


async def test_a_trimmed_log_is_rebuilt_after_a_reading(world: Rereading) -> None:
    """Alike, and in silence."""
    world.hub.owner.pass_time()
    world.hub.owner.write("E0001", "Changed")
    await world.hub.poll()
    await world.hub.apply()
    await world.hub.pool.execute('DELETE FROM log_record WHERE "offset" < 2')
    with pytest.raises(Invalid, match=r"concord resnapshot --system hr"):
        await world.rebuild()
    world.hub.owner.remove("E0003")
    await world.read_again()
    before = tuple(await world.hub.pool.fetchrow(EFFECTS))
    rebuilt = await world.rebuild()
    assert rebuilt.is_swapped
    assert not any(table.different for table in rebuilt.tables)
    assert tuple(await world.hub.pool.fetchrow(EFFECTS)) == before
    assert await world.hub.held() == world.people()


async def test_lost_events_need_a_reading_of_every_table(world: Rereading) -> None:
    """What an event told was read back then, and no row in the log says it."""
    firsts = {
        LogPartition(topic=Topic("hr.events"), partition=0): 5,
        LogPartition(topic=Topic(f"hr.{TABLE}"), partition=0): 0,
        LogPartition(topic=Topic(f"hr.{TABLE}"), partition=1): 0,
    }
    bindings = world.hub.owner.bindings
    with pytest.raises(Invalid, match=r"no longer holds all of hr\.events"):
        await plan_replay(world.hub.pool, bindings, firsts)
    await world.read_again()
    plan = await plan_replay(world.hub.pool, bindings, firsts)
    assert plan.starts == firsts


def _kill() -> None:
    raise Killed


async def _empty(query: RowQuery) -> Rows:
    return Rows(rows=(), has_more=False)
