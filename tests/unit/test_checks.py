"""What the hub refuses before it writes, and what it leaves to the owners."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from schema.canon import Assignment, Client, Engagement, ExpenseItem, Sow, TimeEntry
from schema.checks import CHECKS
from schema.entities.client import Address, TaxId
from schema.entity import owned_fields
from schema.errors import Invalid
from schema.fx import FxRate
from schema.money import Money
from sync.write.checking import require_checks

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def euros(amount: int) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


def fx(base: str) -> FxRate:
    return FxRate(base=base, quote="GBP", rate=Decimal("0.86"), on=MAY, source="ECB")


def address(*, is_bill_to: bool) -> Address:
    return Address(street="Damrak 1", city="Amsterdam", country="NL", is_bill_to=is_bill_to)


def number(country: str, value: str, kind: str = "VAT") -> TaxId:
    return TaxId(country=country, kind=kind, number=value)


@pytest.mark.parametrize(
    ("entity", "broken", "kept", "words"),
    [
        (Client, {"name": "  "}, {"name": "Aurora"}, "name has 1 to 255"),
        (
            Client,
            {"addresses": [address(is_bill_to=False)]},
            {"addresses": [address(is_bill_to=True), address(is_bill_to=False)]},
            "one of the addresses is the bill-to",
        ),
        (
            Client,
            {"tax_ids": [number("NL", "NL123456789B01")]},
            {"tax_ids": [number("NL", "NL123456794B01"), number("US", "?", "PERMIT")]},
            "taxIds are valid numbers",
        ),
        (Engagement, {"probability": Decimal("1.1")}, {"probability": Decimal(1)}, "probability"),
        (
            Sow,
            {"starts_on": JUNE, "ends_on": MAY},
            {"starts_on": MAY, "ends_on": MAY},
            "endsOn is not before startsOn",
        ),
        (Sow, {"cap": euros(0)}, {"cap": euros(1)}, "cap is more than nothing"),
        (Assignment, {"minutes_per_day": 1441}, {"minutes_per_day": 480}, "minutesPerDay is 1 to"),
        (TimeEntry, {"worked": 0}, {"worked": 1440}, "worked is 1 to 1440"),
        (
            ExpenseItem,
            {"amount": euros(10), "tax": euros(11)},
            {"amount": euros(10), "tax": euros(2)},
            "tax is no more than amount",
        ),
        (
            ExpenseItem,
            {"amount": euros(10), "billing_fx": fx("USD")},
            {"amount": euros(10), "billing_fx": fx("EUR")},
            "billingFx is a rate from the currency of amount",
        ),
    ],
)
def test_a_rule_is_broken_or_kept(
    entity: type, broken: dict[str, Any], kept: dict[str, Any], words: str
) -> None:
    """The refusal says which rule, in the clients' spelling."""
    require_checks(entity, kept, kept)
    with pytest.raises(Invalid, match=words):
        require_checks(entity, broken, broken)


def test_a_rule_looks_at_what_the_record_will_be() -> None:
    """A patch of one day is held against the other day as it is; an unknown one breaks nothing."""
    patch = {"ends_on": MAY}
    require_checks(Sow, patch, {"starts_on": None, **patch})
    with pytest.raises(Invalid, match="endsOn is not before startsOn"):
        require_checks(Sow, patch, {"starts_on": JUNE, **patch})


def test_every_rule_is_about_fields_that_are_there() -> None:
    """A renamed field cannot leave a rule behind that never applies."""
    for entity, checks in CHECKS.items():
        named = {name for check in checks for name in check.fields}
        assert named <= owned_fields(entity).keys(), entity
