"""Readers: how the plain fields of an answer are taken from objects, without an executor."""

from __future__ import annotations

from collections.abc import Callable
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
from graphql.pyutils import Path
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter

Answer = dict[str, Any]
Rest = Callable[[], None]
"""Executes those fields of an object that are not plain, once all that is plain has been read."""

Reader = Callable[[Any, Path | None, list[Rest]], Any]
"""Answers what a response shows of a value at a path, or raises; notes what is left to do."""


def plain_attribute(definition: GraphQLField | None) -> str | None:
    """The attribute that a field without a resolver shows."""
    extensions = definition.extensions if definition else {}
    field: Any = extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    is_plain = field and field.is_basic_field and field.default_resolver is getattr
    return field.python_name if is_plain else None


def leave_open(_value: Any, _path: Path | None, _todo: list[Rest]) -> None:
    """Holds the place of a field that is not plain, so that an answer keeps its order."""


def cannot_read(_value: Any, _path: Path | None, _todo: list[Rest]) -> None:
    """Where completing a value takes more than reading."""
    raise TypeError("not plain")


def completion(
    kind: GraphQLOutputType, read_object: Callable[[GraphQLObjectType], Reader | None]
) -> Reader | None:
    """What completes a value of a type; None when that takes more than reading.

    `read_object` answers the reader of an object type's selection.
    """
    if is_non_null_type(kind):
        inner = completion(kind.of_type, read_object)
        return inner and _required(inner)
    if is_leaf_type(kind):
        return _leaf(_printer(kind))
    if is_list_type(kind):
        part = completion(kind.of_type, read_object)
        return part and _each(part)
    return read_object(kind) if is_object_type(kind) else None


def _required(complete: Reader) -> Reader:
    def read(value: Any, path: Path | None, todo: list[Rest]) -> Any:
        if value is None:
            raise TypeError("null where none may be")
        return complete(value, path, todo)

    return read


def _leaf(show: Callable[[Any], Any]) -> Reader:
    return lambda value, _path, _todo: None if value is None else show(value)


def _each(complete: Reader) -> Reader:
    def read(values: Any, path: Path | None, todo: list[Rest]) -> Any:
        if values is None:
            return None
        if not isinstance(values, list | tuple):
            raise TypeError("no list")
        return [complete(value, Path(path, at, None), todo) for at, value in enumerate(values)]

    return read


@lru_cache(1024)
def _printer(kind: Any) -> Callable[[Any], Any]:
    """A leaf type's spelling of a value; for an enum, a table of its members."""
    if isinstance(kind, CustomGraphQLEnumType):
        members: Any = kind.wrapped_cls
        return {one: kind.coerce_output_value(one) for one in members}.__getitem__
    complete = partial(Executor.complete_leaf_value, kind)
    if kind.name not in ("ID", "String"):
        return complete
    return lambda value: value if type(value) is str else complete(value)
