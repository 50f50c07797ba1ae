"""Time and legal entities on a real Tryton 8.2 with the seeded firm."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from support.reading_conformance import ReadingConformance, all_of, fetch_by
from support.tryton import running

from hub.demo.drawing.firm import draw_firm
from hub.demo.drawing.time_entries import draw_time_entries
from hub.demo.parties import Person
from hub.demo.seeding import DEFAULT_SEED
from hub.demo.work import TimeEntry
from hub.tryton.running import RunningTryton
from hub.tryton.staff import TIME_SINCE
from schema.errors import Invalid, Rejected
from sync.connectors.binding import Row
from sync.connectors.codec import decode
from sync.connectors.http import Endpoint
from sync.connectors.tryton import Tryton
from sync.connectors.tryton_erp import ERP
from sync.connectors.tryton_erp_bindings import CLIENT
from sync.connectors.tryton_erp_entities import LEGAL_ENTITY
from sync.connectors.tryton_erp_time import TIME_ENTRY
from sync.connectors.tryton_session import Account

pytestmark = pytest.mark.tryton
PATIENCE = timedelta(seconds=30)


@pytest.fixture(scope="module")
def erp() -> Iterator[RunningTryton]:
    with running("erp", "test_tryton_time") as tryton:
        yield tryton


@pytest.fixture(scope="module")
def entries() -> list[TimeEntry]:
    """What was approved since the lines begin."""
    drawn = draw_time_entries(draw_firm(DEFAULT_SEED))
    return [one for one in drawn if one.approved_at and one.work_date >= TIME_SINCE]


@pytest.fixture
async def connected(erp: RunningTryton) -> AsyncIterator[Tryton]:
    account = Account(
        database=erp.database, user=erp.keys.hub_login, password=erp.keys.hub_password
    )
    endpoint = Endpoint(url=erp.url, key=erp.keys.hub_key, read_timeout=PATIENCE)
    connector = Tryton(replace(ERP, bindings=(LEGAL_ENTITY, TIME_ENTRY)), endpoint, account)
    yield connector
    await connector.close()


class TestReading(ReadingConformance):
    """Keys, filters, pages and windows, as with every other connector."""


async def test_the_lines_are_the_approved_time_of_the_firm(
    connected: Tryton, entries: list[TimeEntry]
) -> None:
    """Each by the PSA's key, on its project, of its person, often for another company."""
    rows = await all_of(connected, TIME_ENTRY)
    assert [row["psa_ref"] for row in rows] == [str(one.number) for one in entries]
    lent = 0
    for row, drawn in zip(rows, entries, strict=True):
        held, worker, project = (
            decode(TIME_ENTRY, row, copies=True),
            drawn.assignment.worker,
            drawn.assignment.project,
        )
        assert held["resource_id"].external_id == worker.employee_number
        assert held["project_id"].external_id == project.project_no
        assert (held["work_date"], held["worked"]) == (drawn.work_date, drawn.worked)
        assert held["note"] == drawn.note
        lent += worker.entity != project.engagement.client.entity
    assert 0 < lent < len(rows)


async def test_a_line_is_written_found_corrected_and_removed(
    connected: Tryton, entries: list[TimeEntry]
) -> None:
    """By its reference alone it is found; removing it twice is as good as once."""
    row = _row(_at_home(entries), psa_ref="900001", line_text="100%_sure")
    made = await connected.create(TIME_ENTRY, row, idempotency_key="k")
    assert {name: made[name] for name in row} == row
    assert await fetch_by(connected, TIME_ENTRY, "psa_ref", "900001", "90000") == [made]
    key = str(made["id"])
    changed = await connected.update(TIME_ENTRY, key, {"seconds": 1800}, version=made["version"])
    assert changed["version"] > made["version"]
    assert {**made, "seconds": 1800} == {
        **changed,
        **{name: made[name] for name in ("version", "updated_at")},
    }
    await connected.remove(TIME_ENTRY, key)
    await connected.remove(TIME_ENTRY, key)
    assert await fetch_by(connected, TIME_ENTRY, "psa_ref", "900001") == []


async def test_an_hour_costs_what_tryton_says_for_its_day(
    connected: Tryton, erp: RunningTryton, entries: list[TimeEntry]
) -> None:
    """From the employee's dated prices, where the person is employed."""
    entry = _at_home(entries)
    made = await connected.create(TIME_ENTRY, _row(entry, psa_ref="900002"), idempotency_key="k")
    with closing(erp.log_in_admin()) as clerk:
        [line] = clerk.read("timesheet.line", [("id", "=", made["id"])], "cost_price")
    assert Decimal(line["cost_price"]["decimal"]) == _cost(entry.assignment.worker, entry)


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"employee_no": "E9999"}, "there is no employee E9999 of .* set it up there"),
        ({"project": "P-0000-000"}, "nothing to book time on for project P-0000-000"),
        ({"worked_on": "1999-01-01"}, "not valid according to its domain"),
    ],
)
async def test_what_cannot_be_booked_is_refused_and_not_booked(
    connected: Tryton, entries: list[TimeEntry], patch: dict[str, Any], words: str
) -> None:
    """A person Tryton does not employ, a project it does not have, a day outside of both."""
    row = _row(_at_home(entries), psa_ref="900003") | patch
    with pytest.raises(Rejected, match=words):
        await connected.create(TIME_ENTRY, row, idempotency_key="k")
    assert await fetch_by(connected, TIME_ENTRY, "psa_ref", "900003") == []


async def test_what_is_no_copy_is_not_removed(connected: Tryton) -> None:
    """Whatever a caller asks: a client in the books stays there."""
    with pytest.raises(Invalid, match="A Client cannot be removed in ERP"):
        await connected.remove(CLIENT, "1")


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("company_company", "id"),
        ("party_party", "party"),
        ("currency_currency", "books_in"),
        ("account_period", "years"),
    ],
)
async def test_a_company_is_found_by_what_its_tables_call_it(
    connected: Tryton, table: str, column: str
) -> None:
    """Each touch names the one company it is about, and a stranger's none."""
    [touch] = [one for one in LEGAL_ENTITY.touches if one.table == f"public.{table}"]
    assert LEGAL_ENTITY.column_of(touch) == column
    for row in await all_of(connected, LEGAL_ENTITY):
        cell = row[column]
        name = str(cell[0] if isinstance(cell, list) else cell)
        found = await fetch_by(connected, LEGAL_ENTITY, column, name)
        assert [one["code"] for one in found] == [row["code"]]
    assert await fetch_by(connected, LEGAL_ENTITY, column, "999999") == []


def _at_home(entries: list[TimeEntry]) -> TimeEntry:
    """Time for a client of the company that employs the person."""
    return next(
        one
        for one in entries
        if one.assignment.worker.entity == one.assignment.project.engagement.client.entity
    )


def _row(entry: TimeEntry, **cells: Any) -> Row:
    return {
        "employee_no": entry.assignment.worker.employee_number,
        "project": entry.assignment.project.project_no,
        "worked_on": entry.work_date.isoformat(),
        "seconds": 5400,
        "line_text": "Audit",
        "status": "APPROVED",
        **cells,
    }


def _cost(person: Person, entry: TimeEntry) -> Decimal:
    known = [one.amount for one in person.cost_rates if one.valid_from <= entry.work_date]
    return known[-1]
