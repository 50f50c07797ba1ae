"""How large a firm is drawn: S fits a demo, M and L fill a store."""

from dataclasses import dataclass, replace
from datetime import date

ROLE_SHARES = {
    "Partner": 6,
    "Manager": 10,
    "Senior Consultant": 16,
    "Consultant": 18,
    "Analyst": 10,
}
"""Of every sixty people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`sixties` is the number of people, in sixties; each won engagement has two or three projects.

    Time entries and expenses are about as many as it says: there are none while nobody works.
    The billing ledger goes back to `billed_since`, the first of a month. Some clients are billed
    in another currency than their legal entity keeps its books in, if it `bills_abroad`.
    """

    clients: int
    sixties: int
    won: int
    not_won: int
    upcoming: int
    invoices: int
    time_entries: int
    expenses: int
    billed_since: date = date(2026, 8, 1)
    bills_abroad: bool = True


S = Size(
    clients=40,
    sixties=1,
    won=48,
    not_won=24,
    upcoming=3,
    invoices=600,
    time_entries=6_000,
    expenses=500,
    billed_since=date(2025, 5, 1),
)
M = Size(
    clients=600,
    sixties=20,
    won=1_400,
    not_won=700,
    upcoming=90,
    invoices=6_000,
    time_entries=1_000_000,
    expenses=50_000,
)
L = Size(
    clients=4_000,
    sixties=200,
    won=14_000,
    not_won=7_000,
    upcoming=900,
    invoices=60_000,
    time_entries=10_000_000,
    expenses=500_000,
)
SIZES = {"S": S, "M": M, "L": L}


def in_home_currency(size: Size) -> Size:
    """With every document in the currency of its books: what a Tryton database is filled with."""
    return replace(size, bills_abroad=False)
