"""Puts the firm's change orders into Tryton as amendments of its sales.

Tryton amends what a sale is worth; a change of rates or dates keeps its day and its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from hub.demo.agreements import ChangeOrder
from hub.tryton.company import create_
from hub.tryton.environment import Say
from hub.tryton.rpc import Session, Values

APPLIED = ("IN_FORCE", "REPLACED")
"""Tryton applies an amendment once it is validated: what is not in force yet waits as a draft."""

Line = Mapping[str, int]
"""The one line of a sale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendments:
    """`sales` are Tryton's ids by those of the contracts."""

    session: Session
    sales: Mapping[str, int]
    say: Say

    def put(self, changes: Sequence[ChangeOrder]) -> None:
        """In the order of their numbers, which Tryton's own ids follow."""
        self.say(f"{len(changes)} amendments")
        lines = self.session.read("sale.line", [], "sale", "product", "unit")
        by_sale = {line["sale"]: line for line in lines}
        records = [self._amendment(one, by_sale[self.sales[one.sow.sow_id]]) for one in changes]
        made = self.session.create("sale.amendment", *records)
        applied = [
            (one.sequence_no, number)
            for one, number in zip(changes, made, strict=True)
            if one.status in APPLIED
        ]
        for _, turn in groupby(sorted(applied), lambda pair: pair[0]):
            numbers = [number for _, number in turn]
            self.session.press("sale.amendment", "validate_amendment", numbers)

    def _amendment(self, change: ChangeOrder, line: Line) -> Values:
        lines = [_new_price(change, line)] if change.change_type == "CEILING" else []
        return {
            "sale": line["sale"],
            "date": change.effective_on,
            "description": change.rationale,
            "lines": create_(*lines),
        }


def raises_ceiling(change: ChangeOrder) -> bool:
    """Whether what the contract is worth today comes of this change."""
    return change.change_type == "CEILING" and change.status in APPLIED


def _new_price(change: ChangeOrder, line: Line) -> Values:
    return {
        "action": "line",
        "line": line["id"],
        "product": line["product"],
        "unit": line["unit"],
        "quantity": 1.0,
        "unit_price": Decimal(str(change.changed_terms[0]["new_value"])),
        "description": change.sow.subject,
    }
