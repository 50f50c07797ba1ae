"""Puts the firm's people into Tryton, and the time of theirs that was approved of late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from hub.demo.drawing.time_entries import draw_time_entries
from hub.demo.firm import Firm
from hub.demo.parties import Person
from hub.demo.work import TimeEntry
from hub.tryton.books import Books
from hub.tryton.company import create_
from hub.tryton.environment import Say
from hub.tryton.rpc import Session, Values

TIME_SINCE = date(2026, 10, 1)
"""Older time stays out, as older invoices do: it would double what there is to read."""

LINES_PER_CALL = 200

Employees = Mapping[tuple[str, str], int]
"""Tryton's ids of the people, by employee number and company."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Time is booked by an employee of the company that it is booked in.

    People work for clients of all companies, so each is an employee of every one, on one party.
    Only where they are employed is it known what an hour of theirs costs.
    """

    session: Session
    books: Books
    say: Say

    def put_people(self, people: Sequence[Person]) -> Employees:
        self.say(f"{len(people)} people")
        parties = self.session.create("party.party", *map(_party, people))
        pairs = [
            (person, party, code)
            for person, party in zip(people, parties, strict=True)
            for code in self.books.companies
        ]
        made = self.session.create("company.employee", *(self._employee(*pair) for pair in pairs))
        return {
            (person.employee_number, code): number
            for (person, _, code), number in zip(pairs, made, strict=True)
        }

    def put_time(self, firm: Firm, employees: Employees) -> None:
        """A line for each approved entry; one that is not approved costs nothing yet."""
        works = self._works()
        entries = [
            one
            for one in draw_time_entries(firm)
            if one.approved_at is not None and one.work_date >= TIME_SINCE
        ]
        self.say(f"{len(entries)} lines of time")
        for batch in _batches(entries):
            lines = (self._line(one, employees, works) for one in batch)
            self.session.create("timesheet.line", *lines)

    def _employee(self, person: Person, party: int, code: str) -> Values:
        costs = person.cost_rates if person.entity.code == code else ()
        prices = ({"date": one.valid_from, "cost_price": one.amount} for one in costs)
        return {
            "party": party,
            "company": self.books.companies[code].id,
            "start_date": person.hired_on,
            "end_date": person.left_on,
            "cost_prices": create_(*prices),
        }

    def _works(self) -> dict[str, int]:
        """What time is booked on, by the numbers of the projects."""
        rows = self.session.read(
            "project.work", [("type", "=", "project")], "number", "timesheet_works"
        )
        return {row["number"]: row["timesheet_works"][0] for row in rows}

    def _line(self, entry: TimeEntry, employees: Employees, works: Mapping[str, int]) -> Values:
        project, number = entry.assignment.project, entry.assignment.worker.employee_number
        code = project.engagement.client.entity.code
        return {
            "company": self.books.companies[code].id,
            "employee": employees[number, code],
            "work": works[project.project_no],
            "date": entry.work_date,
            "duration": timedelta(minutes=entry.worked),
            "description": f"psa:{entry.number} {entry.note}",
        }


def _batches(entries: Sequence[TimeEntry]) -> Iterator[Sequence[TimeEntry]]:
    for start in range(0, len(entries), LINES_PER_CALL):
        yield entries[start : start + LINES_PER_CALL]


def _party(person: Person) -> Values:
    email = {"type": "email", "value": person.email}
    return {
        "code": person.employee_number,
        "name": person.name,
        "identifiers": create_({"type": None, "code": f"hr:{person.employee_number}"}),
        "contact_mechanisms": create_(email),
    }
