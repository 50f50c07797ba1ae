"""What the events of every subscription have: a cursor to go on from, and the record now."""

from __future__ import annotations

from typing import Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.loaders import Wanted
from resolvers.nodes.canon import nullable_node
from resolvers.nodes.node import node_of
from resolvers.selection import selected_fields

CURSOR = "Pass the last one seen as `after` to go on without a gap or a repeat."
After = Annotated[
    str | None,
    strawberry.argument(description="Send first what followed this event's cursor."),
]


def record_now(entity: type) -> Any:
    """The field of an event, which has a `record_id` and a `policy`, that reads its record."""

    async def resolve(root: Any, info: Info) -> Any:
        scope = info.request.scope(root.policy)
        wanted = Wanted(fields=selected_fields(info.syntax, entity), path=info.root_path)
        record = await scope.load_root(entity, root.record_id, wanted)
        return node_of(record, scope) if record else None

    return strawberry.field(
        resolver=resolve,
        graphql_type=nullable_node(entity),
        description="The record as it is now; null once it was deleted.",
    )
