"""Puts the firm's contracts into Tryton as sales, and moves each as far as Tryton lets it go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hub.demo.agreements import ChangeOrder
from hub.demo.engagements import Sow
from hub.tryton.amendments import raises_ceiling
from hub.tryton.companies import Founded
from hub.tryton.company import create_
from hub.tryton.environment import Say
from hub.tryton.rpc import Session, Values

BUTTONS = {"DRAFT": "draft", "UNDER_REVIEW": None, "REJECTED": "cancel"}
"""Where a quotation goes from there; any other contract is confirmed, and runs for ever.

Tryton calls a sale done once it is invoiced and paid, which happens elsewhere.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    session: Session
    companies: Mapping[str, Founded]
    terms: Mapping[int, int]
    services: Mapping[str, int]
    unit: int
    say: Say

    def put(
        self,
        sows: Sequence[Sow],
        changes: Sequence[ChangeOrder],
        parties: Mapping[str, int],
        opportunities: Mapping[str, int],
    ) -> dict[str, int]:
        """Quoted in the order of their numbers, so that each gets its own."""
        self.say(f"{len(sows)} contracts")
        prices = _first_prices(sows, changes)
        addresses = {
            row["party"]: row["id"] for row in self.session.read("party.address", [], "party")
        }
        records = []
        for sow in sows:
            party = parties[sow.engagement.client.account_id]
            records.append(
                {
                    **self._terms(sow),
                    "party": party,
                    "invoice_address": addresses[party],
                    "origin": f"sale.opportunity,{opportunities[sow.engagement.opportunity_id]}",
                    "lines": create_(self._line(sow, prices[sow.sow_id])),
                }
            )
        made = self.session.create("sale.sale", *records)
        self.session.press("sale.sale", "quote", made)
        self._move(sows, made)
        return dict(zip((sow.sow_id for sow in sows), made, strict=True))

    def _terms(self, sow: Sow) -> Values:
        company = self.companies[sow.engagement.client.entity.code]
        return {
            "company": company.id,
            "currency": company.currency,
            "description": sow.subject,
            "reference": sow.customer_po,
            "comment": f"contract:{sow.contract_no}",
            "payment_term": self.terms[sow.payment_days],
            "invoice_method": "manual",
            "sale_date": sow.approved_at and sow.approved_at.date(),
            "shipping_date": sow.valid_from,
        }

    def _line(self, sow: Sow, price: Decimal) -> Values:
        """One line is worth the ceiling; a contract without one is worth nothing here."""
        return {
            "type": "line",
            "product": self.services[sow.pricing_model],
            "description": sow.subject,
            "quantity": 1.0,
            "unit": self.unit,
            "unit_price": price,
        }

    def _move(self, sows: Sequence[Sow], made: Sequence[int]) -> None:
        pressed: dict[str, list[int]] = {}
        for sow, sale in zip(sows, made, strict=True):
            button = BUTTONS.get(sow.status, "confirm")
            if button is not None:
                pressed.setdefault(button, []).append(sale)
        for button, sales in pressed.items():
            self.session.press("sale.sale", button, sales)


def _first_prices(sows: Sequence[Sow], changes: Sequence[ChangeOrder]) -> dict[str, Decimal]:
    """What each contract was worth before its amendments raised it."""
    prices = {sow.sow_id: sow.ceiling or Decimal(0) for sow in sows}
    for change in reversed(changes):
        if raises_ceiling(change):
            prices[change.sow.sow_id] = Decimal(str(change.changed_terms[0]["old_value"]))
    return prices
