"""Puts the seeded firm into Tryton, each record where the other systems expect to find it.

A client's CRM id is an untyped identifier `crm:<id>`; the engagement of a project and the project
of an invoice are lines of their comments; an invoice's reference is its id in billing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, islice
from typing import Any, TypeVar

from hub.demo.firm import Client, Entity, Firm, Invoice, Person, Project
from hub.tryton.books import Books, Company, create_
from hub.tryton.environment import Say
from hub.tryton.rpc import Session, Values

T = TypeVar("T")

BATCH = 50
"""Records per call: one transaction each, and a line of progress."""

LAST_CLOSED_PERIOD = date(2026, 8, 31)
FIRST_CUSTOMER = 10001
OWED = ("party", "lines_to_pay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """A firm on its way into freshly opened books."""

    session: Session
    books: Books
    say: Say

    def put(self, firm: Firm) -> None:
        parties = self._put_clients(firm.clients)
        self._put_people(firm.people)
        self._number_parties(len(firm.clients))
        self._put_projects(firm.projects, parties)
        for code, company in self.books.companies.items():
            own = [one for one in firm.invoices if _entity(one).code == code]
            self._put_invoices(company, own, parties)
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

    def _put_people(self, people: Sequence[Person]) -> None:
        self.say(f"{len(people)} people")
        parties = self.session.create("party.party", *map(_person, people))
        self.session.create(
            "company.employee",
            *(
                {
                    "party": party,
                    "company": self.books.companies[one.entity.code].id,
                    "start_date": one.hired_on,
                    "end_date": one.left_on,
                }
                for one, party in zip(people, parties, strict=True)
            ),
        )

    def _number_parties(self, count: int) -> None:
        """From now on Tryton numbers its parties as the firm did."""
        [sequence] = self.session.search("ir.sequence", [("name", "=", "Party")])
        following = {"prefix": "C", "padding": 5, "number_next": FIRST_CUSTOMER + count}
        self.session.write("ir.sequence", [sequence], following)
        settings = self.session.search("party.configuration", [])
        self.session.write("party.configuration", settings, {"party_sequence": sequence})

    def _put_projects(self, projects: Sequence[Project], parties: Mapping[str, int]) -> None:
        """A project's number cannot be written: the sequence is led from number to number."""
        self.say(f"{len(projects)} projects")
        [sequence] = self.session.search("ir.sequence", [("name", "=", "Work Effort")])
        for run in _numbered_runs(sorted(projects, key=lambda one: one.project_no)):
            prefix, number = _split(run[0].project_no)
            following = {"prefix": prefix, "padding": 3, "number_next": number}
            self.session.write("ir.sequence", [sequence], following)
            self.session.create("project.work", *(self._work(one, parties) for one in run))
        # One number for all months: unique, though it no longer restarts.
        following = {"prefix": "P-${date_y}${date_m}-", "number_next": len(projects) + 1}
        self.session.write("ir.sequence", [sequence], following)

    def _work(self, project: Project, parties: Mapping[str, int]) -> Values:
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

    def _put_invoices(
        self, company: Company, invoices: Sequence[Invoice], parties: Mapping[str, int]
    ) -> None:
        """Posted in the order of their legal numbers, so that each gets its own."""
        session = self.session.within(company=company.id, companies=[company.id])
        ordered = sorted(invoices, key=lambda one: (not one.document_no, one.document_no or ""))
        addresses = _addresses(session)
        done = 0
        for batch in _batches(ordered):
            values = [self._invoice(company, one, parties, addresses) for one in batch]
            made = session.create("account.invoice", *values)
            numbered = list(zip(batch, made, strict=True))
            self._post(session, numbered)
            self._pay(session, company, numbered)
            done += len(batch)
            self.say(f"{done} of {len(ordered)} invoices of {_entity(batch[0]).code}")

    def _invoice(
        self,
        company: Company,
        invoice: Invoice,
        parties: Mapping[str, int],
        addresses: Mapping[int, int],
    ) -> Values:
        client = invoice.project.engagement.client
        party = parties[client.customer_no]
        line = {
            "type": "line",
            "company": company.id,
            "currency": company.currency,
            "account": company.revenue,
            "description": invoice.description,
            "quantity": 1,
            "unit_price": invoice.amount_net,
            "taxes": [["add", [company.tax]]] if company.tax else [],
        }
        return {
            "type": "out",
            "company": company.id,
            "party": party,
            "invoice_address": addresses[party],
            "currency": company.currency,
            "account": company.receivable,
            "journal": self.books.revenue_journal,
            "payment_term": self.books.terms[client.terms_days],
            "invoice_date": invoice.posted_on,
            "reference": invoice.invoice_id,
            "description": invoice.description,
            "comment": f"project:{invoice.project.project_no}",
            "lines": create_(line),
        }

    def _post(self, session: Session, invoices: Iterable[tuple[Invoice, int]]) -> None:
        posted = [made for one, made in invoices if one.is_in_ledger]
        cancelled = [made for one, made in invoices if one.document_status == "CANCELLED"]
        if posted:
            _expect_past_due_dates(session, posted)
            session.press("account.invoice", "post", posted)
        if cancelled:
            session.press("account.invoice", "cancel", cancelled)

    def _pay(
        self, session: Session, company: Company, invoices: Iterable[tuple[Invoice, int]]
    ) -> None:
        """What the payment wizard would book, for many invoices in a few calls."""
        paid = [(one, made) for one, made in invoices if one.paid]
        if not paid:
            return
        owed = {row["id"]: row for row in _read(session, "account.invoice", _ids(paid), OWED)}
        moves = session.create(
            "account.move",
            *(self._payment(company, one, owed[made]["party"], made) for one, made in paid),
        )
        session.press("account.move", "post", moves)
        receivable = [("move", "in", moves), ("account", "=", company.receivable)]
        credits = {
            row["move"]: row["id"] for row in session.read("account.move.line", receivable, "move")
        }
        lines = [(made, credits[move]) for (_, made), move in zip(paid, moves, strict=True)]
        session.write_each(
            "account.invoice",
            [(made, {"payment_lines": [["add", [line]]]}) for made, line in lines],
        )
        self._reconcile(
            session,
            company,
            [
                (one, [*owed[made]["lines_to_pay"], line])
                for (one, made), (_, line) in zip(paid, lines, strict=True)
                if not one.open
            ],
        )

    def _payment(self, company: Company, invoice: Invoice, party: int, made: int) -> Values:
        day = invoice.last_payment_on
        assert day is not None, "whoever paid did so on a day"
        return {
            "company": company.id,
            "journal": company.cash_journal,
            "period": company.periods[f"{day:%Y-%m}"],
            "date": day,
            "origin": f"account.invoice,{made}",
            "description": f"Payment of {invoice.document_no}",
            "lines": create_(
                {"account": company.bank, "debit": invoice.paid},
                {"account": company.receivable, "party": party, "credit": invoice.paid},
            ),
        }

    def _reconcile(
        self, session: Session, company: Company, settled: Iterable[tuple[Invoice, list[int]]]
    ) -> None:
        reconciliations = [
            {"company": company.id, "date": one.last_payment_on, "lines": [["add", lines]]}
            for one, lines in settled
        ]
        if reconciliations:
            session.create("account.move.reconciliation", *reconciliations)

    def _close_periods(self) -> None:
        self.say("closing the books of past months")
        periods = self.session.search("account.period", [("end_date", "<=", LAST_CLOSED_PERIOD)])
        self.session.press("account.period", "close", periods)


def _expect_past_due_dates(session: Session, invoices: Iterable[int]) -> None:
    """Confirm beforehand what Tryton would ask about each invoice that is due in the past."""
    users = session.search("res.user", [("login", "=", "admin")])
    keys = (
        hashlib.md5(f"account.invoice,{one}".encode(), usedforsecurity=False) for one in invoices
    )
    session.create(
        "res.user.warning",
        *({"user": users[0], "name": f"{key.hexdigest()}.invoice_payment_term"} for key in keys),
    )


def _person(person: Person) -> Values:
    email = {"type": "email", "value": person.email}
    return {
        "code": person.employee_number,
        "name": person.name,
        "identifiers": create_({"type": None, "code": f"hr:{person.employee_number}"}),
        "contact_mechanisms": create_(email),
    }


def _ids(invoices: Iterable[tuple[Invoice, int]]) -> list[int]:
    return [made for _, made in invoices]


def _read(
    session: Session, model: str, ids: Sequence[int], fields: Sequence[str]
) -> list[dict[str, Any]]:
    return session.read(model, [("id", "in", ids)], *fields)


def _entity(invoice: Invoice) -> Entity:
    return invoice.project.engagement.client.entity


def _addresses(session: Session) -> dict[int, int]:
    return {row["party"]: row["id"] for row in session.read("party.address", [], "party")}


def _split(number: str) -> tuple[str, int]:
    prefix, _, digits = number.rpartition("-")
    return f"{prefix}-", int(digits)


def _numbered_runs(projects: Sequence[Project]) -> list[list[Project]]:
    """Projects whose numbers follow each other; the sequence is set once per run."""

    def run(place: tuple[int, Project]) -> tuple[str, int]:
        prefix, number = _split(place[1].project_no)
        return prefix, number - place[0]

    return [[one for _, one in group] for _, group in groupby(enumerate(projects), run)]


def _batches(records: Iterable[T]) -> Iterator[list[T]]:
    source = iter(records)
    while batch := list(islice(source, BATCH)):
        yield batch
