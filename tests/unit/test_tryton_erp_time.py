"""Time in Tryton as rows: what a line of the timesheet says, and what is written into one."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from schema.entities.time_entry import TimeEntryStatus
from schema.entity import FilterOp
from schema.errors import Rejected
from schema.system import System
from sync.connectors.binding import Row
from sync.connectors.codec import decode
from sync.connectors.encoding import encode
from sync.connectors.ports import Condition
from sync.connectors.tryton_erp_time import (
    TIME_ENTRY,
    TIME_SHAPE,
    read_time,
    time_values,
    with_projects,
)
from sync.connectors.tryton_lookups import Values
from sync.connectors.tryton_shapes import Domain, Record, domain_of, holds

LINE: Record = {
    "id": 7,
    "description": "psa:4711 Design workshop",
    "date": "2026-11-20",
    "duration": 5400,
    "work": {"origin": "project.work,12"},
    "project": "P-2611-003",
    "company": {"id": 1, "party": {"code": "NL01"}},
    "employee": {"party": {"code": "E1001"}},
    "_timestamp": "1790000000.000042",
}


class Books:
    """A Tryton in which one project of NL01 takes time, and one of its employees books it."""

    system = System.ERP

    async def find(self, model: str, domain: Domain, *fields: str) -> Record:
        if ["origin.number", "=", "P-2611-003", "project.work"] in domain:
            return {"id": 50, "company": {"id": 1, "party": {"code": "NL01"}}}
        if domain == [["party.code", "=", "E1001"], ["company", "=", 1]]:
            return {"id": 60}
        return {}

    async def read_default(self, field: str, company: int) -> int | None:
        raise AssertionError(field)

    async def search(
        self, model: str, domain: Domain, fields: tuple[str, ...], *, limit: int
    ) -> list[Record]:
        assert (model, domain) == ("project.work", [["id", "in", [12]]])
        return [{"id": 12, "number": "P-2611-003"}]


async def values(row: Row, record: Record | None = None) -> Values:
    return await time_values(Books(), row, record or {})


def test_a_line_is_an_approved_entry() -> None:
    """Who, on what, when, how long, and what for; what begins the text is the PSA's key."""
    row = read_time(LINE)
    held = decode(TIME_ENTRY, row, copies=True)
    assert row["psa_ref"] == "4711"
    assert (held["resource_id"].system, held["resource_id"].external_id) == ("hr", "E1001")
    assert held["project_id"].external_id == "P-2611-003"
    assert (held["work_date"], held["worked"]) == (date(2026, 11, 20), 90)
    assert (held["note"], held["status"]) == ("Design workshop", TimeEntryStatus.APPROVED)


@pytest.mark.parametrize(
    ("told", "kept"),
    [("Two\nlines\t of  it", "psa:4711 Two lines of it"), (None, "psa:4711"), ("", "psa:4711")],
)
async def test_a_note_becomes_one_line_behind_the_key(told: str | None, kept: str) -> None:
    """Tryton refuses a text of several lines."""
    assert await values({"line_text": told}, LINE) == {"description": kept}


async def test_a_new_line_is_booked_in_the_company_of_its_project() -> None:
    """All that is required is looked up there."""
    copies = encode(
        TIME_ENTRY,
        {
            "resource_id": "E1001",
            "project_id": "P-2611-003",
            "work_date": date(2026, 11, 20),
            "worked": 90,
            "note": "Audit",
            "status": TimeEntryStatus.APPROVED,
        },
    )
    assert await values(copies | {"psa_ref": "4711"}) == {
        "work": 50,
        "company": 1,
        "employee": 60,
        "description": "psa:4711 Audit",
        "date": {"__class__": "date", "year": 2026, "month": 11, "day": 20},
        "duration": {"__class__": "timedelta", "seconds": 5400},
    }


async def test_a_correction_changes_only_what_it_names() -> None:
    """The key stays where it is."""
    assert await values({"seconds": 3600}, LINE) == {
        "duration": {"__class__": "timedelta", "seconds": 3600}
    }
    assert await values({"employee_no": "E1001"}, LINE) == {
        "work": 50,
        "company": 1,
        "employee": 60,
    }


@pytest.mark.parametrize(
    ("row", "lack"),
    [
        ({"employee_no": "E9"}, "no employee E9 of NL01"),
        ({"project": "P-9"}, "nothing to book time on for project P-9"),
        ({"project": None}, "nothing to book time on for project None"),
    ],
)
async def test_what_tryton_does_not_know_is_named(row: dict[str, Any], lack: str) -> None:
    with pytest.raises(Rejected, match=f"there is {lack} in Tryton; set it up there"):
        await values(row, LINE)


async def test_a_line_knows_its_project_by_number() -> None:
    """Tryton gives the id of what it is booked on; what is no project has no number."""
    other = {**LINE, "work": {"origin": None}}
    told = await with_projects(Books(), [LINE, other])
    assert [one["project"] for one in told] == ["P-2611-003", None]


def test_a_key_is_asked_for_whole() -> None:
    """A longer key that begins alike is another's: it may not even fill the page."""
    condition = Condition(column="psa_ref", op=FilterOp.IN, value=("4_1", "7"))
    clause = domain_of(TIME_SHAPE, [condition])[-1]
    assert clause == [
        "OR",
        ["description", "in", ["psa:4_1", "psa:7"]],
        ["description", "like", "psa:4\\_1 %"],
        ["description", "like", "psa:7 %"],
    ]
    assert not holds(read_time(LINE), [condition])
