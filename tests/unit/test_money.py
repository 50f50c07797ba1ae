"""Amounts, currencies, rates and conversions, by example."""

from __future__ import annotations

from datetime import date
from decimal import Decimal as D
from typing import Any

import pytest

from schema.allocation import allocate
from schema.errors import Invalid
from schema.fx import FxRate, fx_rate
from schema.money import Money, known_currency, minor_digits, minor_unit, money, parse_money, total
from schema.rate import RateUnit, parse_rate
from schema.rounding import (
    DEFAULT_POLICY,
    Inclusive,
    RoundingMode,
    RoundingPolicy,
    TaxRounding,
    line_net,
    tax_within,
)
from schema.totals import PricedLine, TaxCategory, totals

HALF_EVEN = RoundingPolicy(mode=RoundingMode.HALF_EVEN)
STANDARD = TaxCategory(code="S", rate=D("0.21"))
REDUCED = TaxCategory(code="R", rate=D("0.09"))


def eur(amount: str) -> Money:
    return Money(amount=D(amount), currency="EUR")


def lines(*amounts: str, category: TaxCategory = STANDARD) -> list[PricedLine]:
    return [PricedLine(amount=eur(amount), category=category) for amount in amounts]


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("EUR", 2), ("JPY", 0), ("BHD", 3), ("CLF", 4), ("IQD", 3), ("RSD", 2), ("UGX", 0)],
)
def test_minor_units_are_those_of_iso_4217(currency: str, digits: int) -> None:
    """Also where locale data and payment providers have others."""
    assert minor_digits(currency) == digits
    assert minor_unit(currency) == D(10) ** -digits


@pytest.mark.parametrize("code", ["", "eur", "EURO", "ABC", "XAU", "XXX", "XTS"])
def test_no_other_currency_is_known(code: str) -> None:
    """Gold, tests and nothing have codes, but no amounts that can be paid."""
    with pytest.raises(Invalid, match="no ISO 4217 currency"):
        known_currency(code)
    with pytest.raises(Invalid, match="no ISO 4217 currency"):
        parse_money(D(1), code)


def test_amounts_are_equal_by_value() -> None:
    """Digits are spelling; the currency is not."""
    assert eur("2.0") == eur("2.00")
    assert eur("2") != Money(amount=D(2), currency="USD")


def test_an_amount_without_currency_is_not_known_yet() -> None:
    """And the other way round."""
    assert money(D(1), None) is None
    assert money(None, "EUR") is None


def test_nothing_adds_up_to_zero_of_the_currency() -> None:
    """A document without lines has a total."""
    assert total([], "EUR") == eur("0")
    assert str((-eur("0")).amount) == "0"


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "100000000000000", "0.001"])
def test_what_cannot_be_paid_is_refused(amount: str) -> None:
    """No number, too large to be stored, or a part of a cent."""
    with pytest.raises(Invalid):
        parse_money(D(amount), "EUR")


def test_rates_are_finer_than_money() -> None:
    """Six decimals, kept; a seventh, a negative price or an unknown currency is refused."""
    assert parse_rate(D("1.234567"), "JPY", RateUnit.DAY).amount == D("1.234567")
    for amount, currency in (("1.2345678", "EUR"), ("-1", "EUR"), ("NaN", "EUR"), ("1", "ABC")):
        with pytest.raises(Invalid):
            parse_rate(D(amount), currency, RateUnit.DAY)


@pytest.mark.parametrize(
    ("policy", "amount", "rounded"),
    [
        (DEFAULT_POLICY, "0.025", "0.03"),
        (DEFAULT_POLICY, "-0.025", "-0.03"),
        (HALF_EVEN, "0.025", "0.02"),
        (HALF_EVEN, "0.035", "0.04"),
        (HALF_EVEN, "0.0250001", "0.03"),
    ],
)
def test_half_a_cent_goes_where_the_policy_says(
    policy: RoundingPolicy, amount: str, rounded: str
) -> None:
    """Away from zero, or to the even cent as Tryton does."""
    assert policy.to_minor(eur(amount)) == eur(rounded)
    assert line_net(D("2.5"), parse_rate(D("0.01"), "EUR", RateUnit.HOUR), policy) == (
        policy.to_minor(eur("0.025"))
    )


@pytest.mark.parametrize(
    ("precision", "currency", "amount", "paid"),
    [
        ("0.05", "CHF", "10.02", "10.00"),
        ("0.05", "CHF", "10.03", "10.05"),
        ("1", "SEK", "10.50", "11"),
        ("0.05", "JPY", "10.5", "11"),
        ("0.01", "BHD", "1.005", "1.01"),
        ("1.5", "JPY", "4", "4"),
    ],
)
def test_the_total_has_a_precision_of_its_own(
    precision: str, currency: str, amount: str, paid: str
) -> None:
    """Unless the currency has no such amounts."""
    policy = RoundingPolicy(precision=D(precision))
    given = Money(amount=D(amount), currency=currency)
    assert policy.to_pay(given) == Money(amount=D(paid), currency=currency)


@pytest.mark.parametrize("precision", ["0", "-0.01"])
def test_a_precision_is_more_than_nothing(precision: str) -> None:
    """Refused when the policy is read, not when the first invoice is posted."""
    with pytest.raises(Invalid, match="more than 0"):
        RoundingPolicy(precision=D(precision))


def test_tax_by_line_and_by_category_differ() -> None:
    """Three times 21 % of 0.07 is 0.03 by line and 0.04 together: both are right somewhere."""
    by_line = RoundingPolicy(tax_rounding=TaxRounding.LINE)
    assert totals(lines("0.07", "0.07", "0.07"), "EUR", DEFAULT_POLICY).tax == eur("0.04")
    assert totals(lines("0.07", "0.07", "0.07"), "EUR", by_line).tax == eur("0.03")


def test_a_document_is_added_up_from_rounded_lines() -> None:
    """Lines first, tax per category in order of first use, the five-cent rounding last."""
    mixed = [*lines("10.004"), *lines("5.005", category=REDUCED), *lines("2")]
    sums = totals(mixed, "EUR", RoundingPolicy(precision=D("0.05")))
    assert sums.nets == (eur("10.00"), eur("5.01"), eur("2.00"))
    assert [(row.category.code, row.base, row.tax) for row in sums.taxes] == [
        ("S", eur("12.00"), eur("2.52")),
        ("R", eur("5.01"), eur("0.45")),
    ]
    assert (sums.net, sums.tax) == (eur("17.01"), eur("2.97"))
    assert (sums.rounding, sums.to_pay) == (eur("0.02"), eur("20.00"))


def test_tax_is_taken_out_of_prices_that_contain_it() -> None:
    """Once per category: the nets share the rest, the earlier line first."""
    sums = totals(lines("10", "10", "10"), "EUR", DEFAULT_POLICY, prices_include_tax=True)
    assert sums.tax == eur("5.21")
    assert sums.nets == (eur("8.27"), eur("8.26"), eur("8.26"))
    assert sums.to_pay == eur("30.00")


def test_which_part_of_a_price_is_rounded_matters_at_half_a_cent() -> None:
    """0.01 with 100 % tax: the cent belongs to the part that is rounded."""
    tax_first = RoundingPolicy(inclusive=Inclusive.TAX_FIRST)
    assert tax_within(eur("0.01"), D(1), DEFAULT_POLICY) == eur("0")
    assert tax_within(eur("0.01"), D(1), tax_first) == eur("0.01")


def test_a_line_in_another_currency_is_refused() -> None:
    """A document has one currency."""
    with pytest.raises(Invalid, match="USD and EUR"):
        totals(lines("1"), "USD", DEFAULT_POLICY)


def test_the_earlier_part_gets_the_odd_cent() -> None:
    """A milestone in three parts, a credit in three parts, and one without weight."""
    assert allocate(eur("100"), [1, 1, 1]) == [eur("33.34"), eur("33.33"), eur("33.33")]
    assert allocate(eur("-100"), [1, 1, 1]) == [eur("-33.34"), eur("-33.33"), eur("-33.33")]
    assert allocate(eur("0.01"), [0, D("0.5")]) == [eur("0"), eur("0.01")]


@pytest.mark.parametrize(
    ("whole", "weights"), [("1", []), ("1", [0, 0]), ("1", [2, -1]), ("0.005", [1])]
)
def test_what_cannot_be_split_is_refused(whole: str, weights: list[int]) -> None:
    """No weight, a negative one, or an amount that is not rounded yet."""
    with pytest.raises(Invalid):
        allocate(eur(whole), weights)


def fx(**changed: Any) -> FxRate:
    stated = {"base": "EUR", "quote": "JPY", "on": date(2026, 3, 31), "source": "ECB"}
    return FxRate(**{"rate": D("161.2345678"), **stated, **changed})


def test_a_conversion_is_not_rounded() -> None:
    """The document that the amount will stand in rounds it, once."""
    assert fx().convert(eur("10.01")) == Money(amount=D("1613.958023678"), currency="JPY")


@pytest.mark.parametrize(
    "changed",
    [
        {"rate": D("1.2345678901")},
        {"rate": D(0)},
        {"rate": D("NaN")},
        {"rate": D(-1)},
        {"quote": "EUR"},
        {"base": "ABC"},
    ],
)
def test_a_rate_that_nobody_publishes_is_refused(changed: dict[str, Any]) -> None:
    """Too fine, nothing, less, no number, to itself but not 1, or from nowhere."""
    with pytest.raises(Invalid):
        fx(**changed)


def test_a_currency_is_worth_itself() -> None:
    """A document in the currency of the books states its rate, too: 1."""
    assert fx(quote="EUR", rate=D("1.0000")).convert(eur("10.01")) == eur("10.01")


def test_a_rate_that_is_not_wholly_known_is_unknown() -> None:
    """Without its source it is nobody's, and without its day it is of no day."""
    told = {"rate": D("1.10"), "base": "EUR", "quote": "USD", "on": date(2026, 3, 1), "source": "E"}
    assert fx_rate(**told) == FxRate(**told)
    assert all(fx_rate(**{**told, part: None}) is None for part in told)


def test_a_rate_has_one_direction() -> None:
    """Its inverse would be a rate that nobody published."""
    with pytest.raises(Invalid, match="from EUR to JPY"):
        fx().convert(Money(amount=D(1), currency="JPY"))
