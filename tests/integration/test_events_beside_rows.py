"""HR is polled and sends events: what was read back and what was polled meet in order."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest
from support.polled import Following, PolledHr, following

from cdc.capture.api_rows import Collection
from cdc.log.port import NewRecord, Told
from cdc.replay import letter_decoder
from cdc.webhook.event import Event
from cdc.webhook.meaning import EventForm
from schema.system import System
from sync.clock import utc_now
from sync.connectors import hr
from sync.connectors.binding import Binding
from sync.connectors.binding import Event as Declared
from sync.dead_letters import DeadLetters
from sync.intake import Intake
from sync.lag import Lags
from sync.letters import Wanted
from sync.signed import Signed
from sync.xref import Xref

RESOURCE = replace(hr.RESOURCE, events=(Declared(type="person.changed", key="number"),))
NUMBER = "E0001"


class Telling(PolledHr):
    """HR that sends events, too."""

    bindings = (RESOURCE, hr.LEGAL_ENTITY)


@pytest.fixture
async def hub(hub_database: str, pool: asyncpg.Pool) -> AsyncIterator[Following]:
    async with following(hub_database, pool, Telling(), partitions=1) as running:
        yield running


async def tell(hub: Following, number: str = NUMBER, *, kind: str = "person.changed") -> None:
    """An event of HR's, as the inbox keeps it."""
    told = await hub.appended()
    event = Event(
        id=f"evt_{told}",
        type=kind,
        at=utc_now(),
        subject=None,
        body=json.dumps({"number": number}).encode(),
        data_at="",
    )
    record = EventForm(hub.owner.bindings).keep(System.HR, event, utc_now())
    await hub.log.append_once(Told(system="hr", id=event.id), [record])


def polled(hub: Following) -> NewRecord:
    """The row as a poll finds it now."""
    return Collection(bindings=(RESOURCE,)).write("u", hub.owner.people[NUMBER], utc_now())


async def name_of(hub: Following) -> str | None:
    return (await hub.held()).get(NUMBER)


async def test_an_event_reads_the_record_back(hub: Following) -> None:
    """Hired, changed and gone again: it never says more than which record."""
    for name in ("Ann", "Ann Bee"):
        hub.owner.write(NUMBER, name)
        await tell(hub)
        await hub.apply()
        assert await name_of(hub) == name
    hub.owner.remove(NUMBER)
    await tell(hub)
    await hub.apply()
    assert await name_of(hub) is None


async def test_a_row_that_was_polled_before_and_comes_later_is_older(hub: Following) -> None:
    """The topics have no order among each other; the owner's versions have."""
    hub.owner.write(NUMBER, "First")
    await hub.log.append([polled(hub)])
    await hub.apply()
    hub.owner.write(NUMBER, "Second")
    stale = polled(hub)
    hub.owner.write(NUMBER, "Third")
    await tell(hub)
    await hub.apply()
    assert await name_of(hub) == "Third"
    await hub.log.append([stale])
    await hub.apply()
    assert await name_of(hub) == "Third"


async def test_rows_that_come_after_many_events_are_newer(hub: Following) -> None:
    """An event's offset is far above those of the rows, in a partition of the same number."""
    hub.owner.write(NUMBER, "Told")
    for _ in range(20):
        await tell(hub)
    await hub.apply()
    hub.owner.write(NUMBER, "Polled")
    await hub.log.append([polled(hub)])
    await hub.apply()
    assert await name_of(hub) == "Polled"


async def test_an_unknown_event_waits_for_its_declaration(hub: Following) -> None:
    """It is parked with its bytes; declared, it is tried again, and rows go on after it."""
    hub.owner.write(NUMBER, "Moved")
    await tell(hub, kind="person.moved")
    await hub.apply()
    assert await name_of(hub) is None
    declared = replace(RESOURCE, events=(Declared(type="person.moved", key="number"),))
    worked = await _office(hub, declared).retry(
        Wanted(reasons=["unknown_event"]), Signed(by="ann@firm.example", why="Declared.")
    )
    assert (worked.applied, list(worked.still_dead)) == (1, [])
    assert await name_of(hub) == "Moved"
    hub.owner.write(NUMBER, "Polled")
    await hub.poll()
    await hub.apply()
    assert await name_of(hub) == "Polled"


async def test_how_long_an_event_was_on_its_way_is_told(hub: Following) -> None:
    hub.owner.write(NUMBER, "Ann")
    await tell(hub)
    await hub.apply()
    assert [one.topic for one in await Lags(hub.pool).topics()] == ["hr.events"]


def _office(hub: Following, binding: Binding) -> DeadLetters:
    intake = Intake(hub.pool, Xref(hub.pool), {System.HR: hub.owner}, utc_now)
    return DeadLetters(hub.pool, intake, letter_decoder([binding]))
