"""Opens the books of one legal entity: its chart, years, series, tax and way to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.demo.company import Entity
from hub.tryton.rpc import Session, Values

ACCOUNTS = {
    "account_receivable": "1.2.1",
    "account_payable": "2.1.1",
    "category_account_revenue": "4.1.2",
    "category_account_expense": "5.1.3",
}
BANK_ACCOUNT = "1.1.1"
TAX_ACCOUNT = "6.3.10"
"""Accounts of the universal chart by their codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """One legal entity in Tryton: the ids its documents refer to."""

    id: int
    code: str
    currency: int
    receivable: int
    revenue: int
    tax: int | None
    bank: int
    cash_journal: int
    periods: Mapping[str, int]


def open_company(
    session: Session, entity: Entity, company: int, currency: int, years: Sequence[int]
) -> Company:
    accounts = _create_chart(session, company)
    for year in years:
        _open_year(session, entity, company, year)
    bank = _account(session, company, BANK_ACCOUNT)
    [cash] = session.search("account.journal", [("type", "=", "cash")])
    _create_payment_method(session, company, cash, bank)
    return Company(
        id=company,
        code=entity.code,
        currency=currency,
        receivable=accounts["account_receivable"],
        revenue=accounts["category_account_revenue"],
        tax=_create_tax(session, entity, company),
        bank=bank,
        cash_journal=cash,
        periods=_periods(session, company),
    )


def create_(*records: Values) -> list[list[Any]]:
    """The value of a list field that creates its lines along with the record."""
    return [["create", list(records)]]


def _create_chart(session: Session, company: int) -> dict[str, int]:
    template = session.named("account", "account_template_root_en")
    chart = {"company": company, "account_template": template}
    wizard = session.start_wizard("account.create_chart")
    wizard.press("account", chart, "create_account")
    accounts = {name: _account(session, company, code) for name, code in ACCOUNTS.items()}
    wizard.press("properties", {"company": company, **accounts}, "create_properties")
    wizard.end()
    return accounts


def _open_year(session: Session, entity: Entity, company: int, year: int) -> None:
    """Invoices are numbered `NL01-2026-00042`, without gaps, in one series per year."""
    series = f"{entity.code}-{year}"
    moves = _series(session, company, f"{series} moves", "Account Move", f"{series}-M")
    invoices = _series(session, company, f"{series} invoices", "Invoice", f"{series}-")
    kinds = ("out_invoice", "in_invoice", "out_credit_note", "in_credit_note")
    sequences = {f"{kind}_sequence": invoices for kind in kinds}
    [made] = session.create(
        "account.fiscalyear",
        {
            "name": series,
            "company": company,
            "start_date": date(year, 1, 1),
            "end_date": date(year, 12, 31),
            "move_sequence": moves,
            "invoice_sequences": create_({"company": company, **sequences}),
        },
    )
    session.press("account.fiscalyear", "create_period", [made])


def _series(session: Session, company: int, name: str, kind: str, prefix: str) -> int:
    [kind_id] = session.search("ir.sequence.type", [("name", "=", kind)])
    [made] = session.create(
        "ir.sequence.strict",
        {
            "name": name,
            "sequence_type": kind_id,
            "company": company,
            "prefix": prefix,
            "padding": 5,
        },
    )
    return made


def _create_tax(session: Session, entity: Entity, company: int) -> int | None:
    if not entity.tax_rate:
        return None
    percent = f"{entity.tax_rate:.0%}"
    account = _account(session, company, TAX_ACCOUNT)
    [made] = session.create(
        "account.tax",
        {
            "name": entity.tax_code,
            "description": f"VAT {percent}",
            "company": company,
            "type": "percentage",
            "rate": entity.tax_rate,
            "invoice_account": account,
            "credit_note_account": account,
        },
    )
    return made


def _account(session: Session, company: int, code: str) -> int:
    [found] = session.search("account.account", [("company", "=", company), ("code", "=", code)])
    return found


def _periods(session: Session, company: int) -> dict[str, int]:
    """The periods by month, such as `2026-11`."""
    rows = session.read("account.period", [("company", "=", company)], "name")
    return {row["name"]: row["id"] for row in rows}


def _create_payment_method(session: Session, company: int, journal: int, bank: int) -> None:
    session.create(
        "account.invoice.payment.method",
        {
            "name": "Bank transfer",
            "company": company,
            "journal": journal,
            "credit_account": bank,
            "debit_account": bank,
        },
    )
