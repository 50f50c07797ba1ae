"""The roots of every query: one object by id, several of them, or a page of a list."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import Annotated, Any

import strawberry

from resolvers.boards import project_board, receivables, unbilled_work
from resolvers.context import Info
from resolvers.filters import filter_argument, filters_of
from resolvers.loaders import Wanted
from resolvers.nodes.canon import connection_of, nullable_node
from resolvers.nodes.node import Node, connection, node_of
from resolvers.operations import operations
from resolvers.orders import order_argument, order_of
from resolvers.ownership import ownership
from resolvers.paging import After, Before, First, Last, paging
from resolvers.policies import Read, policy_of
from resolvers.search import search
from resolvers.selection import CONNECTION_ROUTES, reads_page, selected_fields
from resolvers.tombstones import MOST_NODES, Tombstone, require_few, tombstones
from schema.canon import ENTITIES, entity_of, require_id
from schema.entity import anchor, entity_name, plural, prefix
from sync.policy import NO_PAGE

Id = Annotated[strawberry.ID, strawberry.argument(description="Canonical id.")]
Ids = Annotated[
    list[strawberry.ID],
    strawberry.argument(description=f"Canonical ids of any types, at most {MOST_NODES}."),
]


def one(entity: type) -> Any:
    """The field that finds one object by its id; null when there is none."""

    def resolve(info: Info, id: Id, read: Read = None) -> Awaitable[Any]:
        require_id(entity, id)
        return load_node(info, entity, id, read)

    return strawberry.field(
        resolver=resolve,
        graphql_type=nullable_node(entity),
        description=f"The {entity.__name__} with this id (`{prefix(entity)}_...`), or null.",
    )


def page(entity: type) -> Any:
    """The field that lists objects, page by page; `sync.lists` says who cuts the pages."""

    async def resolve(
        info: Info,
        first: First = None,
        last: Last = None,
        after: After = None,
        before: Before = None,
        filter: Any = None,
        order_by: Any = None,
        read: Read = None,
    ) -> Any:
        bounds = paging(first, last, after, before)
        wanted = Wanted(
            fields=selected_fields(info.syntax, entity, CONNECTION_ROUTES), path=info.root_path
        )
        scope = info.request.scope(policy_of(read))
        narrowed, order = filters_of(entity, filter), order_of(order_by)
        found = NO_PAGE
        if reads_page(info.syntax):
            found = await scope.load_page(entity, narrowed, order, bounds, wanted)
        return connection(found, scope, partial(scope.load_count, entity, narrowed, info.root_path))

    resolve.__annotations__["filter"] = filter_argument(entity)
    resolve.__annotations__["order_by"] = order_argument(entity)
    return strawberry.field(
        resolver=resolve,
        graphql_type=connection_of(entity),
        description=(
            f"{plural(entity)}, in the order of their keys in {anchor(entity).name} unless "
            "`orderBy` says another."
        ),
    )


def load_node(info: Info, entity: type, record_id: str, read: Any) -> Awaitable[Any]:
    """One object by id, with what the field selects of it."""
    wanted = Wanted(fields=selected_fields(info.syntax, entity), path=info.root_path)
    scope = info.request.scope(policy_of(read))

    async def load() -> Any:
        record = await scope.load_root(entity, record_id, wanted)
        return node_of(record, scope) if record else None

    return load()


async def load_nodes(info: Info, ids: Sequence[str], read: Any) -> list[Any]:
    """Objects of any types in the order asked, None for one that nobody knows.

    One batched read per type; a type that cannot be read at all is one error and no objects.
    """
    require_few(ids)
    asked: dict[type, list[str]] = {}
    for record_id in dict.fromkeys(ids):
        asked.setdefault(entity_of(record_id), []).append(record_id)
    scope = info.request.scope(policy_of(read))
    wanted = {
        entity: Wanted(fields=selected_fields(info.syntax, entity), path=info.root_path)
        for entity in asked
    }
    found = await asyncio.gather(
        *(scope.load_all(entity, some, wanted[entity]) for entity, some in asked.items())
    )
    known = {record_id: record for records in found for record_id, record in records.items()}
    return [node_of(known[i], scope) if i in known else None for i in ids]


async def node(info: Info, id: Id, read: Read = None) -> Node | None:
    found: Node | None = await load_node(info, entity_of(id), id, read)
    return found


async def nodes(info: Info, ids: Ids, read: Read = None) -> list[Node | None]:
    return await load_nodes(info, ids, read)


async def deleted(info: Info, ids: Ids) -> list[Tombstone]:
    return await tombstones(info, ids)


def _list_name(entity: type) -> str:
    """`LegalEntities` -> `legalEntities`."""
    word = plural(entity)
    return word[0].lower() + word[1:]


_ROOTS: Mapping[str, Any] = {
    **{entity_name(entity): one(entity) for entity in ENTITIES},
    **{_list_name(entity): page(entity) for entity in ENTITIES},
    "node": strawberry.field(
        resolver=node, description="The object with this id, of whatever type, or null."
    ),
    "nodes": strawberry.field(
        resolver=nodes,
        description="The objects with these ids, in the order asked; null for one nobody knows.",
    ),
    "tombstones": strawberry.field(
        resolver=deleted,
        description=(
            "What the projection has heard of the deletion of these records, in the order asked. "
            "Those that exist, or that nobody knows, are left out. `node` is null for a deleted "
            "record."
        ),
    ),
    "project_board": strawberry.field(
        resolver=project_board,
        description=(
            "Budget, work, billing, receivables and holds of projects, in the order of their "
            "codes. No single owner can answer this: it is added up in the projection."
        ),
    ),
    "unbilled_work": strawberry.field(
        resolver=unbilled_work,
        description=(
            "Approved billable time that is still to be billed, per project and month: neither on "
            "an invoice nor written off."
        ),
    ),
    "receivables": strawberry.field(
        resolver=receivables,
        description=(
            "What clients owe now, per client and currency, with what is overdue by age; the most "
            "overdue of each currency first."
        ),
    ),
    "search": strawberry.field(
        resolver=search,
        description=(
            "Records by what people know of them, the best first: those that equal the text, then "
            "those that start with it, then those that contain it. Each is found once, by the "
            "best of its fields."
        ),
    ),
    "ownership": strawberry.field(
        resolver=ownership,
        description="Who owns which fields, who holds copies, and what keeps them in step.",
    ),
    "operations": strawberry.field(
        resolver=operations,
        description="How the hub itself is: what lags, what waits, what needs somebody.",
    ),
}

Query = strawberry.type(
    type("Query", (), dict(_ROOTS)),
    description="Reads. Each field comes from the system that owns it.",
)
