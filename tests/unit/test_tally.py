"""Whether an invoice adds up, under the policy of who issues it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from schema.entities.invoice import InvoiceLine, TaxLine
from schema.entities.legal_entity import EntityRounding, policy_of
from schema.money import Money
from schema.rounding import (
    DEFAULT_POLICY,
    NetRounding,
    RoundingMode,
    RoundingPolicy,
    TaxRounding,
)
from schema.tally import mismatch


def eur(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def line(number: int, quantity: str, price: str, net: str, code: str = "S") -> InvoiceLine:
    return InvoiceLine(
        line=number,
        description="Audit",
        quantity=Decimal(quantity),
        unit="hour",
        unit_price=eur(price),
        net=eur(net),
        tax_code=code,
    )


def tax(amount: str, rate: str = "0.21", code: str = "S") -> TaxLine:
    return TaxLine(code=code, rate=Decimal(rate), base=eur("0"), tax=eur(amount))


LINES = [line(1, "1.5", "100.01", "150.02"), line(2, "1", "0.02", "0.02")]


@pytest.mark.parametrize(
    ("net", "lines", "taxes", "why"),
    [
        ("150.04", LINES, [], None),
        ("150.04", LINES, [tax("31.51")], None),
        ("150.03", LINES, [], "the lines add up to 150.04 EUR, not 150.03 EUR"),
        ("150.01", [line(1, "1.5", "100.01", "150.01")], [], "line 1 is 150.02 EUR, not 150.01"),
        ("150.04", LINES, [tax("31.50")], "tax S is 31.51 EUR, not 31.50 EUR"),
        ("150.04", LINES, [tax("31.51"), tax("1", code="R")], "tax R is nothing, not 1 EUR"),
    ],
)
def test_what_does_not_add_up_is_named(
    net: str, lines: list[InvoiceLine], taxes: list[TaxLine], why: str | None
) -> None:
    """The first figure that contradicts the others, and what it should be."""
    found = mismatch(eur(net), lines, taxes, DEFAULT_POLICY)
    assert found is None if why is None else why in str(found)


@pytest.mark.parametrize(
    ("mode", "net"), [(RoundingMode.HALF_UP, "0.03"), (RoundingMode.HALF_EVEN, "0.02")]
)
def test_the_policy_of_the_entity_decides(mode: RoundingMode, net: str) -> None:
    """Half a cent goes up for one ledger, and to the even cent for another."""
    policy = RoundingPolicy(mode=mode)
    for told in ("0.02", "0.03"):
        exact_half = [line(1, "0.5", "0.05", told)]
        assert (mismatch(eur(told), exact_half, [], policy) is None) is (told == net)


def test_the_ledgers_words_are_the_policy() -> None:
    """An entity without any keeps the default."""
    told = EntityRounding(
        net=NetRounding.LINE,
        tax=TaxRounding.LINE,
        mode=RoundingMode.HALF_EVEN,
        precision=Decimal("0.05"),
    )
    assert policy_of(told) == RoundingPolicy(
        tax_rounding=TaxRounding.LINE, mode=RoundingMode.HALF_EVEN, precision=Decimal("0.05")
    )
    assert policy_of(None) is DEFAULT_POLICY
