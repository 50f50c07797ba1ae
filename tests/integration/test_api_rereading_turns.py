"""Re-snapshots through an API as turns of the whole capture: they keep nobody else waiting."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from itertools import count
from typing import TypeVar

import asyncpg
import pytest
from support.polled import PolledHr
from support.rereading import Rereading, rereading
from support.targets import until
from support.working import at_work

from cdc.capture.api_capture import Rhythm
from schema.errors import ConcordError, Invalid, Rejected, Unavailable
from schema.system import System
from sync.connectors.ports import RowQuery, Rows
from sync.resnapshots import KeyRange

Q = TypeVar("Q")


@pytest.fixture
async def world(hub_database: str, pool: asyncpg.Pool) -> AsyncIterator[Rereading]:
    async with rereading(hub_database, pool) as seven:
        yield seven


@pytest.mark.parametrize("refusal", [Invalid("No key."), Rejected("No.", system=System.HR)])
async def test_what_cannot_be_read_fails_alone(world: Rereading, refusal: ConcordError) -> None:
    """Polls and other re-snapshots go on, and nobody asks again for what was refused."""
    capture = world.hub.capture(resnapshots=world.resnapshots)
    await capture.turn()
    refused, other = await world.ask(KeyRange(low="abc")), await world.ask()
    world.hub.owner.pass_time()
    world.hub.owner.write("E0007", "Person 7")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.hub.owner, "fetch", _unless_by_key(world.hub.owner, refusal))
        assert await capture.turn()
    failed = await world.resnapshots.known(refused)
    assert (failed.state, failed.failure) == ("failed", refusal.message)
    assert (await world.resnapshots.known(other)).rows_read == 8
    await world.hub.apply()
    assert await world.hub.held() == world.people()


async def test_an_owner_that_is_down_is_asked_again(world: Rereading) -> None:
    """What was polled before that is in the log."""
    capture = world.hub.capture(resnapshots=world.resnapshots)
    await capture.turn()
    number = await world.ask(KeyRange(low="E0001"))
    world.hub.owner.pass_time()
    world.hub.owner.write("E0007", "Person 7")
    with pytest.MonkeyPatch.context() as patch:
        down = _unless_by_key(world.hub.owner, Unavailable("Down."))
        patch.setattr(world.hub.owner, "fetch", down)
        with pytest.raises(Unavailable):
            await capture.turn()
    assert (await world.resnapshots.known(number)).state == "reading"
    await world.hub.apply()
    assert await world.hub.held() == world.people()
    await capture.turn()
    assert (await world.resnapshots.known(number)).rows_read == 7


async def test_polls_come_between_pages(world: Rereading, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is read in place of the pause takes longer; there are two collections."""
    await world.hub.capture().turn()
    number = await world.ask(KeyRange(low="E0001"))
    asked: list[str] = []
    for name in ("changed", "fetch"):
        monkeypatch.setattr(world.hub.owner, name, _noted(asked, getattr(world.hub.owner, name)))
    hours = count(step=3600.0)
    monkeypatch.setattr("cdc.capture.api_capture.monotonic", lambda: next(hours))
    capture = world.hub.capture(Rhythm(every=timedelta(hours=1)), world.resnapshots)

    async def is_read() -> bool:
        return (await world.resnapshots.known(number)).state == "read"

    async with at_work(capture.run):
        await until(is_read)
    assert asked[:6] == 2 * ["changed", "changed", "fetch"]


def _unless_by_key(owner: PolledHr, refusal: ConcordError) -> Callable[[RowQuery], Awaitable[Rows]]:
    """A `fetch` of that owner that refuses to look up keys."""
    fetch = owner.fetch

    async def refuse(query: RowQuery) -> Rows:
        if query.where:
            raise refusal
        return await fetch(query)

    return refuse


def _noted(
    asked: list[str], method: Callable[[Q], Awaitable[Rows]]
) -> Callable[[Q], Awaitable[Rows]]:
    """The same method, which says that it was called."""

    async def noted(query: Q) -> Rows:
        asked.append(method.__name__)
        return await method(query)

    return noted
