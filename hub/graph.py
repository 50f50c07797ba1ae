"""The graph: roots and nodes put together as one GraphQL schema, built once per process."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.printer import print_schema
from strawberry.schema.config import StrawberryConfig

from resolvers.context import Info
from resolvers.gate import Gate
from resolvers.limits import Limits
from resolvers.mutation import Mutation
from resolvers.nodes.canon import NODES
from resolvers.operation import Operation
from resolvers.query import Query
from resolvers.scalars import SCALARS
from resolvers.subscription import Subscription


class Graph(strawberry.Schema):
    """Execute with the Services as the context value."""

    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Nothing: `resolvers.errors` logs what it masks, and the rest is the client's business."""


def build_graph(limits: Limits | None = None) -> Graph:
    gate = Gate(limits or Limits())
    return Graph(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=list(NODES.values()),
        config=StrawberryConfig(info_class=Info, scalar_map=SCALARS),
        extensions=[lambda: Operation(gate, NODES)],
    )


def sdl() -> str:
    """The schema definition, as committed in `schema/schema.graphql`."""
    return print_schema(build_graph()) + "\n"
