"""Edges of the graph: the field and its resolver, derived from the edge's declaration."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.loaders import Scope, Wanted
from resolvers.nodes.node import Node, connection, node_of
from resolvers.orders import order_argument, order_of
from resolvers.paging import After, Before, Connection, First, Last, cursor_of, paging, window
from resolvers.selection import CONNECTION_ROUTES, selected_fields
from schema.edges import EdgeLoad, GraphEdge
from sync.ordering import Order, cut_of
from sync.policy import Paging, key_range


def edge(declared: GraphEdge) -> Any:
    """The field that follows a declared edge: a connection when it leads to many."""
    resolver = _to_many(declared) if declared.is_many else _to_one(declared)
    return strawberry.field(resolver=resolver, description=declared.description)


def _to_one(declared: GraphEdge) -> Any:
    def resolve(root: Node, info: Info) -> Awaitable[Any] | None:
        near = _near_end(declared, root)
        wanted = _prepare(info, lambda: _wanted(info, declared))
        return _load_one(root.scope, declared, near, wanted) if near and wanted else None

    return resolve


def _to_many(declared: GraphEdge) -> Any:
    def resolve(
        root: Node,
        info: Info,
        first: First = None,
        last: Last = None,
        after: After = None,
        before: Before = None,
        order_by: Any = None,
    ) -> Awaitable[Any] | None:
        near = _near_end(declared, root)
        wanted = _prepare(
            info,
            lambda: _wanted_page(
                info, declared, order_of(order_by), paging(first, last, after, before)
            ),
        )
        if near is None or wanted is None:
            return None
        load = _load_cut if wanted.cut else _load_many
        return load(root.scope, declared, near, wanted)

    resolve.__annotations__["order_by"] = order_argument(declared.target)
    return resolve


async def _load_one(scope: Scope, declared: GraphEdge, near: Any, wanted: Wanted) -> Any:
    far = await scope.load_edge(declared, near, wanted)
    return node_of(far[0], scope) if far else None


async def _load_many(scope: Scope, declared: GraphEdge, near: Any, wanted: Wanted) -> Any:
    """The page of this near end; None when the read of the whole level failed."""
    far = await scope.load_edge(declared, near, wanted)
    if far is None or wanted.span is None:
        return None
    places = window(far, wanted.span)
    return Connection(
        nodes=[node_of(far[at], scope) for at in places],
        cursor_at=lambda at: cursor_of(far[places[at]]),
        has_next=places.stop < len(far),
        has_previous=places.start > 0,
    )


async def _load_cut(scope: Scope, declared: GraphEdge, near: Any, wanted: Wanted) -> Any:
    """The page of this near end as the projection cut it; None when the level's read failed."""
    page = await scope.load_far_page(declared, near, wanted)
    return page and connection(page, scope)


def _near_end(declared: GraphEdge, node: Node) -> Any:
    """What the far end is found by: the near id, or the far id or ids the near record holds."""
    if declared.load is EdgeLoad.BY_KEY:
        return node.id
    held = node.record.values.get(declared.key)
    return tuple(held) if isinstance(held, list) else held


def _prepare(info: Info, make: Any) -> Wanted | None:
    """What this field wants, worked out once for all the objects it is resolved on."""
    key = (id(node) for node in info.syntax.field_nodes)
    wanted: Wanted | None = info.request.prepare(key, make)
    return wanted


def _wanted(info: Info, declared: GraphEdge) -> Wanted:
    return Wanted(fields=selected_fields(info.syntax, declared.target), path=info.root_path)


def _wanted_page(info: Info, declared: GraphEdge, order: Order | None, bounds: Paging) -> Wanted:
    """Ordered pages, and those of large edges, are cut in the projection."""
    is_cut = declared.is_large or order is not None
    return Wanted(
        fields=selected_fields(info.syntax, declared.target, CONNECTION_ROUTES),
        path=info.root_path,
        span=None if is_cut else key_range(bounds),
        cut=cut_of(bounds, order) if is_cut else None,
    )
