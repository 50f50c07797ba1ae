"""What mutations take: inputs, and the canonical values they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

from schema.canon import require_id
from schema.entities.client import Client, CreditStatus, Segment
from schema.entities.engagement import Engagement
from schema.entities.legal_entity import LegalEntity
from schema.entity import owned_fields
from schema.errors import Invalid
from schema.money import Money, known_currency, parse_money
from schema.system import System


@strawberry.input(description="An exact amount in one ISO 4217 currency.")
class MoneyInput:
    amount: Decimal = strawberry.field(description='Exact decimal, as text: `"1250.00"`.')
    currency: str = strawberry.field(description="ISO 4217 code.")


@strawberry.input(description="Fields left out stay as they are; null empties a field.")
class UpdateClientInput:
    id: strawberry.ID = strawberry.field(description="The client.")
    owner: System | None = strawberry.field(
        description="The system you mean to write to; checked against the fields' owner.",
        default=None,
    )
    if_version: int | None = strawberry.field(
        description="Write only if the owner's version is still this one (`_meta.version`).",
        default=None,
    )
    name: strawberry.Maybe[str] = strawberry.field(description="Owned by CRM.", default=None)
    segment: strawberry.Maybe[Segment | None] = strawberry.field(
        description="Owned by CRM.", default=None
    )
    account_manager: strawberry.Maybe[str | None] = strawberry.field(
        description="E-mail address. Owned by CRM.", default=None
    )
    bill_to: strawberry.Maybe[str | None] = strawberry.field(
        description="Owned by ERP.", default=None
    )
    tax_id: strawberry.Maybe[str | None] = strawberry.field(
        description="Owned by ERP.", default=None
    )
    payment_terms_days: strawberry.Maybe[int | None] = strawberry.field(
        description="Owned by ERP.", default=None
    )
    credit_status: strawberry.Maybe[CreditStatus | None] = strawberry.field(
        description="Owned by ERP.", default=None
    )

    def patch(self) -> Mapping[str, Any]:
        """Canonical values of the fields given. Raises Invalid when there are none."""
        given = {name: getattr(self, name, None) for name in owned_fields(Client)}
        patch = {name: some.value for name, some in given.items() if some is not None}
        if not patch:
            raise Invalid("Name at least one field to change.")
        return patch


@strawberry.input(description="A project to open in the ledger.")
class CreateProjectInput:
    name: str = strawberry.field(description="Name.")
    client_id: strawberry.ID = strawberry.field(description="The client.")
    engagement_id: strawberry.ID | None = strawberry.field(
        description="The engagement it delivers.", default=None
    )
    legal_entity_id: strawberry.ID | None = strawberry.field(
        description="The delivering legal entity.", default=None
    )
    currency: str | None = strawberry.field(
        description="ISO 4217 code of its invoices.", default=None
    )
    starts_on: date | None = strawberry.field(description="First day.", default=None)
    ends_on: date | None = strawberry.field(description="Last day.", default=None)
    budget: MoneyInput | None = strawberry.field(description="Budgeted fees.", default=None)
    budget_minutes: int | None = strawberry.field(
        description="Budgeted work, in minutes.", default=None
    )

    def values(self) -> Mapping[str, Any]:
        """Canonical values of the fields given.

        Raises Invalid for an id of another type, a currency that nobody knows, or an amount that
        cannot be paid in it.
        """
        require_id(Client, self.client_id)
        if self.engagement_id is not None:
            require_id(Engagement, self.engagement_id)
        if self.currency is not None:
            known_currency(self.currency)
        if self.legal_entity_id is not None:
            require_id(LegalEntity, self.legal_entity_id)
        given = {
            "name": self.name,
            "client_id": self.client_id,
            "engagement_id": self.engagement_id,
            "legal_entity_id": self.legal_entity_id,
            "currency": self.currency,
            "starts_on": self.starts_on,
            "ends_on": self.ends_on,
            "budget": _money(self.budget),
            "budget_minutes": self.budget_minutes,
        }
        return {name: value for name, value in given.items() if value is not None}


def _money(given: MoneyInput | None) -> Money | None:
    return parse_money(given.amount, given.currency) if given else None
