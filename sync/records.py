"""Records: canonical values with word of where each owner's part came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from schema.money import Money
from schema.rate import Rate
from schema.system import System

Values = Mapping[str, Any]
"""Canonical field name -> canonical value: Enum members, Money, Rate, date, canonical ids."""


class Source(Enum):
    OWNER = "owner"
    PROJECTION = "projection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where one owner's part of a record came from.

    `as_of` is the moment the part was known to be true at its owner. `reason` is the code of the
    fault that made the projection answer in the owner's place.
    """

    owner: System
    record_key: str | None
    as_of: datetime | None
    source: Source
    version: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A canonical record, with the parts that were asked for."""

    entity: type
    id: str
    values: Values
    provenance: Mapping[System, Provenance]


def json_form(value: Any) -> Any:
    """A canonical value as JSON holds it: words, ISO dates, exact decimals as text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Money):
        return {"amount": json_form(value.amount), "currency": value.currency}
    if isinstance(value, Rate):
        amount, per = json_form(value.amount), json_form(value.per)
        return {"amount": amount, "currency": value.currency, "per": per}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, list | tuple):
        return [json_form(part) for part in value]
    return value
