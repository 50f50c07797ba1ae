"""Copies that are held only while their record is in certain states: they come and go."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg
import pytest
from support.projecting import project
from support.targets import MOMENT, Desk, FakeTarget
from support.working import at_work

from schema.canon import Project, Resource, TimeEntry
from schema.errors import OutcomeUnknown, Unavailable
from schema.ids import mint
from schema.system import System
from sync.connectors.tryton_erp_bindings import PROJECT
from sync.connectors.tryton_erp_time import TIME_ENTRY
from sync.deliver.replica import Found, Replica

ENTRY = mint("tim", "psa", "4711")
ON = mint("prj", "erp", "P-1")
BY = mint("res", "hr", "E1001")


@pytest.fixture
def ledger() -> FakeTarget:
    return FakeTarget(System.ERP, PROJECT, TIME_ENTRY)


@pytest.fixture
async def desk(pool: asyncpg.Pool, ledger: FakeTarget) -> Desk:
    desk = Desk(pool, ledger)
    await desk.link(Project, System.ERP, "P-1", ON)
    await desk.link(Resource, System.HR, "E1001", BY)
    await desk.link(TimeEntry, System.PSA, "4711", ENTRY)
    return desk


async def tell(desk: Desk, status: str, *, worked: int = 90, gone: datetime | None = None) -> None:
    """What the PSA says of the entry, and that the ledger is owed it."""
    cells = {"resource_id": BY, "project_id": ON, "worked": worked, "status": status}
    cells |= {"work_date": MOMENT.date(), "note": "Audit"}
    await project(
        desk.pool, TimeEntry, ENTRY, System.PSA, "4711", as_of=MOMENT, deleted_at=gone, **cells
    )
    await desk.owe(System.ERP, TimeEntry, ENTRY, "status", "worked")


async def deliver(desk: Desk, status: str, **said: Any) -> None:
    await tell(desk, status, **said)
    async with at_work(desk.deliverer().run):
        await desk.all_delivered()


async def test_what_is_not_in_a_copied_state_is_not_created(desk: Desk, ledger: FakeTarget) -> None:
    """The ledger is not written to, and nothing waits."""
    await deliver(desk, "submitted")
    assert ledger.written == []
    [settled] = await desk.deliveries("delivered")
    assert settled["last_error"] == "ERP holds none of this status"


async def test_it_is_created_once_it_gets_there_and_corrected_in_place(
    desk: Desk, ledger: FakeTarget
) -> None:
    """However often it is told: one row, with what it should hold."""
    await deliver(desk, "submitted")
    await deliver(desk, "approved")
    await deliver(desk, "approved", worked=60)
    await deliver(desk, "approved", worked=60)
    row = ledger.only(TIME_ENTRY)
    assert (row["psa_ref"], row["project"], row["employee_no"]) == ("4711", "P-1", "E1001")
    assert (row["seconds"], row["line_text"]) == (3600, "Audit")
    assert [kind for kind, _, _ in ledger.written] == ["create", "update"]


async def test_it_is_taken_out_when_it_leaves_and_may_return(
    desk: Desk, ledger: FakeTarget
) -> None:
    """The key it had is nobody's any more: it comes back as another row."""
    await deliver(desk, "approved")
    await deliver(desk, "draft")
    assert ledger.rows[TIME_ENTRY.resource] == {}
    ledger.hold(TIME_ENTRY, "timesheet.line-1", psa_ref="of another")
    await deliver(desk, "approved", worked=30)
    [(key, row)] = [
        pair for pair in ledger.rows[TIME_ENTRY.resource].items() if pair[1]["psa_ref"] == "4711"
    ]
    assert (key, row["seconds"]) == ("timesheet.line-2", 1800)


async def test_whose_lease_ran_out_while_it_looked_takes_nothing_out(
    desk: Desk, ledger: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker has the delivery, and the entry may be approved again."""
    await deliver(desk, "approved")
    await tell(desk, "draft")
    find = Replica.find

    async def find_for_long(replica: Replica, *of: Any) -> Found | None:
        await desk.pool.execute("UPDATE delivery SET state = 'delivered' WHERE state = 'sending'")
        return await find(replica, *of)

    monkeypatch.setattr(Replica, "find", find_for_long)
    await desk.deliverer().drain(System.ERP)
    assert ledger.calls["remove"] == 0
    assert ledger.only(TIME_ENTRY)["psa_ref"] == "4711"


async def test_what_its_owner_deleted_is_taken_out(desk: Desk, ledger: FakeTarget) -> None:
    """Whatever state it was in; twice is as good as once."""
    await deliver(desk, "approved")
    await deliver(desk, "approved", gone=MOMENT)
    await deliver(desk, "approved", gone=MOMENT)
    assert ledger.rows[TIME_ENTRY.resource] == {}
    assert ledger.calls["remove"] == 1
    assert (await desk.deliveries())[-1]["last_error"] == "the owner deleted it"


async def test_a_lost_create_is_taken_out_too(desk: Desk, ledger: FakeTarget) -> None:
    """The answer got lost, so no link says that the row is there: the ledger is asked."""
    ledger.fail("create", OutcomeUnknown("?", system=System.ERP), is_after=True)
    await tell(desk, "approved")
    await desk.deliverer().drain(System.ERP)
    assert len(ledger.rows[TIME_ENTRY.resource]) == 1
    await deliver(desk, "draft")
    assert ledger.rows[TIME_ENTRY.resource] == {}


async def test_a_target_that_does_not_answer_is_asked_again(desk: Desk, ledger: FakeTarget) -> None:
    """An outage must not leave a cost that nobody approved."""
    await deliver(desk, "approved")
    ledger.fail("remove", Unavailable("down", system=System.ERP))
    await deliver(desk, "draft")
    assert ledger.calls["remove"] == 2
    assert ledger.rows[TIME_ENTRY.resource] == {}
