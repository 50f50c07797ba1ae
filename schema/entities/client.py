"""Client: a firm that buys professional services."""

from datetime import date
from enum import Enum

import strawberry

from schema.entity import FilterOp, Sunset, entity, owned_by
from schema.groups import CLIENT_ACCOUNTING, CLIENT_COMMERCIAL
from schema.ids import ClientId
from schema.part import field, part


@strawberry.enum(description="The market segment the account team works the client in.")
class Segment(Enum):
    ENTERPRISE = strawberry.enum_value("enterprise", description="Large firms.")
    MIDMARKET = strawberry.enum_value("midmarket", description="Firms of middle size.")
    SMALL = strawberry.enum_value("small", description="Small firms.")


@strawberry.enum(description="Whether finance lets the firm work on credit for the client.")
class CreditStatus(Enum):
    CLEAR = strawberry.enum_value("clear", description="It does.")
    WATCH = strawberry.enum_value("watch", description="It does, and looks at each invoice.")
    BLOCKED = strawberry.enum_value("blocked", description="It does not.")


@part()
class Address:
    """A postal address."""

    street: str = field("Street and number.")
    city: str = field("Postal code and town.")
    country: str = field("ISO 3166-1 alpha-2 country.")
    is_bill_to: bool = field("Whether invoices go there.")


@part()
class TaxId:
    """A tax number of the client; a hint for matching, never its identity."""

    country: str = field("ISO 3166-1 alpha-2 country.")
    kind: str = field("What it is called there, for example VAT.")
    number: str = field("The number.")


@entity(prefix="cli")
class Client:
    """A firm that buys professional services."""

    id: ClientId = owned_by(CLIENT_COMMERCIAL, description="Canonical id.")
    name: str = owned_by(
        CLIENT_COMMERCIAL,
        description="Legal name, as it is registered.",
        filters=(FilterOp.CONTAINS,),
        is_searched=True,
    )
    segment: Segment | None = owned_by(
        CLIENT_COMMERCIAL, description="Market segment.", filters=(FilterOp.IN,), default=None
    )
    account_manager: str | None = owned_by(
        CLIENT_COMMERCIAL,
        description="E-mail address of the account manager.",
        filters=(FilterOp.IN,),
        default=None,
    )
    trading_name: str | None = owned_by(
        CLIENT_COMMERCIAL, description="The name it trades under.", is_searched=True, default=None
    )
    language: str | None = owned_by(
        CLIENT_COMMERCIAL, description="BCP 47 language of its documents.", default=None
    )
    parent_id: ClientId | None = owned_by(
        CLIENT_COMMERCIAL,
        description="The client it belongs to.",
        filters=(FilterOp.IN,),
        default=None,
    )
    bill_to: str | None = owned_by(
        CLIENT_ACCOUNTING,
        description="Bill-to address.",
        deprecated=Sunset(use="addresses", last_day=date(2027, 6, 30)),
        default=None,
    )
    tax_id: str | None = owned_by(
        CLIENT_ACCOUNTING,
        description="Tax registration number.",
        deprecated=Sunset(use="tax_ids", last_day=date(2027, 6, 30)),
        default=None,
    )
    addresses: list[Address] | None = owned_by(
        CLIENT_ACCOUNTING, description="Its addresses; one gets the invoices.", default=None
    )
    tax_ids: list[TaxId] | None = owned_by(
        CLIENT_ACCOUNTING, description="Every tax number it has.", default=None
    )
    default_currency: str | None = owned_by(
        CLIENT_ACCOUNTING, description="ISO 4217 code it is invoiced in.", default=None
    )
    payment_terms_days: int | None = owned_by(
        CLIENT_ACCOUNTING, description="Net days until an invoice is due.", default=None
    )
    credit_status: CreditStatus | None = owned_by(
        CLIENT_ACCOUNTING, description="Credit status.", filters=(FilterOp.IN,), default=None
    )
