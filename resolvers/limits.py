"""Limits on a document's shape, measured in one pass however its fragments nest.

Strawberry's own limiters walk every expansion of every fragment, so twenty fragments that spread
each other twice cost a million steps before the answer is no. Here each fragment is measured once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)

from resolvers.errors import TOO_DEEP, TOO_MANY_ALIASES, TOO_MANY_COUNTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """`depth` counts nested objects; `aliases` and `counts` count at each use of a fragment.

    A count of a list is what one field can cost most: each record up to a bound is looked at.
    """

    depth: int = 12
    aliases: int = 30
    counts: int = 8
    tokens: int = 4000


class _Shape(NamedTuple):
    depth: int
    aliases: int
    counts: int


_FLAT = _Shape(0, 0, 0)
_COUNTED = "totalCount"


def broken_limits(document: DocumentNode, limits: Limits) -> list[GraphQLError]:
    """One error per limit and operation. A cyclic fragment is left to validation."""
    ruler = _Ruler(document)
    errors = []
    for operation in document.definitions:
        if not isinstance(operation, OperationDefinitionNode):
            continue
        shape = ruler.measure(operation.selection_set)
        for found, most, code, what in (
            (shape.depth, limits.depth, TOO_DEEP, "levels"),
            (shape.aliases, limits.aliases, TOO_MANY_ALIASES, "aliases"),
            (shape.counts, limits.counts, TOO_MANY_COUNTS, "counts of lists"),
        ):
            if found > most:
                errors.append(_refusal(operation, code, what, most))
    return errors


def _refusal(node: OperationDefinitionNode, code: str, what: str, most: int) -> GraphQLError:
    message = f"The operation has more than {most} {what}; split it into several."
    return GraphQLError(message, nodes=[node], extensions={"code": code})


class _Ruler:
    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._measured: dict[str, _Shape] = {}

    def measure(self, selection_set: SelectionSetNode | None) -> _Shape:
        if selection_set is None:
            return _FLAT
        shapes = [self._selection(node) for node in selection_set.selections]
        return _Shape(
            depth=max(s.depth for s in shapes),
            aliases=sum(s.aliases for s in shapes),
            counts=sum(s.counts for s in shapes),
        )

    def _selection(self, node: SelectionNode) -> _Shape:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        if isinstance(node, InlineFragmentNode):
            return self.measure(node.selection_set)
        return self._field(node) if isinstance(node, FieldNode) else _FLAT

    def _field(self, node: FieldNode) -> _Shape:
        below = self.measure(node.selection_set)
        is_level = node.selection_set is not None and not node.name.value.startswith("__")
        return _Shape(
            depth=below.depth + 1 if is_level else 0,
            aliases=below.aliases + (node.alias is not None),
            counts=below.counts + (node.name.value == _COUNTED),
        )

    def _fragment(self, name: str) -> _Shape:
        if name not in self._measured:
            self._measured[name] = _FLAT  # what a cycle meets
            fragment = self._fragments.get(name)
            self._measured[name] = self.measure(fragment.selection_set if fragment else None)
        return self._measured[name]
