"""Look-ahead: which canonical fields a query selects below a field, read from its syntax tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)
from strawberry.utils.str_converters import to_camel_case

from schema.edges import EDGES, EdgeLoad
from schema.entity import derived_fields, owned_fields
from schema.lifecycles import LIFECYCLES

Route = tuple[str, ...]
"""GraphQL field names that lead from a field down to the objects it is about."""

CONNECTION_ROUTES: tuple[Route, ...] = (("nodes",), ("edges", "node"))


def selected_fields(
    info: GraphQLResolveInfo[Any], entity: type, routes: Iterable[Route] = ((),)
) -> frozenset[str]:
    """The stored fields of `entity` that answering needs, so that only their owners are called.

    Fragments, type conditions, @skip and @include are honoured; a derived field counts as its
    sources, an edge as the field that holds its key.
    """
    needs = _needs(entity)
    type_names = {entity.__name__, "Node"}
    found: set[str] = set()
    for route in routes:
        parents: Sequence[FieldNode] = info.field_nodes
        for name in route:
            parents = [node for node in _children(info, parents) if node.name.value == name]
        for node in _children(info, parents, type_names):
            found |= needs.get(node.name.value, frozenset())
    return frozenset(found)


def reads_page(info: GraphQLResolveInfo[Any]) -> bool:
    """Whether anything of a list's page is selected, and not only its count."""
    names = {node.name.value for node in _children(info, info.field_nodes)}
    return not names.isdisjoint(("nodes", "edges", "pageInfo"))


@cache
def _needs(entity: type) -> dict[str, frozenset[str]]:
    """GraphQL field name -> the stored fields behind it."""
    stored = {name: frozenset({name}) for name in owned_fields(entity)}
    derived = {name: frozenset(field.sources) for name, field in derived_fields(entity).items()}
    edges = {
        edge.name: frozenset({edge.key})
        for edge in EDGES
        if edge.source is entity and edge.load is EdgeLoad.BY_ID
    }
    found = stored | derived | edges | _status(entity, derived)
    return {to_camel_case(name): needed for name, needed in found.items()}


def _status(entity: type, derived: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """What can be asked for next depends on where the record stands, and on what guards read."""
    lifecycle = LIFECYCLES.get(entity)
    if lifecycle is None:
        return {}
    read = (derived.get(name, frozenset({name})) for name in lifecycle.reads)
    return {"available_actions": frozenset().union(*read)}


def _children(
    info: GraphQLResolveInfo[Any], parents: Iterable[FieldNode], type_names: set[str] | None = None
) -> Iterator[FieldNode]:
    seen: set[str] = set()
    for parent in parents:
        if parent.selection_set:
            yield from _expand(info, parent.selection_set, type_names, seen)


def _expand(
    info: GraphQLResolveInfo[Any],
    selection_set: SelectionSetNode,
    type_names: set[str] | None,
    seen: set[str],
) -> Iterator[FieldNode]:
    """The fields of a selection set; each named fragment is entered once."""
    for node in selection_set.selections:
        if not _is_included(node, info.variable_values):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif fragment := _fragment(info, node, seen):
            condition = fragment.type_condition
            if condition is None or type_names is None or condition.name.value in type_names:
                yield from _expand(info, fragment.selection_set, type_names, seen)


def _fragment(
    info: GraphQLResolveInfo[Any], node: SelectionNode, seen: set[str]
) -> InlineFragmentNode | FragmentDefinitionNode | None:
    if isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
        seen.add(node.name.value)
        return info.fragments[node.name.value]
    return node if isinstance(node, InlineFragmentNode) else None


def _is_included(node: SelectionNode, variables: Any) -> bool:
    for directive in node.directives or ():
        name = directive.name.value
        if name in ("skip", "include"):
            (condition,) = directive.arguments or ()
            if _truth(condition.value, variables) is (name == "skip"):
                return False
    return True


def _truth(condition: Any, variables: Any) -> bool:
    if isinstance(condition, VariableNode):
        return bool(variables.get(condition.name.value))
    return isinstance(condition, BooleanValueNode) and condition.value
