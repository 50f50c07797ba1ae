"""Legal entities in Tryton: a company, its party, and the periods and rounding of its books.

Its tables know a company by a number, its party by the party's, and its periods by their year's;
a currency is that of several. So touches say by which column of the row they name companies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from schema.entities.legal_entity import LegalEntity, PeriodState
from schema.system import System
from sync.connectors.binding import Binding, Column, PartColumn, Place, Row, Touch
from sync.connectors.tryton_shapes import Record, Searches

ENTITIES = "company.company"
ENTITY_FIELDS = (
    *("party.code", "party.name", "party.identifiers.code", "party.addresses.country.code"),
    *("currency.code", "currency.rounding", "timezone", "_timestamp"),
)
ENTITY_PATHS = {
    "id": "id",
    "code": "party.code",
    "name": "party.name",
    "party": "party",
    "books_in": "currency",
}
YEARS = "years"
"""The numbers of a company's years, which no field of the company leads to."""
PERIOD_STATES = {
    "open": PeriodState.OPEN,
    "closed": PeriodState.CLOSED,
    "locked": PeriodState.CLOSED,
}
MOST_PERIODS = 10_000
TAX_ROUNDING = {"line": "line", "document": "category_document"}

OWNS: dict[str, Place] = {
    "code": Column(name="code"),
    "name": Column(name="name"),
    "country": Column(name="country"),
    "functional_currency": Column(name="currency"),
    "time_zone": Column(name="timezone"),
    "tax_registrations": PartColumn(
        name="identifiers",
        parts={
            "country": Column(name="country"),
            "kind": Column(name="type"),
            "number": Column(name="code"),
        },
    ),
    "rounding": PartColumn(
        name="rounding",
        parts={name: Column(name=name) for name in ("net", "tax", "mode", "precision")},
    ),
    "periods": PartColumn(
        name="periods",
        parts={
            "period": Column(name="name"),
            "state": Column(name="state", words=PERIOD_STATES),
        },
    ),
}

LEGAL_ENTITY = Binding(
    entity=LegalEntity,
    system=System.ERP,
    resource=ENTITIES,
    key="code",
    anchor_key="code",
    touches=(
        Touch(table="public.company_company", key="id"),
        Touch(table="public.party_party", key="id", by="party"),
        Touch(table="public.party_identifier", key="party", by="party"),
        Touch(table="public.party_address", key="party", by="party"),
        Touch(table="public.currency_currency", key="id", by="books_in"),
        Touch(table="public.account_fiscalyear", key="id", by=YEARS),
        Touch(table="public.account_period", key="fiscalyear", by=YEARS),
        Touch(table="public.account_configuration_tax_rounding", key="company"),
    ),
    touched_by="id",
    read_only=frozenset(OWNS),
    owns=OWNS,
)


async def with_books(tryton: Searches, records: Sequence[Record]) -> list[Record]:
    """The companies with the periods of their books, and how these are rounded."""
    of_companies = ["company", "in", [record["id"] for record in records]]
    years, periods, roundings = await asyncio.gather(
        tryton.search("account.fiscalyear", [of_companies], ("company",), limit=MOST_PERIODS),
        tryton.search(
            "account.period",
            [of_companies, ["type", "=", "standard"]],
            ("company", "name", "state"),
            limit=MOST_PERIODS,
        ),
        tryton.search(
            "account.configuration.tax_rounding",
            [of_companies],
            ("company", "tax_rounding"),
            limit=len(records),
        ),
    )
    rounding = {one["company"]: one["tax_rounding"] for one in roundings}
    return [
        {
            **record,
            YEARS: [one["id"] for one in years if one["company"] == record["id"]],
            "periods": [one for one in periods if one["company"] == record["id"]],
            "tax_rounding": rounding.get(record["id"]),
        }
        for record in records
    ]


def entity_row(record: Record) -> Row:
    """A company that has been read with its books."""
    party = record["party"]
    countries = [one["country"]["code"] for one in party["addresses"] or () if one["country"]]
    country = next(iter(countries), None)
    periods = sorted(record["periods"], key=lambda one: str(one["name"]))
    return {
        "id": record["id"],
        "party": party["id"],
        "books_in": record["currency"]["id"],
        YEARS: record[YEARS],
        "code": party["code"],
        "name": party["name"],
        "country": country,
        "currency": record["currency"]["code"],
        "timezone": record["timezone"],
        "identifiers": [
            {"country": country, "type": "tax number", "code": one["code"]}
            for one in party["identifiers"] or ()
        ],
        "rounding": {
            "net": "line",
            "tax": TAX_ROUNDING[record["tax_rounding"] or "document"],
            "mode": "half_even",
            "precision": record["currency"]["rounding"],
        },
        "periods": [{"name": one["name"], "state": one["state"]} for one in periods],
    }
