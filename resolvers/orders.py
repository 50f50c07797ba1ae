"""Order inputs, derived from the fields of a canonical type that have an order."""

from __future__ import annotations

from enum import Enum
from functools import cache
from operator import getitem
from typing import Annotated, Any, cast

import strawberry

from schema.entity import Owned, plural
from schema.listing import Listed, orderable_fields
from sync.ordering import Order


@strawberry.enum(description="Which way a list runs. What is unknown comes last either way.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("asc", description="The smallest, earliest or first word first.")
    DESC = strawberry.enum_value("desc", description="The largest, latest or last word first.")


@cache
def order_input(entity: type) -> Any:
    """The input type that orders a list of `entity`."""
    name, enum = entity.__name__, cast(Any, Enum)  # an enum whose name is worked out
    fields = enum(f"{name}OrderField", dict(map(_member, orderable_fields(entity).values())))
    annotations = {
        "field": strawberry.enum(fields, description=f"What {plural(entity)} can be ordered by."),
        "direction": OrderDirection,
    }
    members = {
        "field": strawberry.field(description="By which field."),
        "direction": strawberry.field(description="Which way.", default=OrderDirection.ASC),
    }
    declared = type(f"{name}Order", (), {**members, "__annotations__": annotations})
    return strawberry.input(
        declared,
        description=(
            "The order of the list; it is worked out in the projection. Text is compared in lower "
            "case, a status in the order of its declaration, and amounts within their currency."
        ),
    )


def _member(field: Listed) -> tuple[str, Any]:
    sunset = field.deprecated if isinstance(field, Owned) else None
    reason = sunset.reason if sunset else None
    declared = strawberry.enum_value(
        field.name, description=field.description, deprecation_reason=reason
    )
    return field.name.upper(), declared


def order_argument(entity: type) -> Any:
    """The annotation of a list's `orderBy`."""
    described = strawberry.argument(description="Its order; without one, that of the owner's keys.")
    return getitem(Annotated, (order_input(entity) | None, described))


def order_of(given: Any) -> Order | None:
    if given is None:
        return None
    return Order(field=given.field.value, is_descending=given.direction is OrderDirection.DESC)
