"""What holds for every amount, weight and rounding policy."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schema.allocation import Weight, allocate, is_within
from schema.errors import Invalid
from schema.fx import FxRate
from schema.money import Money, decimals_of, minor_digits, minor_unit, parse_money, total
from schema.rate import Rate, RateUnit
from schema.rounding import Inclusive, RoundingMode, RoundingPolicy, TaxRounding, line_net, to_step
from schema.totals import PricedLine, TaxCategory, totals

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "BHD", "CLF"])
CODES = ("S", "R", "Z")
RATES = (Decimal("0.21"), Decimal("0.055"), Decimal(0), Decimal("0.077"))
STEPS = st.sampled_from([Decimal(text) for text in ("0.01", "0.05", "0.25", "1", "0.0001", "10")])
AMOUNTS = st.decimals(-(10**9), 10**9, places=6)
POLICIES = st.builds(
    RoundingPolicy,
    tax_rounding=st.sampled_from(TaxRounding),
    mode=st.sampled_from(RoundingMode),
    precision=st.none() | STEPS,
    inclusive=st.sampled_from(Inclusive),
)
CATEGORIES = st.builds(TaxCategory, code=st.sampled_from(CODES), rate=st.sampled_from(RATES))
LINES = st.lists(st.tuples(st.decimals(-5000, 5000, places=6), CATEGORIES), max_size=40)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[PricedLine]]:
    currency = draw(CURRENCIES)
    return currency, [
        PricedLine(amount=Money(amount=amount, currency=currency), category=category)
        for amount, category in draw(LINES)
    ]


def is_payable(amount: Money) -> bool:
    return amount.amount % minor_unit(amount.currency) == 0


@given(
    st.integers(-(10**12), 10**12),
    CURRENCIES,
    st.lists(st.integers(0, 10**6) | st.decimals(0, 10**4, places=4), min_size=1, max_size=60),
)
@example(100, "EUR", [1, 1, 1])
@example(-5, "JPY", [1, 1])
def test_parts_add_up_to_the_whole(units: int, currency: str, weights: list[Weight]) -> None:
    """Whatever the weights and the sign, and no part is a minor unit or more from its share."""
    whole = Money(amount=units * minor_unit(currency), currency=currency)
    if not any(weights):
        with pytest.raises(Invalid, match="weights"):
            allocate(whole, weights)
        return
    parts = allocate(whole, weights)
    assert total(parts, currency) == whole
    assert all(map(is_payable, parts))
    assert parts == [-part for part in allocate(-whole, weights)]
    weighed = sum(map(Decimal, weights))
    for part, weight in zip(parts, weights, strict=True):
        off = part.amount - whole.amount * Decimal(weight) / weighed
        assert abs(off) < minor_unit(currency)
        assert weight or part.amount == 0
        assert min(whole.amount, 0) <= part.amount <= max(whole.amount, 0)


@given(documents(), POLICIES, st.booleans())
def test_a_document_adds_up_under_every_policy(
    document: tuple[str, list[PricedLine]], policy: RoundingPolicy, prices_include_tax: bool
) -> None:
    """To pay is lines plus tax plus rounding, and each printed amount can be paid."""
    currency, lines = document
    sums = totals(lines, currency, policy, prices_include_tax=prices_include_tax)
    tax = total((row.tax for row in sums.taxes), currency)
    assert sums.to_pay == total(sums.nets, currency) + tax + sums.rounding
    assert total((row.base for row in sums.taxes), currency) == total(sums.nets, currency)
    assert len(sums.nets) == len(lines)
    printed = [*sums.nets, *(row.tax for row in sums.taxes), sums.rounding, sums.to_pay]
    assert all(map(is_payable, printed))
    step = max(policy.precision or 0, minor_unit(currency))
    assert abs(sums.rounding.amount) * 2 <= step
    if policy.precision is None:
        assert sums.rounding.amount == 0


@given(documents(), POLICIES)
def test_prices_with_tax_are_what_is_paid(
    document: tuple[str, list[PricedLine]], policy: RoundingPolicy
) -> None:
    """Net and tax together are the quoted amounts, and each net is near its own exact one."""
    currency, lines = document
    sums = totals(lines, currency, policy, prices_include_tax=True)
    quoted = [policy.to_minor(line.amount) for line in lines]
    assert sums.net + sums.tax == total(quoted, currency)
    for line, net, amount in zip(lines, sums.nets, quoted, strict=True):
        exact = amount.amount / (1 + line.category.rate)
        assert abs(net.amount - exact) < minor_unit(currency) + Decimal("1e-15")


@given(documents(), POLICIES)
def test_pricing_what_was_priced_changes_nothing(
    document: tuple[str, list[PricedLine]], policy: RoundingPolicy
) -> None:
    """The printed nets, priced again, give the same document."""
    currency, lines = document
    once = totals(lines, currency, policy)
    again = [
        PricedLine(amount=net, category=line.category)
        for net, line in zip(once.nets, lines, strict=True)
    ]
    assert totals(again, currency, policy) == once


@given(AMOUNTS, STEPS, st.sampled_from(RoundingMode))
def test_rounding_is_near_and_final(amount: Decimal, step: Decimal, mode: RoundingMode) -> None:
    """A multiple of the step, at most half a step away, alike for both signs, and final."""
    rounded = to_step(amount, step, mode)
    assert rounded % step == 0
    assert abs(rounded - amount) * 2 <= step
    assert to_step(rounded, step, mode) == rounded
    assert to_step(-amount, step, mode) == -rounded
    assert not (rounded.is_zero() and rounded.is_signed())


@given(st.decimals(0, 1000, places=2), st.decimals(0, 500, places=6), CURRENCIES, POLICIES)
def test_a_line_is_rounded_once(
    quantity: Decimal, price: Decimal, currency: str, policy: RoundingPolicy
) -> None:
    """The rate keeps its six decimals until the line's amount is written."""
    net = line_net(quantity, Rate(amount=price, currency=currency, per=RateUnit.HOUR), policy)
    assert net.amount == to_step(quantity * price, minor_unit(currency), policy.mode)


@given(AMOUNTS, AMOUNTS, CURRENCIES, CURRENCIES)
def test_currencies_never_mix(one: Decimal, other: Decimal, mine: str, yours: str) -> None:
    """Amounts add up exactly within a currency; across two, both are named."""
    left, right = Money(amount=one, currency=mine), Money(amount=other, currency=yours)
    if mine == yours:
        assert left + right - right == left
        assert total([left, right, -left], mine) == right
        return
    for mix in (lambda: left + right, lambda: left - right, lambda: total([left, right], mine)):
        with pytest.raises(Invalid, match=f"{mine} and {yours}"):
            mix()


@given(AMOUNTS, CURRENCIES)
def test_only_what_can_be_paid_comes_in(amount: Decimal, currency: str) -> None:
    """Trailing zeros are no decimals; a part of a minor unit is refused."""
    if decimals_of(amount) <= minor_digits(currency):
        assert parse_money(amount, currency) == Money(amount=amount, currency=currency)
    else:
        with pytest.raises(Invalid, match="too fine"):
            parse_money(amount, currency)


WEIGHTS = st.lists(st.integers(1, 100), min_size=1, max_size=12)
UNITS = st.integers(-(10**9), 10**9)


@given(UNITS, CURRENCIES, WEIGHTS, st.data())
def test_an_event_is_allocated_between_nothing_and_all(
    units: int, currency: str, weights: list[Weight], data: st.DataObject
) -> None:
    """Any of its parts may be taken, and given back again; one unit beyond either end may not."""
    unit = minor_unit(currency)
    whole = Money(amount=units * unit, currency=currency)
    parts = allocate(whole, weights)
    taken = data.draw(st.lists(st.sampled_from(range(len(parts))), unique=True))
    given_back = data.draw(st.lists(st.sampled_from(taken), unique=True)) if taken else []
    assert is_within(whole, [parts[at] for at in taken] + [-parts[at] for at in given_back])
    sign = -1 if units < 0 else 1
    beyond = Money(amount=sign * unit, currency=currency)
    assert not is_within(whole, [*parts, beyond])
    assert not is_within(whole, [-beyond])
    with pytest.raises(Invalid):
        is_within(whole, [Money(amount=unit, currency="GBP")])


FX = st.decimals("0.0001", 1000, places=6).filter(lambda rate: rate > 0)


def rate_of(rate: Decimal, base: str, quote: str) -> FxRate:
    digits = len(rate.normalize().as_tuple().digits)
    return FxRate(
        rate=round(rate, 9 - rate.adjusted()) if digits > 10 else rate,
        base=base,
        quote=quote,
        on=date(2026, 11, 20),
        source="ECB",
    )


@given(FX, UNITS)
def test_a_round_trip_loses_at_most_what_the_rate_was_rounded_by(rate: Decimal, units: int) -> None:
    """There and back by the published reciprocal, ten digits each: within 1 in 10^9."""
    there = rate_of(rate, "EUR", "USD")
    back = rate_of(1 / there.rate, "USD", "EUR")
    amount = Money(amount=units * Decimal("0.01"), currency="EUR")
    again = back.convert(there.convert(amount))
    assert abs(again.amount - amount.amount) <= abs(amount.amount) * Decimal("1E-9")


@given(FX, FX, UNITS)
def test_a_third_currency_on_the_way_changes_little(one: Decimal, two: Decimal, units: int) -> None:
    """By way of another currency, or by the cross rate of ten digits: within 1 in 10^9."""
    first, second = rate_of(one, "EUR", "USD"), rate_of(two, "USD", "GBP")
    cross = rate_of(first.rate * second.rate, "EUR", "GBP")
    amount = Money(amount=units * Decimal("0.01"), currency="EUR")
    around, straight = second.convert(first.convert(amount)), cross.convert(amount)
    assert around.currency == straight.currency
    gap = abs(around.amount - straight.amount)
    assert gap <= abs(straight.amount) * Decimal("1E-9")
