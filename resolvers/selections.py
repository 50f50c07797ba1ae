"""What an operation selects, as readers: made once per selection, whatever it meets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from graphql import (
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.pyutils import Path

from resolvers.readers import Reader, Rest, cannot_read, completion, leave_open, plain_attribute

Fields = dict[str, Any]
"""Response name -> the selections of that name, as graphql-core groups them."""


class Selection(NamedTuple):
    """What is selected of one type: a reader for each plain field, and the fields that are not."""

    readers: tuple[tuple[str, Reader], ...]
    rest: Fields
    source: Fields
    """Kept, because selections are found by its id."""


class Selections:
    """Those of one operation.

    `collect` answers what is selected of an object type below a field; `execute_rest` executes
    what is not plain of an object that was read, None where that could fail or delay the object.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        collect: Callable[[GraphQLObjectType, list[Any]], Any],
        execute_rest: Callable[..., None] | None,
    ) -> None:
        self._schema = schema
        self._collect = collect
        self._execute_rest = execute_rest
        self._selections: dict[int, Selection] = {}
        self._values: dict[int, tuple[list[Any], Reader]] = {}

    def of(self, parent: GraphQLObjectType, fields: Fields) -> Selection:
        found = self._selections.get(id(fields))
        if found is None:
            readers = {name: self._field(parent, name, nodes) for name, nodes in fields.items()}
            found = self._selections[id(fields)] = Selection(
                readers=tuple((name, read or leave_open) for name, read in readers.items()),
                rest={name: fields[name] for name, read in readers.items() if read is None},
                source=fields,
            )
        return found

    def value(self, kind: GraphQLOutputType, nodes: list[Any]) -> Reader:
        """The reader of what a resolver has answered; it raises when there is more to it."""
        _, found = self._values.get(id(nodes), (None, None))
        if found is None:
            found = completion(kind, lambda inner: self._object(inner, nodes)) or cannot_read
            self._values[id(nodes)] = nodes, found
        return found

    def _field(self, parent: GraphQLObjectType, shown_as: str, nodes: list[Any]) -> Reader | None:
        """The reader of one field; None when it is not plain."""
        name = nodes[0].node.name.value
        if name == "__typename":
            return lambda *_: parent.name
        definition = self._schema.get_field(parent, name)
        attribute = plain_attribute(definition)
        if definition is None or attribute is None:
            return None
        complete = completion(definition.type, lambda kind: self._object(kind, nodes))
        if complete is None:
            return None
        if is_leaf_type(get_named_type(definition.type)):
            return lambda source, path, todo: complete(getattr(source, attribute), path, todo)
        return lambda source, path, todo: complete(
            getattr(source, attribute), Path(path, shown_as, parent.name), todo
        )

    def _object(self, kind: GraphQLObjectType, nodes: list[Any]) -> Reader | None:
        """Reads an object; None when a field that is not plain could fail or delay it."""
        collected = self._collect(kind, nodes)
        readers, rest, _ = self.of(kind, collected.grouped_field_set)
        execute_rest = self._execute_rest
        if collected.new_defer_usages or (rest and not (execute_rest and _nullable(kind, rest))):
            return None
        is_type_of: Any = kind.is_type_of or _anything

        def read(value: Any, path: Path | None, todo: list[Rest]) -> Any:
            if value is None:
                return None
            if not is_type_of(value, None):
                raise TypeError("an object of another type")
            answer = {name: read_field(value, path, todo) for name, read_field in readers}
            if rest and execute_rest:
                todo.append(partial(execute_rest, kind, value, path, rest, answer))
            return answer

        return read


def _nullable(kind: GraphQLObjectType, fields: Fields) -> bool:
    """Whether each of the fields keeps its errors to itself."""
    found = [kind.fields.get(nodes[0].node.name.value) for nodes in fields.values()]
    return not any(field is None or is_non_null_type(field.type) for field in found)


def _anything(_value: Any, _info: Any) -> bool:
    return True
