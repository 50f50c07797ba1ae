"""Draws what may be billed of each month: approved time at its price, and expenses."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

from hub.demo.bills import CENT, Billable, Cost, Price
from hub.demo.drawing.expenses import draw_expenses
from hub.demo.drawing.time_entries import draw_time_entries
from hub.demo.engagements import Project
from hub.demo.firm import Firm
from hub.demo.prices import Prices
from hub.demo.work import Assignment, Expense, TimeEntry

T = TypeVar("T")

SPENT = ("cleared", "booked", "paid_out")


class PriceList:
    """The price of time: the assignment's own, else that of the role in the month."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._lines = {
            (line.version.number, line.role): line
            for line in prices.lines
            if line.grade is None and line.worker is None
        }
        self._known: dict[tuple[str, str, date], Price] = {}

    def of(self, seat: Assignment, month: date) -> Price:
        if seat.own_rate is not None:
            hourly = seat.own_rate / (8 if seat.own_rate_unit == "daily" else 1)
            return Price(amount=hourly, source="assignment", line_id=None)
        key = (seat.project.project_no, seat.role, month)
        if key not in self._known:
            self._known[key] = self._of_role(seat.project, seat.role, month)
        return self._known[key]

    def _of_role(self, project: Project, role: str, month: date) -> Price:
        if project.sow is None or project.sow.prices is None:
            raise ValueError(f"{project.project_no} has no prices.")
        agreed = project.sow.prices
        version = self._prices.published(agreed.book, month) or agreed
        line = self._lines[version.number, role]
        return Price(amount=line.unit_price, source="role", line_id=line.line_id)


def draw_months(firm: Firm, since: date) -> Iterator[tuple[date, list[Billable]]]:
    """What each month may bill, in the order of projects; one month is held at a time."""
    prices = PriceList(firm.agreements.prices)
    worked = filter(is_billed, draw_time_entries(firm))
    spent = (one for one in draw_expenses(firm) if one.status in SPENT and one.is_billable)
    time = (
        (month, list(_time(some, prices, month)))
        for month, some in _monthly(worked, lambda one: one.work_date, since)
    )
    money = (
        (month, list(_money(some)))
        for month, some in _monthly(spent, lambda one: one.incurred_on, since)
    )
    for month, parts in groupby(merge(time, money, key=itemgetter(0)), itemgetter(0)):
        found = [one for _, part in parts for one in part]
        yield month, sorted(found, key=lambda one: one.project.project_no)


def is_billed(one: TimeEntry) -> bool:
    return one.status == "approved" and one.billable > 0


def _monthly(
    drawn: Iterable[T], day_of: Callable[[T], date], since: date
) -> Iterator[tuple[date, Iterable[T]]]:
    recent = (one for one in drawn if day_of(one) >= since)
    return groupby(recent, lambda one: day_of(one).replace(day=1))


def _time(entries: Iterable[TimeEntry], prices: PriceList, month: date) -> Iterator[Billable]:
    """The hours of each project, one price at a time."""
    grouped: dict[tuple[str, Price], list[TimeEntry]] = defaultdict(list)
    for one in entries:
        price = prices.of(one.assignment, month)
        grouped[one.assignment.project.project_no, price].append(one)
    for (_, price), some in grouped.items():
        hours = Decimal(sum(one.billable for one in some)) / 60
        yield Billable(
            project=some[0].assignment.project,
            kind="time",
            service_from=some[0].work_date,
            service_to=some[-1].work_date,
            quantity=hours,
            unit="hour",
            rate=price.amount,
            amount=(hours * price.amount).quantize(CENT),
            price=price,
            time_entries=tuple(one.number for one in some),
            costs=tuple(cost_of(one) for one in some),
        )


def cost_of(entry: TimeEntry) -> Cost:
    """At the worker's rate of the day."""
    worker = entry.assignment.worker
    valid = [rate for rate in worker.cost_rates if rate.valid_from <= entry.work_date]
    return Cost(amount=valid[-1].amount, currency=worker.entity.currency)


def _money(expenses: Iterable[Expense]) -> Iterator[Billable]:
    """The expenses of each project, together."""
    grouped: dict[str, list[Expense]] = defaultdict(list)
    for one in expenses:
        grouped[one.assignment.project.project_no].append(one)
    for some in grouped.values():
        amount = sum((_billed(one) for one in some), Decimal(0))
        yield Billable(
            project=some[0].assignment.project,
            kind="expense",
            service_from=some[0].incurred_on,
            service_to=some[-1].incurred_on,
            quantity=Decimal(1),
            unit="unit",
            rate=amount,
            amount=amount,
            expenses=tuple(one.number for one in some),
        )


def _billed(expense: Expense) -> Decimal:
    """In the currency of the invoice, without the tax the firm gets back, and with its markup."""
    cost = expense.amount - (expense.tax if expense.is_tax_recoverable else 0)
    return (cost * expense.billing_fx.rate * (1 + expense.markup)).quantize(CENT)
