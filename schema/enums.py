"""Enums that the graph explains and code reads the plain values of, or that know no GraphQL."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

import strawberry

E = TypeVar("E", bound=Enum)


def explained(enum: type[E], description: str, values: Mapping[E, str]) -> None:
    """Declare the enum to the graph. Raises KeyError for a value that nobody explains."""
    strawberry.enum(enum, description=description)
    definition = enum.__strawberry_definition__  # type: ignore[attr-defined]  # set by strawberry
    for value in definition.values:
        value.description = values[enum(value.value)]
