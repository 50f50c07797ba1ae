"""Edges of the graph: the field and its resolver, derived from the edge's declaration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.loaders import Far, Scope, Show, WantedEdge
from resolvers.nodes.node import Node, node_of
from resolvers.paging import After, Before, Connection, First, Last, cursor_of, paging, window
from resolvers.selection import CONNECTION_ROUTES, selected_fields
from schema.edges import EdgeLoad, GraphEdge
from sync.policy import KeyRange, key_range


def edge(declared: GraphEdge) -> Any:
    """The field that follows a declared edge: a connection when it leads to many."""
    resolver = _to_many(declared) if declared.is_many else _to_one(declared)
    return strawberry.field(resolver=resolver, description=declared.description)


def _to_one(declared: GraphEdge) -> Any:
    def resolve(root: Node, info: Info) -> Awaitable[Any] | None:
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
    ) -> Awaitable[Any] | None:
        near = _near_end(declared, root)
        wanted = _prepare(info, lambda: _wanted_page(info, declared, first, last, after, before))
        if near is None or wanted is None:
            return None
        return root.scope.load_edge(declared, near, wanted)

    return resolve


def _first(far: Far, scope: Scope) -> Any:
    return node_of(far[0], scope) if far else None


def _page(span: KeyRange) -> Show:
    def show(far: Far, scope: Scope) -> Any:
        places = window(far, span)
        return Connection(
            nodes=[node_of(far[at], scope) for at in places],
            cursor_at=lambda at: cursor_of(far[places[at]]),
            has_next=places.stop < len(far),
            has_previous=places.start > 0,
        )

    return show


def _near_end(declared: GraphEdge, node: Node) -> Any:
    """What the far end is found by: the near id, or the far id or ids the near record holds."""
    if declared.load is EdgeLoad.BY_KEY:
        return node.id
    held = node.record.values.get(declared.key)
    return tuple(held) if isinstance(held, list) else held


def _prepare(info: Info, make: Callable[[], WantedEdge]) -> WantedEdge | None:
    """What this field wants, worked out once for all the objects it is resolved on."""
    return info.request.prepare((id(node) for node in info.syntax.field_nodes), make)


def _wanted(info: Info, declared: GraphEdge) -> WantedEdge:
    return WantedEdge(
        fields=selected_fields(info.syntax, declared.target), path=info.root_path, show=_first
    )


def _wanted_page(info: Info, declared: GraphEdge, *bounds: Any) -> WantedEdge:
    return WantedEdge(
        fields=selected_fields(info.syntax, declared.target, CONNECTION_ROUTES),
        path=info.root_path,
        show=_page(key_range(paging(*bounds))),
    )
