"""Founds the firm's legal entities in a new database, with what their parties need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.demo.company import Entity
from hub.tryton.company import create_
from hub.tryton.rpc import Session, Values

CURRENCIES = {
    "EUR": ("Euro", "978", "€"),
    "GBP": ("Pound sterling", "826", "£"),
    "USD": ("US dollar", "840", "$"),
}
TERMS_DAYS = (14, 30, 45, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Founded:
    """Tryton's ids of a legal entity and of the currency of its books."""

    id: int
    currency: int


def found_companies(session: Session, entities: Sequence[Entity]) -> Mapping[Entity, Founded]:
    """Parties are numbered by hand from here on; the administrator sees every company."""
    number_parties(session, None)
    currencies = _create_currencies(session, [entity.currency for entity in entities])
    countries = _create_countries(session, [entity.country for entity in entities])
    founded = {
        entity: Founded(
            id=_create_company(
                session, entity, currencies[entity.currency], countries[entity.country]
            ),
            currency=currencies[entity.currency],
        )
        for entity in entities
    }
    admins = session.search("res.user", [("login", "=", "admin")])
    session.write("res.user", admins, access_to([one.id for one in founded.values()]))
    return founded


def number_parties(session: Session, sequence: int | None) -> None:
    """Have Tryton number new parties by a sequence; by hand without one."""
    settings = session.search("party.configuration", [])
    session.write("party.configuration", settings, {"party_sequence": sequence})


def access_to(companies: Sequence[int]) -> Values:
    """The values of a user who sees these companies, all at once."""
    return {
        "companies": [["add", list(companies)]],
        "company": companies[0],
        "company_filter": "all",
    }


def create_terms(session: Session) -> dict[int, int]:
    """Tryton's payment terms by their net days."""
    records = [
        {
            "name": f"{days} days",
            "lines": create_({"type": "remainder", "relativedeltas": create_({"days": days})}),
        }
        for days in TERMS_DAYS
    ]
    made = session.create("account.invoice.payment_term", *records)
    return dict(zip(TERMS_DAYS, made, strict=True))


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
