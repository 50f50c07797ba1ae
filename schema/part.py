"""Parts: values that live inside a canonical record and have no id of their own.

An invoice's lines, a client's addresses. The GraphQL type, the JSON in the projection and the
reading of a system's own spelling derive from the one declaration.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, dataclass_transform, get_type_hints

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from schema.entity import ID_TYPES, Owner, edge_name
from schema.system import System

T = TypeVar("T")


def field(description: str, **default: Any) -> Any:
    """Declare a field of a part; one that may be unknown needs `default=None`.

    An id is declared by what the record is that it names; that is said of the edge to the record.
    """
    return strawberry.field(
        description=description, metadata={"description": description}, **default
    )


def figure(description: str) -> Any:
    """Declare a field of a part that the hub works out itself."""
    return strawberry.field(description=description, directives=[Owner(system=System.HUB)])


@dataclass_transform(kw_only_default=True, field_specifiers=(field, figure))
def part() -> Callable[[type[T]], type[T]]:
    """Declare a part. Its fields are scalars, ids, enums, dates, Money, Rate, FxRate or
    lists of text."""

    def declare(cls: type[T]) -> type[T]:
        declared = strawberry.type(cls, description=(cls.__doc__ or "").strip())
        declared.__concord_part__ = True  # type: ignore[attr-defined]  # read by `is_part` below
        _complete(declared)
        return declared

    return declare


def _complete(part_type: type) -> None:
    """Say of ids whose they are, as `schema.entity` does of those of a record."""
    kinds = part_fields(part_type)
    for one in dataclasses.fields(part_type):
        if isinstance(one, StrawberryField) and kinds[one.name] in ID_TYPES and one.metadata:
            one.description = f"Id of `{to_camel_case(edge_name(one.name))}`."


def is_part(annotation: Any) -> bool:
    return isinstance(annotation, type) and "__concord_part__" in vars(annotation)


@cache
def part_fields(part_type: type) -> dict[str, Any]:
    """Field name -> annotation, in declaration order."""
    hints = get_type_hints(part_type)
    return {one.name: hints[one.name] for one in dataclasses.fields(part_type)}
