"""Opens the books: legal entities with their charts, years, taxes, series and ways to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from hub.demo.firm import Entity
from hub.tryton.rpc import Session, Values

CURRENCIES = {
    "EUR": ("Euro", "978", "€"),
    "GBP": ("Pound sterling", "826", "£"),
    "USD": ("US dollar", "840", "$"),
}
TERMS_DAYS = (14, 30, 45, 60)
PROJECT_STATUSES = {"PLANNED": "Planned", "OPEN": "Open", "ON_HOLD": "On hold", "CLOSED": "Done"}
"""How the firm's words for a project read in Tryton; Open and Done are Tryton's own."""

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
    currency: int
    receivable: int
    revenue: int
    tax: int | None
    bank: int
    cash_journal: int
    periods: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    companies: Mapping[str, Company]
    terms: Mapping[int, int]
    statuses: Mapping[str, int]
    revenue_journal: int


def open_books(session: Session, entities: Sequence[Entity], years: Sequence[int]) -> Books:
    """Set up every legal entity of a database that has none yet."""
    _number_parties_by_hand(session)
    _print_plainly(session)
    currencies = _create_currencies(session, [entity.currency for entity in entities])
    ids = {
        entity.code: _create_company(session, entity, currencies[entity.currency])
        for entity in entities
    }
    _grant_companies(session, list(ids.values()))
    companies = {
        entity.code: _open_company(
            session.within(company=ids[entity.code], companies=[ids[entity.code]]),
            entity,
            ids[entity.code],
            currencies[entity.currency],
            years,
        )
        for entity in entities
    }
    return Books(
        companies=companies,
        terms=_create_terms(session),
        statuses=_create_statuses(session),
        revenue_journal=session.search("account.journal", [("type", "=", "revenue")])[0],
    )


def create_(*records: Values) -> list[list[Any]]:
    """The value of a list field that creates its lines along with the record."""
    return [["create", list(records)]]


def _number_parties_by_hand(session: Session) -> None:
    settings = session.search("party.configuration", [])
    session.write("party.configuration", settings, {"party_sequence": None})


def _print_plainly(session: Session) -> None:
    """Posting prints the invoice: as an office document that takes longer than all the rest."""
    reports = session.search("ir.action.report", [("report_name", "=", "account.invoice")])
    plain = {"template_extension": "txt", "extension": "", "report_content": b"Invoice\n"}
    session.write("ir.action.report", reports, plain)


def _create_currencies(session: Session, codes: Sequence[str]) -> dict[str, int]:
    records = [
        {"code": code, "name": name, "numeric_code": number, "symbol": symbol}
        for code, (name, number, symbol) in CURRENCIES.items()
        if code in codes
    ]
    made = session.create("currency.currency", *records)
    return dict(zip((record["code"] for record in records), made, strict=True))


def _create_company(session: Session, entity: Entity, currency: int) -> int:
    address = {"street_unstructured": entity.city}
    [party] = session.create(
        "party.party",
        {"name": f"Concord {entity.code}", "code": entity.code, "addresses": create_(address)},
    )
    [company] = session.create(
        "company.company",
        {
            "party": party,
            "currency": currency,
            "timezone": entity.places[0][1],
            "cancel_invoice_out": True,
        },
    )
    return company


def _grant_companies(session: Session, companies: Sequence[int]) -> None:
    """Let the administrator see all legal entities at once."""
    admins = session.search("res.user", [("login", "=", "admin")])
    session.write("res.user", admins, access_to(companies))


def access_to(companies: Sequence[int]) -> Values:
    return {
        "companies": [["add", list(companies)]],
        "company": companies[0],
        "company_filter": "all",
    }


def _open_company(
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
        currency=currency,
        receivable=accounts["account_receivable"],
        revenue=accounts["category_account_revenue"],
        tax=_create_tax(session, entity, company),
        bank=bank,
        cash_journal=cash,
        periods=_periods(session, company),
    )


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
            "name": f"VAT {percent}",
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


def _create_terms(session: Session) -> dict[int, int]:
    records = [
        {
            "name": f"{days} days",
            "lines": create_({"type": "remainder", "relativedeltas": create_({"days": days})}),
        }
        for days in TERMS_DAYS
    ]
    made = session.create("account.invoice.payment_term", *records)
    return dict(zip(TERMS_DAYS, made, strict=True))


def _create_statuses(session: Session) -> dict[str, int]:
    known = {row["name"]: row["id"] for row in session.read("project.work.status", [], "name")}
    missing = [name for name in PROJECT_STATUSES.values() if name not in known]
    records = [{"name": name, "types": ["project"]} for name in missing]
    made = session.create("project.work.status", *records)
    known |= dict(zip(missing, made, strict=True))
    return {word: known[name] for word, name in PROJECT_STATUSES.items()}
