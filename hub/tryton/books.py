"""Opens the books: legal entities with their charts, years, taxes, series and ways to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.demo.company import Entity
from hub.tryton.company import Company, create_, open_company
from hub.tryton.rpc import Session, Values

CURRENCIES = {
    "EUR": ("Euro", "978", "€"),
    "GBP": ("Pound sterling", "826", "£"),
    "USD": ("US dollar", "840", "$"),
}
TERMS_DAYS = (14, 30, 45, 60)
PROJECT_STATUSES = {
    "PLANNED": "Planned",
    "IN_SETUP": "In setup",
    "SETUP_FAILED": "Setup failed",
    "OPEN": "Open",
    "ON_HOLD": "On hold",
    "WINDING_UP": "Winding up",
    "CLOSED": "Done",
}
"""How the firm's words for a project read in Tryton; Open and Done are Tryton's own."""
UNITS = {"hour": "h", "day": "d", "item": "u"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    companies: Mapping[str, Company]
    terms: Mapping[int, int]
    statuses: Mapping[str, int]
    units: Mapping[str, int]
    revenue_journal: int


def open_books(session: Session, entities: Sequence[Entity], years: Sequence[int]) -> Books:
    """Set up every legal entity of a database that has none yet."""
    _number_parties_by_hand(session)
    _print_plainly(session)
    currencies = _create_currencies(session, [entity.currency for entity in entities])
    countries = _create_countries(session, [entity.country for entity in entities])
    ids = {
        entity.code: _create_company(
            session, entity, currencies[entity.currency], countries[entity.country]
        )
        for entity in entities
    }
    _grant_companies(session, list(ids.values()))
    companies = {
        entity.code: open_company(
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
        units={
            word: session.search("product.uom", [("symbol", "=", symbol)])[0]
            for word, symbol in UNITS.items()
        },
        revenue_journal=session.search("account.journal", [("type", "=", "revenue")])[0],
    )


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


def _create_countries(session: Session, codes: Sequence[str]) -> dict[str, int]:
    made = session.create("country.country", *({"name": code, "code": code} for code in codes))
    return dict(zip(codes, made, strict=True))


def _create_company(session: Session, entity: Entity, currency: int, country: int) -> int:
    address = {"street_unstructured": entity.city, "country": country}
    number = {"type": None, "code": entity.tax_number}
    [party] = session.create(
        "party.party",
        {
            "name": entity.name,
            "code": entity.code,
            "addresses": create_(address),
            "identifiers": create_(number),
        },
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
