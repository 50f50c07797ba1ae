"""Puts the seeded firm into Tryton, each record where the other systems expect to find it.

A client's CRM id is an untyped identifier `crm:<id>`; the engagement of a project and the project
of an invoice are lines of their comments; an invoice's reference is its id in billing. A line of
time begins with what the PSA calls it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from hub.demo.bills import Invoice
from hub.demo.engagements import Project
from hub.demo.firm import Firm
from hub.demo.parties import Client
from hub.tryton.books import Books
from hub.tryton.companies import number_parties
from hub.tryton.company import create_
from hub.tryton.environment import Say
from hub.tryton.ledger import Ledger
from hub.tryton.numbers import split_number
from hub.tryton.rpc import Session, Values
from hub.tryton.staff import Staff

LAST_CLOSED_PERIOD = date(2026, 8, 31)
FIRST_CUSTOMER = 10001

Parties = Mapping[str, int]
"""Tryton's id of each client, by the firm's customer number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """A firm on its way into freshly opened books."""

    session: Session
    books: Books
    say: Say

    def put(self, firm: Firm) -> None:
        parties = self._put_clients(firm.clients)
        staff = Staff(session=self.session, books=self.books, say=self.say)
        employees = staff.put_people(firm.people)
        self._number_parties(len(firm.clients))
        self._put_projects(firm.projects, parties)
        staff.put_time(firm, employees)
        for code in self.books.companies:
            self._put_invoices(code, firm.invoices, parties)
        self._close_periods()

    def _put_clients(self, clients: Sequence[Client]) -> dict[str, int]:
        self.say(f"{len(clients)} clients")
        made = self.session.create("party.party", *map(self._party, clients))
        return dict(zip((one.customer_no for one in clients), made, strict=True))

    def _party(self, client: Client) -> Values:
        codes = [f"crm:{client.account_id}", *filter(None, [client.vat_id])]
        term = self.books.terms[client.terms_days]
        return {
            "code": client.customer_no,
            "name": client.name,
            "identifiers": create_(*({"type": None, "code": code} for code in codes)),
            "addresses": create_({"street_unstructured": client.address, "invoice": True}),
            "customer_payment_term": term,
        }

    def _number_parties(self, count: int) -> None:
        """From now on Tryton numbers its parties as the firm did."""
        [sequence] = self.session.search("ir.sequence", [("name", "=", "Party")])
        following = {"prefix": "C", "padding": 5, "number_next": FIRST_CUSTOMER + count}
        self.session.write("ir.sequence", [sequence], following)
        number_parties(self.session, sequence)

    def _put_projects(self, projects: Sequence[Project], parties: Parties) -> None:
        """A project's number cannot be written: the sequence is led from number to number."""
        self.say(f"{len(projects)} projects")
        [sequence] = self.session.search("ir.sequence", [("name", "=", "Work Effort")])
        for run in _numbered_runs(sorted(projects, key=lambda one: one.project_no)):
            prefix, number = split_number(run[0].project_no)
            following = {"prefix": prefix, "padding": 3, "number_next": number}
            self.session.write("ir.sequence", [sequence], following)
            self.session.create("project.work", *(self._work(one, parties) for one in run))
        # One number for all months: unique, though it no longer restarts.
        following = {"prefix": "P-${date_y}${date_m}-", "number_next": len(projects) + 1}
        self.session.write("ir.sequence", [sequence], following)

    def _work(self, project: Project, parties: Parties) -> Values:
        client = project.engagement.client
        return {
            "type": "project",
            "name": project.name,
            "party": parties[client.customer_no],
            "company": self.books.companies[client.entity.code].id,
            "status": self.books.statuses[project.status],
            "progress": 1 if project.status == "CLOSED" else None,
            "comment": f"crm:{project.engagement.opportunity_id}",
            "project_invoice_method": "manual",
            "list_price": project.budget_amount,
            "effort_duration": timedelta(hours=project.budget_hours),
            "timesheet_available": True,
            "timesheet_start_date": project.start_on,
            "timesheet_end_date": project.end_on,
        }

    def _put_invoices(self, code: str, invoices: Sequence[Invoice], parties: Parties) -> None:
        company = self.books.companies[code]
        session = self.session.within(company=company.id, companies=[company.id])
        addresses = session.read("party.address", [], "party")
        ledger = Ledger(
            session=session,
            books=self.books,
            company=company,
            parties=parties,
            addresses={row["party"]: row["id"] for row in addresses},
            say=self.say,
        )
        ledger.put([one for one in invoices if one.project.engagement.client.entity.code == code])

    def _close_periods(self) -> None:
        self.say("closing the books of past months")
        periods = self.session.search("account.period", [("end_date", "<=", LAST_CLOSED_PERIOD)])
        self.session.press("account.period", "close", periods)


def _numbered_runs(projects: Sequence[Project]) -> list[list[Project]]:
    """Projects whose numbers follow each other; the sequence is set once per run."""

    def run(place: tuple[int, Project]) -> tuple[str, int]:
        prefix, number = split_number(place[1].project_no)
        return prefix, number - place[0]

    return [[one for _, one in group] for _, group in groupby(enumerate(projects), run)]
