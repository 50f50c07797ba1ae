"""An owner reached by its API alone: what is polled and swept becomes the projection."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta

import asyncpg
import pytest
from support.polled import OVERLAP, Following, Killed, following
from support.targets import until

from cdc.capture.api_capture import Rhythm
from cdc.capture.way import enter
from cdc.log.port import NewRecord
from schema.errors import Invalid, RateLimited, Rejected, Unavailable
from schema.system import System
from sync.connectors.ports import RowQuery, Rows
from sync.epochs import bump_epoch
from sync.signed import Signed


@pytest.fixture
async def hub(hub_database: str, pool: asyncpg.Pool) -> AsyncIterator[Following]:
    async with following(hub_database, pool) as running:
        yield running


def people(hub: Following) -> dict[str, str]:
    return {number: row["full_name"] for number, row in hub.owner.people.items()}


def hire(hub: Following, count: int = 7) -> None:
    """All of them at one moment, as a company that is moved into a new system."""
    for n in range(count):
        hub.owner.write(f"E{n:04d}", f"Person {n}")


async def converge(hub: Following) -> None:
    await hub.poll()
    await hub.apply()
    assert await hub.held() == people(hub)


async def test_a_first_reading_is_no_event_and_a_hire_is_one(hub: Following) -> None:
    """Rows of one moment come page by page; what was met first owes nobody a copy."""
    owed = "SELECT count(*) FROM delivery"
    hire(hub)
    await converge(hub)
    assert await hub.pool.fetchval(owed) == 0
    hub.owner.pass_time()
    hub.owner.write("E0100", "New here")
    await converge(hub)
    assert await hub.pool.fetchval(owed) > 0


async def test_what_has_not_changed_appends_nothing(hub: Following) -> None:
    """Neither within the overlap, nor after a restart that forgot what was sent, nor in a sweep."""
    hire(hub)
    await converge(hub)
    before = await hub.appended()
    assert await hub.poll() == 0
    hub.start()
    assert await hub.poll() == 0
    assert await hub.sweep() == 0
    assert await hub.appended() == before


async def test_rows_on_their_way_are_not_sent_again(hub: Following) -> None:
    """The listener may be behind by many turns."""
    hire(hub)
    await hub.poll()
    hub.owner.pass_time()
    hub.owner.write("E0000", "Renamed")
    assert [await hub.poll(), await hub.poll()] == [1, 0]


async def test_a_row_that_changes_between_two_pages_is_seen(hub: Following) -> None:
    """One that was read already, one that is yet to come, and one that was not there."""
    hire(hub)

    def change() -> None:
        hub.owner.pass_time()
        for number in ("E0000", "E0006", "E0050"):
            hub.owner.write(number, f"{number} changed")

    hub.owner.happens = [change]
    await converge(hub)


@pytest.mark.parametrize("late", [1, 299])
async def test_a_commit_that_shows_late_under_an_earlier_time_is_seen(
    hub: Following, late: int
) -> None:
    hire(hub)
    hub.owner.pass_time(1000)
    hub.owner.write("E0001", "In time")
    await converge(hub)
    hub.owner.write("E0002", "Committed late", at=hub.owner.clock - timedelta(seconds=late))
    await converge(hub)


async def test_what_is_later_than_the_overlap_is_found_by_the_sweep(hub: Following) -> None:
    hire(hub)
    hub.owner.pass_time(1000)
    hub.owner.write("E0001", "In time")
    await converge(hub)
    hub.owner.write("E0002", "Very late", at=hub.owner.clock - OVERLAP - timedelta(seconds=1))
    assert await hub.poll() == 0
    await hub.sweep()
    await hub.apply()
    assert await hub.held() == people(hub)


async def test_a_clock_that_is_ahead_hides_nothing(hub: Following) -> None:
    """One node of the owner writes an hour from now; the others go on writing at their time."""
    hire(hub)
    hub.owner.write("E0001", "From the future", at=hub.owner.clock + timedelta(hours=1))
    await converge(hub)
    hub.owner.pass_time()
    hub.owner.write("E0002", "From now")
    await converge(hub)


async def test_the_mark_stands_before_what_is_not_in_the_log(hub: Following) -> None:
    """A row nobody can order stops the poll at its page, until its owner mends it."""
    hire(hub)
    hub.owner.people["E0004"]["updated_at"] = "1970-01-02T00:00:00+00:00"
    hub.owner.people["E0004"]["version"] = "not a version"
    with pytest.raises(Unavailable, match="readable version"):
        await hub.poll()
    assert await hub.appended() == 0
    hub.owner.people["E0004"]["version"] = 1
    await converge(hub)


async def test_a_removed_person_is_gone_after_a_sweep_and_may_come_back(hub: Following) -> None:
    hire(hub)
    await converge(hub)
    hub.owner.remove("E0003")
    await hub.poll()
    assert await hub.sweep() == 1
    await hub.apply()
    assert await hub.held() == people(hub)
    hub.owner.pass_time()
    hub.owner.write("E0003", "Back again")  # its version starts from the first
    await converge(hub)


async def test_who_left_and_came_back_unseen_is_the_new_one(hub: Following) -> None:
    """Under the same number, and with a version that starts again: lower, or by chance the same."""
    hire(hub)
    hub.owner.write("E0003", "Changed once")
    await converge(hub)
    for number in ("E0002", "E0003"):
        hub.owner.remove(number)
        hub.owner.pass_time()
        hub.owner.write(number, "Somebody else")
    await converge(hub)
    before = await hub.appended()
    await hub.sweep()
    assert await hub.appended() == before


async def test_a_sweep_that_is_cut_off_deletes_nothing(hub: Following) -> None:
    """Not then, and not by what it had met when the next one is cut off elsewhere."""
    hire(hub)
    await converge(hub)
    hub.owner.remove("E0000")
    for pages in (1, 2):
        hub.owner.happens = [*([None] * (pages - 1)), _kill]
        with pytest.raises(Killed):
            await hub.sweep()
        hub.start()
        await hub.apply()
        assert "E0000" in await hub.held()
    assert await hub.sweep() == 1
    await hub.apply()
    assert await hub.held() == people(hub)


async def test_a_sweep_that_was_cut_off_at_its_end_is_settled_by_the_next(hub: Following) -> None:
    """It was completed, and the log had not heard of it."""
    hire(hub)
    await converge(hub)
    hub.owner.remove("E0000")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub.log, "append", _refuse)
        with pytest.raises(Unavailable):
            await hub.sweep()
    hub.owner.happens = [_kill]  # the next one does not come to its own end
    with pytest.raises(Killed):
        await hub.sweep()
    await hub.apply()
    assert await hub.held() == people(hub)


async def test_who_is_hired_during_a_sweep_behind_it_stays(hub: Following) -> None:
    hire(hub)
    await converge(hub)

    def take_on() -> None:
        hub.owner.pass_time()
        hub.owner.write("A0001", "Before all others")

    hub.owner.happens = [None, take_on]
    await hub.sweep()
    await converge(hub)
    assert "A0001" in await hub.held()


async def test_an_owner_that_answers_a_sweep_with_nothing_deletes_nothing(hub: Following) -> None:
    """The owner is asked for each missing record by its key, and has the last word."""
    hire(hub)
    await converge(hub)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub.owner, "fetch", _empty)
        assert await hub.sweep() == 7
    await hub.apply()
    assert await hub.held() == people(hub)


async def test_a_row_of_nobodys_is_parked_once(hub: Following) -> None:
    """A poll and a sweep show it again and again."""
    hire(hub, 1)
    hub.owner.people["E0000"]["worker_type"] = "ROBOT"
    await hub.poll()
    await hub.apply()
    hub.start()
    await hub.poll()
    await hub.sweep()
    await hub.apply()
    assert await hub.pool.fetchval("SELECT count(*) FROM dead_letter") == 1


async def test_the_whole_capture_fills_follows_and_sweeps(hub: Following) -> None:
    hire(hub)
    capture = hub.capture()
    assert not capture.is_following
    assert await capture.turn()
    await hub.apply()
    assert capture.is_following
    assert await hub.held() == people(hub)


async def test_an_owner_that_refuses_is_asked_again(hub: Following) -> None:
    """Whatever one owner says, the hub goes on with the others, and with this one later."""
    hire(hub)
    refusals = [Rejected("No.", system=System.HR), Unavailable("Down."), RateLimited("Slowly.")]

    def refuse() -> None:
        hub.owner.happens = [refuse] if len(refusals) > 1 else []
        raise refusals.pop(0)

    hub.owner.happens = [refuse]
    capture = hub.capture(Rhythm(every=timedelta(milliseconds=5)))
    running = asyncio.create_task(capture.run())

    async def follows() -> bool:
        return capture.is_following

    try:
        await until(follows)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    await hub.apply()
    assert (refusals, await hub.held()) == ([], people(hub))


async def test_one_process_polls_at_a_time(hub: Following) -> None:
    """The other one looks on, and takes over when it is gone."""
    hire(hub)
    first, second = hub.capture(), hub.capture()
    turns: list[bool] = []

    async def meanwhile(query: RowQuery) -> Rows:
        turns.append(await second.turn())
        return Rows(rows=(), has_more=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub.owner, "fetch", meanwhile)
        assert await first.turn()
    assert turns
    assert not any(turns)
    assert await second.turn()


async def test_another_way_needs_a_new_history(hub: Following) -> None:
    """Versions are smaller than positions in a write-ahead log: all would look stale."""
    await enter(hub.pool, System.HR, "wal")
    with pytest.raises(Invalid, match="epoch bump --system hr"):
        await enter(hub.pool, System.HR, "poll")
    await bump_epoch(hub.pool, System.HR, Signed(by="ann", why="It is polled from now on."))
    await enter(hub.pool, System.HR, "poll")
    await enter(hub.pool, System.HR, "webhook")


@pytest.mark.parametrize("seed", range(12))
async def test_polling_alone_loses_no_change(hub: Following, seed: int) -> None:
    """Late commits, wrong clocks, kills at any page: no sweep has to find what was passed over."""
    rng = random.Random(seed)
    hire(hub, rng.randrange(9))
    for _ in range(8):
        busy = _busy(hub, rng, removes=False)
        hub.owner.happens = [rng.choice([None, _kill, busy]) for _ in range(4)]
        try:
            await hub.poll()
        except Killed:
            hub.start()
        if rng.random() < 0.5:
            await hub.apply()
    hub.owner.happens = []
    await converge(hub)


@pytest.mark.parametrize("seed", range(12))
async def test_it_converges_whatever_happens_between_pages(hub: Following, seed: int) -> None:
    """Hires, changes, removals, late commits, wrong clocks and kills, at any page of any turn."""
    rng = random.Random(seed)
    hire(hub, rng.randrange(9))
    for _ in range(8):
        hub.owner.happens = [rng.choice([None, _kill, _busy(hub, rng)]) for _ in range(4)]
        try:
            await rng.choice([hub.poll, hub.poll, hub.sweep])()
        except Killed:
            hub.start()
        if rng.random() < 0.5:
            await hub.apply()
    hub.owner.happens = []
    await hub.poll()
    await hub.apply()
    await hub.sweep()
    await hub.apply()
    assert await hub.held() == people(hub)
    assert await hub.pool.fetchval("SELECT count(*) FROM dead_letter") == 0


def _busy(hub: Following, rng: random.Random, *, removes: bool = True) -> Callable[[], None]:
    def happens() -> None:
        hub.owner.pass_time(rng.choice([0, 1, 400]))
        number = f"E{rng.randrange(12):04d}"
        skew = timedelta(seconds=rng.choice([0, 0, -250, 3000]))
        if removes and rng.random() < 0.25:
            hub.owner.remove(number)
        else:
            name = f"{number} {rng.randrange(10**6)}"
            hub.owner.write(number, name, at=hub.owner.clock + skew)

    return happens


def _kill() -> None:
    raise Killed


async def _refuse(records: Sequence[NewRecord]) -> None:
    if records:
        raise Unavailable("The log is down.")


async def _empty(query: RowQuery) -> Rows:
    return Rows(rows=(), has_more=False)
