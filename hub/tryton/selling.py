"""Puts what the seeded firm sells into Tryton: to whom, by whom, and how far each sale is.

Clients, opportunities and contracts get the firm's own numbers from Tryton's sequences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.demo.company import Entity
from hub.demo.engagements import Engagement
from hub.demo.firm import Firm
from hub.demo.parties import Client, Person
from hub.tryton.amendments import Amendments
from hub.tryton.companies import Founded, create_terms, found_companies, number_parties
from hub.tryton.company import create_
from hub.tryton.environment import Say
from hub.tryton.rpc import Session, Values
from hub.tryton.sales import Sales

CLIENT = "Client"
SEGMENTS = {"ENTERPRISE": "Enterprise", "MIDMARKET": "Midmarket", "SMB": "Small"}
"""How the firm's words for a segment read in Tryton: categories below that of all clients."""
PRICING = {
    "TM": "Time and materials",
    "FIXED": "Fixed price",
    "MILESTONES": "Milestones",
    "RETAINER": "Retainer",
    "MIXED": "Mixed",
}
"""How a contract is priced is the service it sells."""
SERIES = {
    "ACC-": ("party", "sequence_party"),
    "OPP-": ("sale_opportunity", "sequence_sale_opportunity"),
    "SOW-": ("sale", "sequence_sale"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """Tryton's ids: companies by code, terms by days, categories and services by the firm's words.

    `unit` is what a service is counted in.
    """

    companies: Mapping[str, Founded]
    terms: Mapping[int, int]
    categories: Mapping[str, int]
    services: Mapping[str, int]
    unit: int


def open_shop(session: Session, entities: Sequence[Entity]) -> Shop:
    """Set up the selling side of a database that has none yet."""
    founded = found_companies(session, entities)
    for prefix, name in SERIES.items():
        session.write("ir.sequence", [session.named(*name)], {"prefix": prefix, "padding": 5})
    [unit] = session.search("product.uom", [("symbol", "=", "u")])
    return Shop(
        companies={entity.code: one for entity, one in founded.items()},
        terms=create_terms(session),
        categories=_create_categories(session),
        services=_create_services(session, unit),
        unit=unit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Selling:
    """A firm on its way into a freshly opened shop."""

    session: Session
    shop: Shop
    say: Say

    def put(self, firm: Firm) -> None:
        parties = self._put_clients(firm.clients)
        sellers = self._put_sellers(firm)
        opportunities = self._put_opportunities(firm.engagements, parties, sellers)
        agreed = firm.agreements
        sales = Sales(
            session=self.session,
            companies=self.shop.companies,
            terms=self.shop.terms,
            services=self.shop.services,
            unit=self.shop.unit,
            say=self.say,
        ).put(agreed.sows, agreed.changes, parties, opportunities)
        Amendments(session=self.session, sales=sales, say=self.say).put(agreed.changes)
        self._lose(firm, opportunities)

    def _put_clients(self, clients: Sequence[Client]) -> dict[str, int]:
        self.say(f"{len(clients)} clients")
        made = self.session.create("party.party", *map(self._client, clients))
        sequence = self.session.named("party", "sequence_party")
        self.session.write("ir.sequence", [sequence], {"number_next": len(clients) + 1})
        number_parties(self.session, sequence)
        return dict(zip((one.account_id for one in clients), made, strict=True))

    def _client(self, client: Client) -> Values:
        codes = [client.vat_id] if client.vat_id else []
        return {
            "code": client.account_id,
            "name": client.name,
            "categories": [["add", [self.shop.categories[client.segment]]]],
            "identifiers": create_(*({"type": None, "code": code} for code in codes)),
            "addresses": create_({"street_unstructured": client.address, "invoice": True}),
            "customer_payment_term": self.shop.terms[client.terms_days],
        }

    def _put_sellers(self, firm: Firm) -> dict[tuple[str, str], int]:
        """An account manager is an employee of every company that they sell for."""
        pairs = sorted({_seller(one) for one in firm.engagements})
        people = {one.email: one for one in firm.people}
        emails = sorted({email for _, email in pairs})
        made = self.session.create("party.party", *(_person(people[email]) for email in emails))
        parties = dict(zip(emails, made, strict=True))
        employees = self.session.create(
            "company.employee",
            *(
                {"party": parties[email], "company": self.shop.companies[code].id}
                for code, email in pairs
            ),
        )
        return dict(zip(pairs, employees, strict=True))

    def _put_opportunities(
        self,
        engagements: Sequence[Engagement],
        parties: Mapping[str, int],
        sellers: Mapping[tuple[str, str], int],
    ) -> dict[str, int]:
        """All are leads; those with contracts move along with them."""
        self.say(f"{len(engagements)} opportunities")
        records = []
        for one in engagements:
            company = self.shop.companies[one.client.entity.code]
            records.append(
                {
                    "party": parties[one.client.account_id],
                    "company": company.id,
                    "currency": company.currency,
                    "employee": sellers[_seller(one)],
                    "description": one.title,
                    "amount": one.amount,
                    "conversion_probability": one.win_chance / 100,
                    "start_date": one.starts_on,
                }
            )
        made = self.session.create("sale.opportunity", *records)
        return dict(zip((one.opportunity_id for one in engagements), made, strict=True))

    def _lose(self, firm: Firm, opportunities: Mapping[str, int]) -> None:
        """Those that were lost before there was a contract to turn down."""
        offered = {one.engagement.opportunity_id for one in firm.agreements.sows}
        lost = [
            opportunities[one.opportunity_id]
            for one in firm.engagements
            if one.stage == "CLOSED_LOST" and one.opportunity_id not in offered
        ]
        self.session.press("sale.opportunity", "lost", lost)


def _seller(engagement: Engagement) -> tuple[str, str]:
    return engagement.client.entity.code, engagement.client.owner_email


def _person(person: Person) -> Values:
    email = {"type": "email", "value": person.email}
    return {
        "code": person.employee_number,
        "name": person.name,
        "contact_mechanisms": create_(email),
    }


def _create_categories(session: Session) -> dict[str, int]:
    [client] = session.create("party.category", {"name": CLIENT})
    records = [{"name": name, "parent": client} for name in SEGMENTS.values()]
    return dict(zip(SEGMENTS, session.create("party.category", *records), strict=True))


def _create_services(session: Session, unit: int) -> dict[str, int]:
    records = [
        {
            "name": name,
            "type": "service",
            "default_uom": unit,
            "salable": True,
            "sale_uom": unit,
            "products": create_({"suffix_code": code}),
        }
        for code, name in PRICING.items()
    ]
    session.create("product.template", *records)
    return {row["code"]: row["id"] for row in session.read("product.product", [], "code")}
