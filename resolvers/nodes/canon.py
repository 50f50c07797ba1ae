"""The node of every canonical type: its own fields, and one field for each edge that leaves it."""

from __future__ import annotations

from collections.abc import Mapping
from operator import getitem
from types import GenericAlias
from typing import Annotated, Any, Optional

import strawberry

from resolvers.nodes.actions import available_actions
from resolvers.nodes.edge import edge, to_one
from resolvers.nodes.node import Node
from resolvers.nodes.setup import setup
from resolvers.paging import CountedConnection
from schema.canon import ENTITIES
from schema.edges import GraphEdge, edges_of, edges_of_part, leading_parts
from schema.entities.project import Project
from schema.entity import owned_by, owned_fields
from schema.lifecycles import LIFECYCLES

BESIDE: Mapping[type, Mapping[str, Any]] = {Project: {"setup": setup}}
"""What the hub works out of a record and no declaration of the canon holds."""


def _node(entity: type) -> type[Node]:
    """The graph's type of a canonical type, named after it."""
    leaving, owned, leading = edges_of(entity), owned_fields(entity), leading_parts(entity)
    members = {declared.name: edge(declared) for declared in leaving}
    annotations = {declared.name: _far(declared) for declared in leaving}
    for name, part_type in leading.items():
        members[name] = owned_by(
            owned[name].group, description=owned[name].description, default=None
        )
        annotations[name] = nullable(GenericAlias(list, (PARTS[part_type],)))
    if entity in LIFECYCLES:
        members["available_actions"] = available_actions(LIFECYCLES[entity])
    members |= BESIDE.get(entity, {})
    declared = type(
        _name(entity), (entity, Node), {**members, "__annotations__": annotations, "__doc__": None}
    )
    described = (entity.__doc__ or "").strip()
    return strawberry.type(declared, name=entity.__name__, description=described)


def _part(part_type: type) -> type:
    """The graph's type of a part that names records: an edge leads to each."""
    leaving = edges_of_part(part_type)
    members = {
        one.name: strawberry.field(resolver=to_one(one), description=one.description)
        for one in leaving
    }
    annotations = {one.name: _far(one) for one in leaving}
    declared = type(
        f"{part_type.__name__}Part", (part_type,), {**members, "__annotations__": annotations}
    )
    described = (part_type.__doc__ or "").strip()
    return strawberry.type(declared, name=part_type.__name__, description=described)


def _far(declared: GraphEdge) -> Any:
    """What the edge's field answers, looked up in this module once every type is there."""
    node = getitem(Annotated, (_name(declared.target), strawberry.lazy(__name__)))
    return nullable(_listed(node) if declared.is_many else node)


def nullable(annotation: Any) -> Any:
    """The annotation or None, where it is only known at run time."""
    return getitem(Optional, annotation)


def nullable_node(entity: type) -> Any:
    """What a field that finds one object of the type answers."""
    return nullable(NODES[entity])


def connection_of(entity: type) -> Any:
    """What a field that lists objects of the type answers."""
    return nullable(_listed(NODES[entity]))


def _listed(node: Any) -> Any:
    generic: Any = CountedConnection
    return generic[node]


def _name(entity: type) -> str:
    return f"{entity.__name__}Node"


PARTS: Mapping[type, type] = {
    kind: _part(kind) for entity in ENTITIES for kind in leading_parts(entity).values()
}
NODES: Mapping[type, type[Node]] = {entity: _node(entity) for entity in ENTITIES}
# The names that the lazy references of `_far` are looked up by.
globals().update({_name(entity): node for entity, node in NODES.items()})
