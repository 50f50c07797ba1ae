"""Draws the expenses one by one, spread over the working days."""

from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from random import Random

from hub.demo.bills import CENT
from hub.demo.drawing.dice import TODAY
from hub.demo.drawing.exchange import ExchangeTable
from hub.demo.drawing.workdays import WORKDAYS, by_workday
from hub.demo.firm import Firm
from hub.demo.work import Assignment, Expense

CATEGORIES = {
    "travel": (20, 900),
    "lodging": (90, 600),
    "meals": (12, 180),
    "mileage": (8, 120),
    "software": (30, 400),
    "materials": (10, 250),
}
"""What is spent at least and at most."""
UNTAXED = ("travel", "mileage")
RECLAIMABLE = ("lodging", "software", "materials")


def draw_expenses(firm: Firm) -> Iterator[Expense]:
    """In the order of days, numbered from 1; the same firm gives the same expenses."""
    rng = Random(f"{firm.seed} expenses")
    number = 0
    for place, (day, worked) in enumerate(by_workday(firm.assignments), start=1):
        while worked and number < firm.size.expenses * place // len(WORKDAYS):
            number += 1
            yield draw_expense(rng, number, rng.choice(worked), day, firm.exchange)


def draw_expense(
    rng: Random, number: int, seat: Assignment, day: date, exchange: ExchangeTable
) -> Expense:
    category = rng.choice(tuple(CATEGORIES))
    least, most = CATEGORIES[category]
    amount = Decimal(rng.randrange(least * 100, most * 100)) / 100
    home, billing = seat.worker.entity, seat.project.engagement.client.currency
    currency = home.currency if rng.random() < 0.85 else billing
    rate = Decimal(0) if category in UNTAXED else home.tax_rate
    has_receipt = category != "mileage"
    return Expense(
        number=number,
        assignment=seat,
        incurred_on=day,
        category=category,
        amount=amount,
        tax=(amount * rate / (1 + rate)).quantize(CENT, rounding=ROUND_HALF_UP),
        currency=currency,
        is_tax_recoverable=rate > 0 and category in RECLAIMABLE,
        home_fx=exchange.at(currency, home.currency, day),
        billing_fx=exchange.at(currency, billing, day),
        is_billable=seat.is_billable and rng.random() < 0.9,
        markup=Decimal(rng.choice(("0", "0", "0.05"))),
        receipt_hash=sha256(f"receipt {number}".encode()).hexdigest() if has_receipt else None,
        is_reimbursable=rng.random() < 0.8,
        status=draw_status(rng, (TODAY - day).days),
    )


def draw_status(rng: Random, age_days: int) -> str:
    """As believable at that age."""
    if age_days < 14:
        return rng.choice(("open", "waiting", "waiting"))
    if rng.random() < 0.02:
        return "returned"
    return "cleared" if age_days < 45 else "booked" if age_days < 90 else "paid_out"
