"""Search in the graph: one text over all the types that people look records up by."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Any, cast

import strawberry
from strawberry.utils.str_converters import to_camel_case

from resolvers.context import Info
from resolvers.nodes.node import Node, node_of
from resolvers.paging import After, Connection, Size, size_of
from resolvers.policies import Read, policy_of
from resolvers.selection import CONNECTION_ROUTES, selected_fields
from schema.canon import ENTITIES
from schema.entity import entity_name
from schema.listing import searched_fields

SEARCHED: Mapping[str, type] = {
    entity_name(entity): entity for entity in ENTITIES if searched_fields(entity)
}
_ROUTES = tuple((*route, "record") for route in CONNECTION_ROUTES)
_enum = cast(Any, Enum)
SearchType: Any = strawberry.enum(
    _enum(
        "SearchType",
        {
            name.upper(): strawberry.enum_value(name, description=entity.__doc__)
            for name, entity in SEARCHED.items()
        },
    ),
    description="The types that can be searched.",
)


@strawberry.type(description="A record that was found, and by what.")
class SearchHit:
    record: Node = strawberry.field(description="The record, read as the policy says.")
    field: str = strawberry.field(description="The field it was found by.")
    matched: str = strawberry.field(description="What the field holds.")


async def search(
    info: Info,
    text: Annotated[
        str,
        strawberry.argument(
            description="The start or a part of a number, code, name or e-mail address; at least "
            "2 characters, upper or lower case."
        ),
    ],
    types: Annotated[
        list[SearchType] | None, strawberry.argument(description="Only these types.")
    ] = None,
    first: Size = None,
    after: After = None,
    read: Read = None,
) -> Connection[SearchHit]:
    names = list(SEARCHED) if types is None else [member.value for member in types]
    scope = info.request.scope(policy_of(read))
    fields = {
        SEARCHED[name]: selected_fields(info.syntax, SEARCHED[name], _ROUTES) for name in names
    }
    page = await scope.load_found(text, fields, size_of(first), after, info.root_path)
    return Connection(
        nodes=[
            SearchHit(
                record=node_of(hit.record, scope), field=to_camel_case(hit.field), matched=hit.text
            )
            for hit in page.hits
        ],
        cursor_at=page.cursors.__getitem__,
        has_next=page.has_next,
        has_previous=after is not None,
        ends=page.ends,
    )
