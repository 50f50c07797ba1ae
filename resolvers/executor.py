"""The executor: plain fields are read directly, and what must be waited for is filled in later.

graphql-core spends a dozen calls on a field that is only an attribute, and wraps every object with
something to wait for in tasks of its own, level by level. Here a selection becomes readers once
per operation, and a value that arrives completes its field in the answer, where it belongs.
"""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from typing import Any

from graphql import GraphQLObjectType, GraphQLOutputType, OperationType, is_non_null_type
from graphql.pyutils import Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.arrivals import Arrival, Arrivals
from resolvers.readers import Rest
from resolvers.selections import Fields, Selections


class DirectExecutor(StrawberryGraphQLCoreExecutionContext):
    """Answers exactly what the executor it extends answers, errors included.

    An object with anything out of the ordinary (a null where none may be, a value that its type
    cannot print) is executed the library's way, which knows where and why to report it. So are
    mutations, whose fields wait for each other. Strawberry extensions that define `resolve` are
    not asked about plain fields.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._fills_in = self.operation.operation is not OperationType.MUTATION
        self.begin()

    def begin(self) -> None:
        """Remember nothing; graphql-core's memory too would grow with every event."""
        self._relevant_sub_fields = {}
        self._arrivals = Arrivals(self.is_awaitable)
        execute_rest = self._execute_rest if self._fills_in else None
        self._selections = Selections(self.schema, self.collect_subfields, execute_rest)

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
        readers, rest, _ = self._selections.of(parent_type, grouped_field_set)
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
        if is_non_null_type(return_type) or not self._fills_in:
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
            shown = self._selections.value(kind, nodes)(value, path, todo)
        except Exception:  # noqa: BLE001  # found again, and reported, the library's way
            return self.complete_value(kind, nodes, info, path, value, None)
        for execute in todo:
            execute()
        return shown

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

    def _joined(self, answer: Fields, others: Any) -> Any:
        """The plain fields with the others, in the order of the selection."""
        if self.is_awaitable(others):
            return _joined_later(answer, others)
        _join(answer, others)
        return answer


async def _joined_later(answer: Fields, others: Awaitable[Fields]) -> Fields:
    _join(answer, await others)
    return answer


def _join(answer: Fields, others: Fields) -> None:
    for name, value in others.items():
        if type(value) is Arrival:
            value.place(answer, name)
        else:
            answer[name] = value
