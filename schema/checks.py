"""What must hold of a record before a write of it leaves for its owner, as data.

Only what the hub can tell from the record alone; what needs more (an open period, who is employed)
is the owner's to refuse. Unknown values break no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from stdnum import get_cc_module

from schema.entities.amendment import Amendment
from schema.entities.assignment import Assignment
from schema.entities.client import Address, Client, TaxId
from schema.entities.engagement import Engagement
from schema.entities.expense_item import ExpenseItem
from schema.entities.invoice import Invoice
from schema.entities.milestone import Milestone
from schema.entities.project import Project
from schema.entities.sow import Sow
from schema.entities.time_entry import TimeEntry
from schema.money import Money

LONGEST_NAME = 255
MINUTES_A_DAY = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A rule over some fields of one record; `holds` takes their values, none of which is None."""

    fields: tuple[str, ...]
    rule: str
    holds: Callable[..., bool]

    def is_broken(self, values: Mapping[str, Any]) -> bool:
        told = [values.get(name) for name in self.fields]
        return None not in told and not self.holds(*told)


def _in_order(first: str, last: str) -> Check:
    return Check(fields=(first, last), rule=f"{last} is not before {first}", holds=_is_in_order)


def _is_in_order(first: date, last: date) -> bool:
    return first <= last


def _is_a_day(minutes: int) -> bool:
    return 0 < minutes <= MINUTES_A_DAY


def _has_one_bill_to(addresses: Sequence[Address]) -> bool:
    return not addresses or sum(one.is_bill_to for one in addresses) == 1


def _are_tax_ids(tax_ids: Sequence[TaxId]) -> bool:
    return all(map(_is_tax_id, tax_ids))


def _is_tax_id(tax_id: TaxId) -> bool:
    """By the country's own rule for that kind of number, where one is known."""
    rule = get_cc_module(tax_id.country.lower(), tax_id.kind.lower())
    return rule is None or rule.is_valid(tax_id.number)


def _is_positive(amount: Money) -> bool:
    return amount.amount > 0


_PERIOD = _in_order("starts_on", "ends_on")
_NAME = Check(
    fields=("name",),
    rule=f"name has 1 to {LONGEST_NAME} characters",
    holds=lambda name: len(name.strip()) > 0 and len(name) <= LONGEST_NAME,
)
_CHANCE = Check(
    fields=("probability",),
    rule="probability is a fraction from 0 to 1",
    holds=lambda chance: Decimal(0) <= chance <= Decimal(1),
)
_BILL_TO = Check(
    fields=("addresses",), rule="one of the addresses is the bill-to", holds=_has_one_bill_to
)
_TAX_IDS = Check(
    fields=("tax_ids",),
    rule="tax_ids are valid numbers of their kind in their country",
    holds=_are_tax_ids,
)
_CAP = Check(fields=("cap",), rule="cap is more than nothing", holds=_is_positive)
_WORKED = Check(fields=("worked",), rule=f"worked is 1 to {MINUTES_A_DAY} minutes", holds=_is_a_day)
_A_DAY = Check(
    fields=("minutes_per_day",),
    rule=f"minutes_per_day is 1 to {MINUTES_A_DAY}",
    holds=_is_a_day,
)
_CHANGES = Check(
    fields=("changes",), rule="changes name at least one term", holds=lambda terms: bool(terms)
)
_SPENT = Check(fields=("amount",), rule="amount is more than nothing", holds=_is_positive)
_TAX = Check(
    fields=("amount", "tax"),
    rule="tax is no more than amount",
    holds=lambda amount, tax: tax.amount <= amount.amount,
)

_FX = tuple(
    Check(
        fields=("amount", name),
        rule=f"{name} is a rate from the currency of amount",
        holds=lambda amount, fx: fx.base == amount.currency,
    )
    for name in ("fx_to_functional", "billing_fx")
)

CHECKS: Mapping[type, tuple[Check, ...]] = {
    Client: (_NAME, _BILL_TO, _TAX_IDS),
    Engagement: (_NAME, _CHANCE, _PERIOD),
    Sow: (_PERIOD, _CAP),
    Amendment: (_CHANGES,),
    Project: (_NAME, _PERIOD),
    Milestone: (_SPENT,),
    Assignment: (_PERIOD, _A_DAY),
    TimeEntry: (_WORKED,),
    ExpenseItem: (_SPENT, _TAX, *_FX),
    Invoice: (_in_order("issued_on", "due_on"),),
}


def checks_of(entity: type, fields: Mapping[str, Any]) -> tuple[Check, ...]:
    """The rules that a write of these fields could break."""
    return tuple(one for one in CHECKS.get(entity, ()) if not fields.keys().isdisjoint(one.fields))
