"""What a list of a canonical type can be narrowed and ordered by, derived from its fields."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache

from schema.entity import FirstOf, Owned, anchor, bare_type, derived_fields, owned_fields
from schema.minutes import Minutes
from schema.money import Money
from schema.system import System

Listed = Owned | FirstOf
"""A field of a canonical type, stored or derived."""

_IN_ORDER = (int, Decimal, date, datetime, Minutes, Money)


@cache
def listed_fields(entity: type) -> dict[str, Listed]:
    """Every field but `id`, in declaration order, derived ones last."""
    return {**owned_fields(entity), **derived_fields(entity)}


@cache
def filterable_fields(entity: type) -> dict[str, Listed]:
    """The fields that a list may be narrowed by."""
    return {name: field for name, field in listed_fields(entity).items() if field.filters}


@cache
def orderable_fields(entity: type) -> dict[str, Listed]:
    """The fields in whose order people read a list.

    Numbers, amounts, days, moments and words of an enum have an order of their own. Text has one
    where people look for records by it: where it is searched, or a list is narrowed by it.
    """
    return {name: field for name, field in listed_fields(entity).items() if _is_orderable(field)}


@cache
def searched_fields(entity: type) -> tuple[str, ...]:
    """The fields a record is found by when people type what they know of it."""
    return tuple(field.name for field in owned_fields(entity).values() if field.is_searched)


def is_at_anchor(entity: type, field: Listed) -> bool:
    """Whether the anchor owns the field, and so can narrow its own lists by it."""
    return isinstance(field, Owned) and field.owner is anchor(entity)


def deciding_systems(entity: type, names: frozenset[str]) -> tuple[System, ...]:
    """Whose words decide which records a list holds, the anchor first."""
    listed = listed_fields(entity)
    owners = [owner for name in sorted(names) for owner in listed[name].owners]
    return tuple(dict.fromkeys([anchor(entity), *owners]))


def _is_orderable(field: Listed) -> bool:
    bare = bare_type(field.type)
    if bare is str:
        return bool(field.filters) or (isinstance(field, Owned) and field.is_searched)
    return bare in _IN_ORDER or (isinstance(bare, type) and issubclass(bare, Enum))
