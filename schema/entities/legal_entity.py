"""LegalEntity: a company of the firm, which contracts, employs and issues invoices."""

from decimal import Decimal
from enum import Enum

import strawberry

from schema.entity import FilterOp, entity, owned_by
from schema.groups import LEGAL_ENTITIES
from schema.ids import LegalEntityId
from schema.local_time import TimeZone
from schema.part import field, part
from schema.rounding import (
    DEFAULT_POLICY,
    NetRounding,
    RoundingMode,
    RoundingPolicy,
    TaxRounding,
)


@strawberry.enum(description="Whether the ledger takes postings dated in the period.")
class PeriodState(Enum):
    OPEN = strawberry.enum_value("open", description="It does.")
    CLOSED = strawberry.enum_value("closed", description="It does not.")


@part()
class TaxRegistration:
    """A tax number in one country."""

    country: str = field("ISO 3166-1 alpha-2 country.")
    kind: str = field("What it is called there, for example VAT.")
    number: str = field("The number, as printed on invoices.")


@part()
class FiscalPeriod:
    """One month of the ledger."""

    period: str = field("Year and month, `2026-03`.")
    state: PeriodState = field("Whether postings may be dated in it.")


@part()
class EntityRounding:
    """How the ledger of record rounds; never a constant of the hub."""

    net: NetRounding = field("Where net amounts are rounded.")
    tax: TaxRounding = field("Where tax is rounded.")
    mode: RoundingMode = field("Where half a step goes.")
    precision: Decimal = field("The step of what is to pay: 0.01, 0.05 or 1.")


def policy_of(rounding: EntityRounding | None) -> RoundingPolicy:
    """The policy that the ledger's words stand for; the default where it says none."""
    if rounding is None:
        return DEFAULT_POLICY
    return RoundingPolicy(
        net_rounding=rounding.net,
        tax_rounding=rounding.tax,
        mode=rounding.mode,
        precision=rounding.precision,
    )


@entity(prefix="ent", plural="LegalEntities")
class LegalEntity:
    """A company of the firm, which contracts, employs and issues invoices."""

    id: LegalEntityId = owned_by(LEGAL_ENTITIES, description="Canonical id.")
    code: str = owned_by(
        LEGAL_ENTITIES, description="Company code.", filters=(FilterOp.IN,), is_searched=True
    )
    name: str | None = owned_by(
        LEGAL_ENTITIES,
        description="Registered name.",
        filters=(FilterOp.CONTAINS,),
        is_searched=True,
        default=None,
    )
    country: str | None = owned_by(
        LEGAL_ENTITIES, description="ISO 3166-1 alpha-2 country of registration.", default=None
    )
    functional_currency: str | None = owned_by(
        LEGAL_ENTITIES, description="ISO 4217 code the books are kept in.", default=None
    )
    time_zone: TimeZone | None = owned_by(
        LEGAL_ENTITIES, description="IANA zone of its business days.", default=None
    )
    tax_registrations: list[TaxRegistration] | None = owned_by(
        LEGAL_ENTITIES, description="Where it is registered for tax.", default=None
    )
    rounding: EntityRounding | None = owned_by(
        LEGAL_ENTITIES, description="How its documents are rounded.", default=None
    )
    fiscal_year_start_month: int | None = owned_by(
        LEGAL_ENTITIES, description="First month of its fiscal year, 1-12.", default=None
    )
    invoice_series: str | None = owned_by(
        LEGAL_ENTITIES, description="Prefix of its invoice numbers, without gaps.", default=None
    )
    periods: list[FiscalPeriod] | None = owned_by(
        LEGAL_ENTITIES, description="The months of its ledger.", default=None
    )
