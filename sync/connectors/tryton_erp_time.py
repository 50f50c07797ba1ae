"""Time in Tryton: a timesheet line is what an approved entry costs the company of its project.

The description begins with what the PSA calls the entry, for Tryton has no other place for it that
may be written: `psa:4711 Design workshop`. Lines without are people's own, and none of ours. What
an hour costs Tryton takes from the employee, as of the day, whenever it writes the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schema.entities.time_entry import TimeEntry, TimeEntryStatus
from schema.system import System
from sync.connectors.binding import Binding, Column, Row, Touch
from sync.connectors.tryton_lookups import Finds, Values, required
from sync.connectors.tryton_shapes import (
    TIME_MARK,
    Record,
    Searches,
    Shape,
    stamps_of,
    typed_day,
    typed_seconds,
)

TIME_LINES = "timesheet.line"
APPROVED = "APPROVED"
"""Tryton approves no time: whatever is booked there counts."""


def _minutes_of(seconds: Any) -> int:
    return int(seconds) // 60


def _seconds_of(minutes: int | None) -> int | None:
    return None if minutes is None else minutes * 60


TIME_ENTRY = Binding(
    entity=TimeEntry,
    system=System.ERP,
    resource=TIME_LINES,
    key="id",
    anchor_key="psa_ref",
    touches=(Touch(table="public.timesheet_line", key="id"),),
    copies={
        "resource_id": Column(name="employee_no", names=System.HR),
        "project_id": Column(name="project"),
        "work_date": Column(name="worked_on"),
        "worked": Column(name="seconds", read=_minutes_of, write=_seconds_of),
        "note": Column(name="line_text"),
        "status": Column(name="status", words={APPROVED: TimeEntryStatus.APPROVED}),
    },
    only_while={"status": frozenset({TimeEntryStatus.APPROVED})},
)


async def with_projects(tryton: Searches, records: Sequence[Record]) -> list[Record]:
    """The lines with the numbers of their projects; Tryton gives what they are booked on."""
    works = [_work_of(record) for record in records]
    wanted = sorted({number for number in works if number is not None})
    found = await tryton.search(
        "project.work", [["id", "in", wanted]], ("number",), limit=len(wanted) or 1
    )
    numbers = {one["id"]: one["number"] for one in found}
    return [
        {**record, "project": None if work is None else numbers.get(work)}
        for record, work in zip(records, works, strict=True)
    ]


def _work_of(record: Record) -> int | None:
    model, _, number = (record["work"]["origin"] or "").partition(",")
    return int(number) if model == "project.work" else None


def read_time(record: Record) -> Row:
    reference, _, text = record["description"].removeprefix(TIME_MARK).partition(" ")
    return {
        "id": record["id"],
        "psa_ref": reference,
        "line_text": text or None,
        "employee_no": record["employee"]["party"]["code"],
        "project": record["project"],
        "worked_on": record["date"],
        "seconds": record["duration"],
        "status": APPROVED,
        **stamps_of(record),
    }


TIME_SHAPE = Shape(
    fields=(
        *("description", "date", "duration", "work.origin", "_timestamp"),
        *("company.party.code", "employee.party.code"),
    ),
    scope=[["description", "like", f"{TIME_MARK}%"]],
    read=read_time,
    paths={"id": "id"},
    leading={"psa_ref": ("description", TIME_MARK)},
    complete=with_projects,
)


async def time_values(tryton: Finds, row: Row, record: Record) -> Values:
    """A line stays whole: whose it is and in which company follows from where it is booked."""
    before = TIME_SHAPE.read(record) if record else {}
    after = {**before, **row}
    values: Values = {}
    if not row.keys().isdisjoint({"project", "employee_no"}) or not record:
        values |= await _booked_on(tryton, after.get("project"), after.get("employee_no"))
    if not row.keys().isdisjoint({"line_text", "psa_ref"}):
        values["description"] = _described(after["psa_ref"], after.get("line_text"))
    if "worked_on" in row:
        values["date"] = typed_day(row["worked_on"])
    if "seconds" in row:
        values["duration"] = typed_seconds(row["seconds"])
    return values


async def _booked_on(tryton: Finds, project: str | None, employee_no: str | None) -> Values:
    """The work, and the person as an employee of its company, which must know them."""
    on_project = [["origin.number", "=", project, "project.work"]]
    work = await tryton.find("timesheet.work", on_project, "company.party.code")
    number = required(tryton, work, f"nothing to book time on for project {project}")
    company = work["company"]
    of_company = [["party.code", "=", employee_no], ["company", "=", company["id"]]]
    employee = await tryton.find("company.employee", of_company)
    lack = f"no employee {employee_no} of {company['party']['code']}"
    return {
        "work": number,
        "company": company["id"],
        "employee": required(tryton, employee, lack),
    }


def _described(reference: str, text: str | None) -> str:
    """One line, whatever the note: Tryton takes no more."""
    return " ".join([f"{TIME_MARK}{reference}", *(text or "").split()])
