"""Edges of the graph: the field and its resolver, derived from the edge's declaration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import strawberry

from resolvers.context import Info
from resolvers.filters import filter_argument, filters_of
from resolvers.loaders import Far, Scope, Show, Wanted, WantedEdge
from resolvers.nodes.node import Node, connection, node_of
from resolvers.orders import order_argument, order_of
from resolvers.paging import (
    After,
    Before,
    CountedConnection,
    First,
    Last,
    cursor_of,
    paging,
    window,
)
from resolvers.selection import CONNECTION_ROUTES, reads_page, selected_fields
from schema.edges import EdgeLoad, GraphEdge
from schema.entity import Owner
from sync.counts import Count, count_of
from sync.ordering import Cut, Order, cut_of
from sync.policy import NO_PAGE, Filter, Keyset, Paging, keyset_of

W = TypeVar("W", bound=Wanted)


def edge(declared: GraphEdge) -> Any:
    """The field that follows a declared edge: a connection when it leads to many."""
    group = declared.group
    return strawberry.field(
        resolver=_to_many(declared) if declared.is_many else to_one(declared),
        description=f"{declared.description} {group.freshness}",
        directives=[Owner(system=group.owner)],
    )


def to_one(declared: GraphEdge) -> Any:
    """The resolver of an edge to one record, of a node or of a part of one."""

    def resolve(root: Any, info: Info) -> Awaitable[Any] | None:
        near = _near_end(declared, root)
        wanted = _prepare(info, lambda: _wanted(info, declared))
        return root.scope.load_edge(declared, near, wanted) if near and wanted else None

    return resolve


def _to_many(declared: GraphEdge) -> Any:
    def resolve(
        root: Node,
        info: Info,
        first: First = None,
        last: Last = None,
        after: After = None,
        before: Before = None,
        filter: Any = None,
        order_by: Any = None,
    ) -> Awaitable[Any] | None:
        def make() -> Wanted | WantedEdge:
            filters = filters_of(declared.target, filter)
            bounds = paging(first, last, after, before)
            return _wanted_page(info, declared, filters, order_of(order_by), bounds)

        near, wanted = _near_end(declared, root), _prepare(info, make)
        if near is None or wanted is None:
            return None
        if isinstance(wanted, WantedEdge):
            return root.scope.load_edge(declared, near, wanted)
        return _load_cut(root.scope, declared, near, wanted)

    resolve.__annotations__["filter"] = filter_argument(declared.target)
    resolve.__annotations__["order_by"] = order_argument(declared.target)
    return resolve


def _first(far: Far, scope: Scope) -> Any:
    return node_of(far[0], scope) if far else None


def _page(keyset: Keyset) -> Show:
    def show(far: Far, scope: Scope) -> Any:
        places = window(far, keyset)
        return CountedConnection(
            count=partial(_known, far),
            nodes=[node_of(far[at], scope) for at in places],
            cursor_at=lambda at: cursor_of(far[places[at]]),
            has_next=places.stop < len(far),
            has_previous=places.start > 0,
        )

    return show


async def _known(far: Far) -> Count:
    return count_of(len(far))


async def _load_cut(scope: Scope, declared: GraphEdge, near: Any, wanted: Wanted) -> Any:
    """The page of this near end as the projection cut it; None when the level's read failed."""
    filters = wanted.cut.filters if wanted.cut else ()
    count = partial(scope.load_far_count, declared, near, filters, wanted.path)
    page = await scope.load_far_page(declared, near, wanted) if wanted.is_page_read else NO_PAGE
    return page and connection(page, scope, count)


def _near_end(declared: GraphEdge, near: Any) -> Any:
    """What the far end is found by: the near id, or the far id or ids that the near end holds."""
    if declared.load is EdgeLoad.BY_KEY:
        return near.id
    held = getattr(near, declared.key)
    return tuple(held) if isinstance(held, list) else held


def _prepare(info: Info, make: Callable[[], W]) -> W | None:
    """What this field wants, worked out once for all the objects it is resolved on."""
    return info.request.prepare((id(node) for node in info.syntax.field_nodes), make)


def _wanted(info: Info, declared: GraphEdge) -> WantedEdge:
    return WantedEdge(
        fields=selected_fields(info.syntax, declared.target), path=info.root_path, show=_first
    )


def _wanted_page(
    info: Info,
    declared: GraphEdge,
    filters: Sequence[Filter],
    order: Order | None,
    bounds: Paging,
) -> Wanted | WantedEdge:
    """Narrowed or ordered pages, and those of large edges, are cut in the projection.

    Of what is only counted no page is read.
    """
    fields = selected_fields(info.syntax, declared.target, CONNECTION_ROUTES)
    path = info.root_path
    if not reads_page(info.syntax):
        whole = Cut(limit=0, filters=tuple(filters))
        return Wanted(fields=fields, path=path, cut=whole, is_page_read=False)
    if declared.is_large or filters or order is not None:
        return Wanted(fields=fields, path=path, cut=cut_of(bounds, order, filters))
    return WantedEdge(fields=fields, path=path, show=_page(keyset_of(bounds)))
