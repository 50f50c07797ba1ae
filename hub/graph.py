"""The graph: roots and nodes put together as one GraphQL schema, built once per process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.graphql import OperationType

from resolvers.context import Info
from resolvers.executor import DirectExecutor
from resolvers.gate import Gate
from resolvers.limits import Limits
from resolvers.mutation import Mutation
from resolvers.nodes.canon import NODES, PARTS
from resolvers.operation import Operation
from resolvers.query import Query
from resolvers.scalars import SCALARS
from resolvers.subscription import Subscription
from resolvers.thin import thin_resolvers


class Graph(strawberry.Schema):
    """Execute with the Services as the context value."""

    def __init__(self, limits: Limits) -> None:
        gate = Gate(limits, lambda: self._schema)
        super().__init__(
            query=Query,
            mutation=Mutation,
            subscription=Subscription,
            types=list(NODES.values()),
            execution_context_class=DirectExecutor,
            config=StrawberryConfig(info_class=Info, scalar_map=SCALARS),
            extensions=[lambda: Operation(gate, {**NODES, **PARTS})],
        )
        thin_resolvers(self._schema)
        for argument in _arguments(self._schema):
            if argument.default_value is None:
                argument.default_value = Undefined  # optional says it already; `= null` is noise

    async def execute(self, *args: Any, **options: Any) -> Any:
        """One answer to a query or mutation; a subscription has many and needs `stream`."""
        allowed = {OperationType.QUERY, OperationType.MUTATION}
        return await super().execute(*args, **options | {"allowed_operation_types": allowed})

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Nothing: `resolvers.errors` logs what it masks, and the rest is the client's business."""


def _arguments(schema: GraphQLSchema) -> Iterator[GraphQLArgument | GraphQLInputField]:
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            yield from kind.fields.values()
        if isinstance(kind, GraphQLObjectType):
            for field in kind.fields.values():
                yield from field.args.values()


def sdl() -> str:
    """The schema definition, as committed in `schema/schema.graphql`."""
    return print_schema(Graph(Limits())) + "\n"
