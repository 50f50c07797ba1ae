"""The prices the firm works at: books of them, their versions and lines."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from hub.demo.parties import Client, Person


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Prices in one currency; the firm's own when there is no `client`."""

    number: int
    name: str
    currency: str
    client: Client | None

    @property
    def book_id(self) -> str:
        return f"PB-{self.number:05d}"

    @property
    def billing_id(self) -> str:
        return f"pl_{self.number:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceVersion:
    number: int
    book: PriceBook
    version_no: int
    effective_on: date
    published_at: datetime | None

    @property
    def version_id(self) -> str:
        return f"PBV-{self.number:05d}"

    @property
    def billing_id(self) -> str:
        return f"plv_{self.number:06d}"

    @property
    def status(self) -> str:
        return "WORKING" if self.published_at is None else "PUBLISHED"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """The price of a role, narrowed by a grade or to one person."""

    number: int
    version: PriceVersion
    role: str
    grade: str | None
    worker: Person | None
    unit_price: Decimal
    step_minutes: int
    overtime: Decimal
    ceiling: Decimal | None

    @property
    def line_id(self) -> str:
        return f"PBL-{self.number:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Versions and lines in the order of their numbers."""

    books: list[PriceBook]
    versions: list[PriceVersion]
    lines: list[PriceLine]

    def published(self, book: PriceBook, day: date) -> PriceVersion | None:
        """The version of the book that prices a day."""
        known = [
            one
            for one in self.versions
            if one.book is book and one.published_at is not None and one.effective_on <= day
        ]
        return max(known, key=lambda one: one.effective_on, default=None)
