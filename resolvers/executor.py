"""The executor: plain fields are read directly, and what must be waited for is filled in later.

graphql-core spends a dozen calls on a field that is only an attribute, and wraps every object with
something to wait for in tasks of its own, level by level. Here a selection becomes readers once
per operation, and a value that arrives completes its field in the answer, where it belongs.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any, NamedTuple

from graphql import (
    GraphQLObjectType,
    GraphQLOutputType,
    OperationType,
    get_named_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.arrivals import Arrival, Arrivals
from resolvers.readers import Reader, Rest, cannot_read, completion, leave_open, plain_attribute

Fields = dict[str, Any]
"""Response name -> the selections of that name, as graphql-core groups them."""


class Selection(NamedTuple):
    """What is selected of one type: a reader for each plain field, and the fields that are not."""

    readers: tuple[tuple[str, Reader], ...]
    rest: Fields
    source: Fields
    """Kept, because selections are found by its id."""


class DirectExecutor(StrawberryGraphQLCoreExecutionContext):
    """Answers exactly what the executor it extends answers, errors included.

    An object with anything out of the ordinary (a null where none may be, a value that its type
    cannot print) is executed the library's way, which knows where and why to report it. Strawberry
    extensions that define `resolve` are not asked about plain fields.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._arrive = self.operation.operation is not OperationType.MUTATION
        self.begin()

    def begin(self) -> None:
        """Remember nothing; graphql-core's memory too would grow with every event."""
        self._relevant_sub_fields = {}
        self._selections: dict[int, Selection] = {}
        self._arrival_readers: dict[int, tuple[list[Any], Reader]] = {}
        self._arrivals = Arrivals(self.is_awaitable)

    def build_per_event_executor(self, payload: Any) -> DirectExecutor:
        executor: Any = super().build_per_event_executor(payload)
        executor.begin()
        return executor  # type: ignore[no-any-return]  # a copy of this one

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: Fields,
        position_context: Any,
    ) -> Any:
        readers, rest, _ = self._selection(parent_type, grouped_field_set)
        todo: list[Rest] = []
        try:
            answer = {name: read(source_value, path, todo) for name, read in readers}
        except Exception:  # noqa: BLE001  # found again, and reported, the library's way
            answer, rest, todo = {}, grouped_field_set, []
        for execute in todo:
            execute()
        whole: Any = answer
        if rest:
            others = super().execute_fields(parent_type, source_value, path, rest, position_context)
            whole = self._joined(answer, others)
        return self._arrivals.complete(whole) if path is None else whole

    def complete_awaitable_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: list[Any],
        info: Any,
        path: Path,
        result: Awaitable[Any],
        position_context: Any,
    ) -> Any:
        """An arrival, where an error goes no further than the field itself."""
        details = field_details_list
        if is_non_null_type(return_type) or not self._arrive:
            return super().complete_awaitable_value(
                return_type, details, info, path, result, position_context
            )
        return self._arrivals.expect(
            result,
            lambda value: self._completed(return_type, details, info, path, value),
            lambda error: self.handle_field_error(error, return_type, details, path),
        )

    def _completed(
        self, kind: GraphQLOutputType, nodes: list[Any], info: Any, path: Path, value: Any
    ) -> Any:
        """A value that has arrived: read where it can be, else completed the library's way."""
        todo: list[Rest] = []
        try:
            shown = self._arrival_reader(kind, nodes)(value, path, todo)
        except Exception:  # noqa: BLE001  # found again, and reported, the library's way
            return self.complete_value(kind, nodes, info, path, value, None)
        for execute in todo:
            execute()
        return shown

    def _arrival_reader(self, kind: GraphQLOutputType, nodes: list[Any]) -> Reader:
        _, found = self._arrival_readers.get(id(nodes), (None, None))
        if found is None:
            found = completion(kind, lambda inner: self._object_reader(inner, nodes)) or cannot_read
            self._arrival_readers[id(nodes)] = nodes, found
        return found

    def _joined(self, answer: Fields, others: Any) -> Any:
        """The plain fields with the others, in the order of the selection."""
        if self.is_awaitable(others):
            return _joined_later(answer, others)
        _join(answer, others)
        return answer

    def _selection(self, parent: GraphQLObjectType, fields: Fields) -> Selection:
        found = self._selections.get(id(fields))
        if found is None:
            readers = {name: self._reader(parent, nodes) for name, nodes in fields.items()}
            found = self._selections[id(fields)] = Selection(
                readers=tuple((name, read or leave_open) for name, read in readers.items()),
                rest={name: fields[name] for name, read in readers.items() if read is None},
                source=fields,
            )
        return found

    def _reader(self, parent: GraphQLObjectType, nodes: list[Any]) -> Reader | None:
        """The reader of one field; None when it is not plain."""
        name = nodes[0].node.name.value
        if name == "__typename":
            return lambda *_: parent.name
        definition = self.schema.get_field(parent, name)
        attribute = plain_attribute(definition)
        if definition is None or attribute is None:
            return None
        complete = completion(definition.type, lambda kind: self._object_reader(kind, nodes))
        if complete is None or is_leaf_type(get_named_type(definition.type)):
            return complete and (
                lambda source, path, todo: complete(getattr(source, attribute), path, todo)
            )
        key = nodes[0].node.alias or nodes[0].node.name
        return lambda source, path, todo: complete(
            getattr(source, attribute), Path(path, key.value, parent.name), todo
        )

    def _object_reader(self, kind: GraphQLObjectType, nodes: list[Any]) -> Reader | None:
        """Reads an object; None when a field that is not plain could fail the whole object."""
        collected = self.collect_subfields(kind, nodes)
        readers, rest, _ = self._selection(kind, collected.grouped_field_set)
        if collected.new_defer_usages or (rest and not self._goes_no_further(kind, rest)):
            return None
        is_type_of: Any = kind.is_type_of or _anything

        def read(value: Any, path: Path | None, todo: list[Rest]) -> Any:
            if value is None:
                return None
            if not is_type_of(value, None):
                raise TypeError("an object of another type")
            answer = {name: read(value, path, todo) for name, read in readers}
            if rest:
                todo.append(partial(self._execute_rest, kind, value, path, rest, answer))
            return answer

        return read

    def _goes_no_further(self, kind: GraphQLObjectType, rest: Fields) -> bool:
        """Whether each of the fields keeps its errors, and its waiting, to itself."""
        fields = [kind.fields.get(nodes[0].node.name.value) for nodes in rest.values()]
        return self._arrive and not any(
            field is None or is_non_null_type(field.type) for field in fields
        )

    def _execute_rest(
        self, kind: GraphQLObjectType, value: Any, path: Any, rest: Fields, answer: Fields
    ) -> None:
        others: Any = super().execute_fields(kind, value, path, rest, None)
        if self.is_awaitable(others):
            nodes = next(iter(rest.values()))
            self._arrivals.expect(
                others,
                partial(_join, answer),
                lambda error: self.handle_field_error(error, kind, nodes, path),
            )
        else:
            _join(answer, others)


def _anything(_value: Any, _info: Any) -> bool:
    return True


async def _joined_later(answer: Fields, others: Awaitable[Fields]) -> Fields:
    _join(answer, await others)
    return answer


def _join(answer: Fields, others: Fields) -> None:
    for name, value in others.items():
        if type(value) is Arrival:
            value.place(answer, name)
        else:
            answer[name] = value
