"""An executor that reads plain fields directly.

Most of an answer are attributes of objects that are at hand: no resolver, no arguments, nothing to
wait for. The library spends a dozen calls on each; here a selection is turned into readers once
per operation, and an object costs one call per field.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache, partial
from typing import Any, NamedTuple

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter

Reader = Callable[[Any], Any]
"""Answers a field's completed value for an object, or raises."""

Fields = dict[str, Any]
"""Response name -> the selections of that name, as the executor groups them."""


class Selection(NamedTuple):
    """What is selected of one type: a reader for each plain field, and the fields that are not."""

    readers: tuple[tuple[str, Reader], ...]
    rest: Fields
    source: Fields
    """Kept, because selections are found by its id."""


class PlainFields(StrawberryGraphQLCoreExecutionContext):
    """Answers exactly what the executor it extends answers, errors included.

    Whatever is out of the ordinary in an object (a null where none may be, a value that its type
    cannot print) sends the whole object the usual way, which knows where and why to report it.
    Strawberry extensions that define `resolve` are not asked about plain fields.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._selections: dict[int, Selection] = {}

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Fields,
        position_context: Any,
    ) -> Any:
        execute = super().execute_fields
        readers, rest, _ = self._selection(parent_type, grouped_field_set)
        try:
            answer = {name: read(source_value) for name, read in readers}
        except Exception:  # noqa: BLE001  # found again, and reported, the usual way
            return execute(parent_type, source_value, path, grouped_field_set, position_context)
        if not rest:
            return answer
        others: Any = execute(parent_type, source_value, path, rest, position_context)
        if self.is_awaitable(others):
            return _joined(answer, others)
        answer.update(others)
        return answer

    def _selection(self, parent: GraphQLObjectType, fields: Fields) -> Selection:
        found = self._selections.get(id(fields))
        if found is None:
            readers = {name: self._reader(parent, nodes) for name, nodes in fields.items()}
            found = self._selections[id(fields)] = Selection(
                readers=tuple((name, read or _awaited) for name, read in readers.items()),
                rest={name: fields[name] for name, read in readers.items() if read is None},
                source=fields,
            )
        return found

    def _reader(self, parent: GraphQLObjectType, nodes: list[Any]) -> Reader | None:
        """The reader of one field; None when it is not plain."""
        name = nodes[0].node.name.value
        if name == "__typename":
            return lambda _: parent.name
        definition = self.schema.get_field(parent, name)
        attribute = _attribute(definition) if definition else None
        complete = self._completion(definition.type, nodes) if definition and attribute else None
        if attribute is None or complete is None:
            return None
        return lambda source: complete(getattr(source, attribute))

    def _completion(self, kind: GraphQLOutputType, nodes: list[Any]) -> Reader | None:
        """What makes an attribute's value the field's; None when it takes more than reading."""
        if is_non_null_type(kind):
            inner = self._completion(kind.of_type, nodes)
            return inner and _required(inner)
        inner = None
        if is_leaf_type(kind):
            inner = _printer(kind)
        elif is_list_type(kind):
            part = self._completion(kind.of_type, nodes)
            inner = part and _each(part)
        elif is_object_type(kind) and kind.is_type_of is None:
            inner = self._value_object(kind, nodes)
        return inner and _optional(inner)

    def _value_object(self, kind: GraphQLObjectType, nodes: list[Any]) -> Reader | None:
        collected = self.collect_subfields(kind, nodes)
        readers, rest, _ = self._selection(kind, collected.grouped_field_set)
        if rest or collected.new_defer_usages:
            return None
        return lambda value: {name: read(value) for name, read in readers}


async def _joined(answer: dict[str, Any], others: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    answer.update(await others)
    return answer


def _attribute(definition: GraphQLField) -> str | None:
    """The attribute that a field without a resolver shows."""
    field: Any = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    is_plain = field and field.is_basic_field and field.default_resolver is getattr
    return field.python_name if is_plain else None


def _awaited(_: Any) -> None:
    """Holds the place of a field that is not plain, so that an answer keeps its order."""


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
    complete = partial(PlainFields.complete_leaf_value, kind)
    if kind.name not in ("ID", "String"):
        return complete
    return lambda value: value if type(value) is str else complete(value)
