"""Records: canonical values with word of where each owner's part came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from schema.entity import derived_fields
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


def with_derived(entity: type, values: Values) -> Values:
    """The values and, of each derived field, the first of its sources that is known."""
    derived = derived_fields(entity).items()
    return {**values, **{name: field.of(values) for name, field in derived}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A canonical record, with the parts that were asked for."""

    entity: type
    id: str
    values: Values
    provenance: Mapping[System, Provenance]
