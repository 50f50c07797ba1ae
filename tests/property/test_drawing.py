"""What holds for the work of every drawn firm, whatever its seed and size."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.demo.drawing.dice import FIRST_DAY, TODAY
from hub.demo.drawing.events import draw_events
from hub.demo.drawing.exchange import PAR
from hub.demo.drawing.expenses import draw_expenses
from hub.demo.drawing.firm import draw_firm
from hub.demo.drawing.size import Size
from hub.demo.drawing.time_entries import draw_time_entries
from hub.demo.rows.hub import time_prices

SIZES = st.builds(
    Size,
    clients=st.integers(3, 90),
    sixties=st.integers(1, 2),
    won=st.integers(4, 12),
    not_won=st.integers(0, 3),
    upcoming=st.integers(1, 2),
    invoices=st.integers(0, 20),
    time_entries=st.integers(0, 3_000),
    expenses=st.integers(0, 200),
)
SEEDS = st.integers(0, 10_000)

few = settings(max_examples=15)


@few
@given(SEEDS, SIZES)
def test_assignments_lie_within_project_and_employment(seed: int, size: Size) -> None:
    """Also after a handover, whose successor exists, on the same project, from the next day on."""
    firm = draw_firm(seed, size)
    by_id = {one.psa_id: one for one in firm.assignments}
    assert len(by_id) == len(firm.assignments)
    for one in firm.assignments:
        assert one.project.start_on <= one.starts_on <= one.ends_on <= one.project.end_on
        if one.person is not None:
            assert one.person.hired_on <= one.starts_on
            assert one.ends_on <= (one.person.left_on or date.max)
            assert one.person in one.project.team
        if one.successor_id is not None:
            successor = by_id[one.successor_id]
            assert successor.project is one.project
            assert successor.starts_on > one.ends_on
        assert (one.successor_id is not None) is (one.status == "superseded")


@few
@given(SEEDS, SIZES)
def test_time_lies_within_its_assignment_and_its_day(seed: int, size: Size) -> None:
    """Weekdays up to today, quarters of an hour, at most ten hours per person and day."""
    per_day: Counter[tuple[int, date]] = Counter()
    entries = list(draw_time_entries(draw_firm(seed, size)))
    assert [one.number for one in entries] == list(range(1, len(entries) + 1))
    for one in entries:
        seat = one.assignment
        assert seat.starts_on <= one.work_date <= seat.ends_on
        assert FIRST_DAY <= one.work_date <= TODAY
        assert one.work_date.weekday() < 5
        assert one.worked > 0
        assert one.worked % 15 == 0
        assert (one.status == "approved") is (one.approved_at is not None)
        assert one.locked_reason is None or one.approved_at is not None
        assert one.approved_at is None or one.work_date < one.approved_at.date() <= TODAY
        per_day[seat.worker.psa_id, one.work_date] += one.worked
    assert max(per_day.values(), default=0) <= 600


@few
@given(SEEDS, SIZES)
def test_expenses_lie_within_their_assignment(seed: int, size: Size) -> None:
    """At most as many as the size says; no more tax than was spent, a rate where one is needed."""
    expenses = list(draw_expenses(draw_firm(seed, size)))
    assert [one.number for one in expenses] == list(range(1, len(expenses) + 1))
    assert len(expenses) <= size.expenses
    for one in expenses:
        seat = one.assignment
        assert seat.starts_on <= one.incurred_on <= seat.ends_on
        assert 0 <= one.tax < one.amount
        quoted = {
            seat.worker.entity.currency: one.home_fx,
            seat.project.engagement.client.currency: one.billing_fx,
        }
        for quote, fx in quoted.items():
            assert (fx.base, fx.quote) == (one.currency, quote)
            assert (fx.rate == 1) is (fx.source == PAR) is (one.currency == quote)
            assert fx.since <= one.incurred_on


@settings(max_examples=5)
@given(SEEDS, SIZES)
def test_the_same_seed_and_size_draw_the_same_work(seed: int, size: Size) -> None:
    """Every system draws the entries for itself, and copies must agree with their owner."""
    once, again = draw_firm(seed, size), draw_firm(seed, size)
    assert once == again
    assert list(draw_time_entries(once)) == list(draw_time_entries(again))
    assert list(draw_expenses(once)) == list(draw_expenses(again))


@few
@given(SEEDS, SIZES)
def test_invoices_take_what_there_is_and_no_more(seed: int, size: Size) -> None:
    """Each line is explained by shares of events, and each event gives at most what it has."""
    firm = draw_firm(seed, size)
    taken: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    billed: set[int] = set()
    for event in draw_events(firm):
        assert 0 <= event.taken <= event.billed.amount
        assert billed.isdisjoint(event.billed.time_entries)
        billed.update(event.billed.time_entries)
        for share in event.shares:
            assert share.invoice.project is event.billed.project
            taken[share.invoice.invoice_id, share.line] += share.amount
    by_id = {one.invoice_id: one for one in firm.invoices}
    for invoice in firm.invoices:
        # a credit note gives back what its invoice took, however long ago
        billing = by_id[invoice.corrects] if invoice.corrects else invoice
        is_drawn = invoice.status != "void" and billing.issued_on >= size.billed_since
        for number, line in enumerate(invoice.lines, start=1):
            assert taken[invoice.invoice_id, number] == (line.net if is_drawn else 0)
    approved = [one for one in draw_time_entries(firm) if one.status == "approved" and one.billable]
    assert billed == {one.number for one in approved if one.work_date >= size.billed_since}


@few
@given(SEEDS, SIZES)
def test_a_frozen_price_has_its_cost_beside_it(seed: int, size: Size) -> None:
    """An hour costs what its worker costs on that day, in the currency the worker is paid in."""
    firm = draw_firm(seed, size)
    entries = {str(one.number): one for one in draw_time_entries(firm)}
    for event in draw_events(firm):
        for row in time_prices(event):
            entry = entries[row["time_entry"]]
            worker = entry.assignment.worker
            assert row["cost_currency"] == worker.entity.currency
            paid = [one for one in worker.cost_rates if one.amount == row["cost"]]
            assert any(one.valid_from <= entry.work_date for one in paid)
