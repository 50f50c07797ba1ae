"""Draws the price books: the firm's own in each currency, and a few agreed with clients."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product

from hub.demo import names
from hub.demo.company import ENTITIES
from hub.demo.parties import Client, Person
from hub.demo.prices import PriceBook, PriceLine, Prices, PriceVersion

HOURLY = {"Analyst": 110, "Consultant": 145, "Senior Consultant": 180, "Manager": 225}
PARTNER = 310
CURRENCY_FACTOR = {"EUR": Decimal("1.00"), "GBP": Decimal("0.86"), "USD": Decimal("1.12")}
GRADE_FACTOR = dict(zip(names.GRADES, map(Decimal, ("0.95", "1.00", "1.08")), strict=True))
YEAR_FACTOR = {2025: Decimal("1.00"), 2026: Decimal("1.04"), 2027: Decimal("1.07")}
CLIENT_FACTOR = Decimal("0.93")
DRAFTED_YEAR = 2027
QUARTER = Decimal("0.25")

Priced = tuple[str, str | None, Person | None]
"""A role, the grade it is narrowed to, and the person it is priced apart for."""


def draw_prices(clients: Sequence[Client], people: Sequence[Person]) -> Prices:
    books = draw_books(clients)
    versions = draw_versions(books)
    lines = [
        draw_line(number, version, priced)
        for number, (version, priced) in enumerate(all_priced(versions, people), start=1)
    ]
    return Prices(books=books, versions=versions, lines=lines)


def draw_books(clients: Sequence[Client]) -> list[PriceBook]:
    currencies = [entity.currency for entity in ENTITIES]
    own = [(f"Standard prices {currency}", currency, None) for currency in currencies]
    agreed = [(f"{one.name}: agreed prices", one.currency, one) for one in clients[3:27:6]]
    return [
        PriceBook(number=number, name=name, currency=currency, client=client)
        for number, (name, currency, client) in enumerate([*own, *agreed], start=1)
    ]


def draw_versions(books: Sequence[PriceBook]) -> list[PriceVersion]:
    """The firm's books have two published versions and next year's draft; agreed ones have one."""
    planned = [(book, year) for book in books for year in YEAR_FACTOR if has_year(book, year)]
    counted: dict[int, int] = {}
    versions = []
    for number, (book, year) in enumerate(planned, start=1):
        counted[book.number] = counted.get(book.number, 0) + 1
        effective_on = date(year, 1, 1)
        published_on = datetime(year, 1, 1, 9, tzinfo=UTC) - timedelta(days=40)
        versions.append(
            PriceVersion(
                number=number,
                book=book,
                version_no=counted[book.number],
                effective_on=effective_on,
                published_at=None if year == DRAFTED_YEAR else published_on,
            )
        )
    return versions


def has_year(book: PriceBook, year: int) -> bool:
    return book.client is None or year == DRAFTED_YEAR - 1


def all_priced(
    versions: Sequence[PriceVersion], people: Sequence[Person]
) -> Iterator[tuple[PriceVersion, Priced]]:
    """Own books price each role and grade; agreed ones the roles, and one person apart."""
    roles = [*HOURLY, "Partner"]
    for version in versions:
        if version.book.client is None:
            for role, grade in product(roles, (None, *names.GRADES)):
                yield version, (role, grade, None)
        else:
            for role in roles:
                yield version, (role, None, None)
            apart = people[10 + version.number]
            yield version, (apart.role, None, apart)


def draw_line(number: int, version: PriceVersion, priced: Priced) -> PriceLine:
    role, grade, worker = priced
    factor = CURRENCY_FACTOR[version.book.currency] * YEAR_FACTOR[version.effective_on.year]
    factor *= GRADE_FACTOR[grade] if grade else 1
    factor *= CLIENT_FACTOR if version.book.client else 1
    price = HOURLY.get(role, PARTNER) * factor + (25 if worker else 0)
    return PriceLine(
        number=number,
        version=version,
        role=role,
        grade=grade,
        worker=worker,
        unit_price=(price / QUARTER).quantize(Decimal(1)) * QUARTER,
        step_minutes=15 if version.book.client is None else 6,
        overtime=Decimal("1.25") if role in ("Analyst", "Consultant") else Decimal("1.00"),
        ceiling=Decimal(60000) if worker else None,
    )
