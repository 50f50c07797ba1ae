"""Puts the firm's recent invoices into the ledger of one company: drafted, posted, paid."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from hub.demo.bills import Invoice, Line
from hub.tryton.books import Books
from hub.tryton.company import Company, create_
from hub.tryton.environment import Say
from hub.tryton.numbers import split_number
from hub.tryton.rpc import Session, Values

BATCH = 50
"""Invoices per call: one transaction each, and a line of progress."""

LEDGER_SINCE = date(2026, 8, 1)
"""Older documents stay out: posting one takes Tryton half a second."""

OWED = ("party", "lines_to_pay", "total_amount")

Numbered = tuple[Invoice, int]
"""An invoice and its id in Tryton."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """`session` acts for `company`; `parties` are by customer number, `addresses` by party."""

    session: Session
    books: Books
    company: Company
    parties: Mapping[str, int]
    addresses: Mapping[int, int]
    say: Say

    def put(self, invoices: Sequence[Invoice]) -> None:
        """Post in the order of the legal numbers, so that each invoice gets its own."""
        kept = [one for one in invoices if one.posted_on is None or one.posted_on >= LEDGER_SINCE]
        ordered = sorted(kept, key=lambda one: (not one.document_no, one.document_no or ""))
        _continue_series(self.session, ordered[0])
        done = 0
        for batch in _batches(ordered):
            made = self.session.create("account.invoice", *map(self._draft, batch))
            numbered = list(zip(batch, made, strict=True))
            self._post(numbered)
            self._pay(numbered)
            done += len(batch)
            self.say(f"{done} of {len(ordered)} invoices of {self.company.code}")

    def _draft(self, invoice: Invoice) -> Values:
        client, company = invoice.project.engagement.client, self.company
        party = self.parties[client.customer_no]
        return {
            "type": "out",
            "company": company.id,
            "party": party,
            "invoice_address": self.addresses[party],
            "currency": company.currency,
            "account": company.receivable,
            "journal": self.books.revenue_journal,
            "payment_term": self.books.terms[client.terms_days],
            "invoice_date": invoice.posted_on,
            "reference": invoice.invoice_id,
            "description": invoice.description,
            "comment": f"project:{invoice.project.project_no}",
            "lines": create_(*(self._line(invoice, line) for line in invoice.lines)),
        }

    def _line(self, invoice: Invoice, line: Line) -> Values:
        """What bears another tax than the usual one bears none."""
        company = self.company
        is_taxed = company.tax is not None and line.tax_code == invoice.entity.tax_code
        return {
            "type": "line",
            "company": company.id,
            "currency": company.currency,
            "account": company.revenue,
            "description": line.text,
            "quantity": float(line.quantity),
            "unit": self.books.units[line.unit],
            "unit_price": line.price,
            "taxes": [["add", [company.tax]]] if is_taxed else [],
        }

    def _post(self, invoices: Iterable[Numbered]) -> None:
        posted = [made for one, made in invoices if one.is_in_ledger]
        cancelled = [made for one, made in invoices if one.document_status == "CANCELLED"]
        if posted:
            _expect_past_due_dates(self.session, posted)
            self.session.press("account.invoice", "post", posted)
        if cancelled:
            self.session.press("account.invoice", "cancel", cancelled)

    def _pay(self, invoices: Iterable[Numbered]) -> None:
        """What the payment wizard would book, for many invoices in a few calls."""
        paid = [(one, made) for one, made in invoices if one.paid]
        if not paid:
            return
        ids = [made for _, made in paid]
        owed = {
            row["id"]: row
            for row in self.session.read("account.invoice", [("id", "in", ids)], *OWED)
        }
        lines = self._book([self._payment(one, owed[made]) for one, made in paid])
        self.session.write_each(
            "account.invoice",
            [
                (made, {"payment_lines": [["add", [line]]]})
                for made, line in zip(ids, lines, strict=True)
            ],
        )
        for (one, made), line in zip(paid, lines, strict=True):
            if not one.open:
                _settle(self.session, [*owed[made]["lines_to_pay"], line])

    def _book(self, payments: Sequence[Values]) -> list[int]:
        """Post payments; answers the line of each that stands against the debt."""
        moves = self.session.create("account.move", *payments)
        self.session.press("account.move", "post", moves)
        receivable = [("move", "in", moves), ("account", "=", self.company.receivable)]
        rows = self.session.read("account.move.line", receivable, "move")
        line_of = {row["move"]: row["id"] for row in rows}
        return [line_of[move] for move in moves]

    def _payment(self, invoice: Invoice, owed: Values) -> Values:
        """Tryton rounds taxes half to even, so what settles an invoice may be a cent off ours."""
        company = self.company
        amount = invoice.paid if invoice.open else owed["total_amount"]
        day = invoice.last_payment_on
        if day is None:
            raise ValueError(f"{invoice.invoice_id} was paid, but on no day")
        return {
            "company": company.id,
            "journal": company.cash_journal,
            "period": company.periods[f"{day:%Y-%m}"],
            "date": day,
            "origin": f"account.invoice,{owed['id']}",
            "description": f"Payment of {invoice.document_no}",
            "lines": create_(
                {"account": company.bank, "debit": amount},
                {"account": company.receivable, "party": owed["party"], "credit": amount},
            ),
        }


def _settle(session: Session, lines: Sequence[int]) -> None:
    """Reconcile a debt with its payment: this is what makes an invoice paid."""
    wizard = session.start_wizard(
        "account.move.reconcile_lines", active_model="account.move.line", active_ids=lines
    )
    wizard.proceed("start")


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


def _continue_series(session: Session, first: Invoice) -> None:
    """Let the series go on where the documents left out end."""
    if first.document_no is None:
        return
    prefix, number = split_number(first.document_no)
    series = session.search("ir.sequence.strict", [("prefix", "=", prefix)])
    session.write("ir.sequence.strict", series, {"number_next": number})


def _batches(records: Iterable[Invoice]) -> Iterator[list[Invoice]]:
    source = iter(records)
    while batch := list(islice(source, BATCH)):
        yield batch
