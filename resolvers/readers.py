"""Readers: how the plain fields of an answer are taken from an object, without an executor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

from graphql import (
    Executor,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter

Reader = Callable[[Any], Any]
"""Answers what a response shows of a value, or raises."""


def plain_attribute(definition: GraphQLField | None) -> str | None:
    """The attribute that a field without a resolver shows."""
    extensions = definition.extensions if definition else {}
    field: Any = extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    is_plain = field and field.is_basic_field and field.default_resolver is getattr
    return field.python_name if is_plain else None


def leave_open(_: Any) -> None:
    """Holds the place of a field that is not plain, so that an answer keeps its order."""


def completion(
    kind: GraphQLOutputType, value_object: Callable[[GraphQLObjectType], Reader | None]
) -> Reader | None:
    """What completes a value of a type; None when that takes more than reading.

    `value_object` answers the reader of an object type's selection.
    """
    if is_non_null_type(kind):
        inner = completion(kind.of_type, value_object)
        return inner and _required(inner)
    inner = None
    if is_leaf_type(kind):
        inner = _printer(kind)
    elif is_list_type(kind):
        part = completion(kind.of_type, value_object)
        inner = part and _each(part)
    elif is_object_type(kind) and kind.is_type_of is None:
        inner = value_object(kind)
    return inner and _optional(inner)


def _required(complete: Reader) -> Reader:
    def read(value: Any) -> Any:
        if value is None:
            raise TypeError("null where none may be")
        return complete(value)

    return read


def _optional(complete: Reader) -> Reader:
    return lambda value: None if value is None else complete(value)


def _each(complete: Reader) -> Reader:
    def read(values: Iterable[Any]) -> list[Any]:
        if not isinstance(values, list | tuple):
            raise TypeError("no list")
        return [complete(value) for value in values]

    return read


@lru_cache(1024)
def _printer(kind: Any) -> Reader:
    """A leaf type's spelling of a value; for an enum, a table of its members."""
    if isinstance(kind, CustomGraphQLEnumType):
        members: Iterable[Any] = kind.wrapped_cls
        return {one: kind.coerce_output_value(one) for one in members}.__getitem__
    complete = partial(Executor.complete_leaf_value, kind)
    if kind.name not in ("ID", "String"):
        return complete
    return lambda value: value if type(value) is str else complete(value)
