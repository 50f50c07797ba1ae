"""Node: what every object of the graph has, and how a record becomes one."""

from __future__ import annotations

from functools import cache
from typing import Any

import strawberry

from resolvers.context import Info
from resolvers.loaders import Scope
from resolvers.paging import CountedConnection, Counting
from resolvers.provenance import Provenance, provenance_of
from schema.edges import leading_parts
from schema.entity import Owner, derived_fields, owned_fields
from schema.system import System
from sync.policy import RecordPage
from sync.records import Record


@strawberry.type(description="What one system calls a record.")
class Reference:
    system: System = strawberry.field(description="The system.")
    key: str = strawberry.field(description="The record's own key there.")


@strawberry.interface(description="Anything with a canonical id.")
class Node:
    id: Any = strawberry.field(graphql_type=strawberry.ID, description="Canonical id.")
    record: strawberry.Private[Record]
    scope: strawberry.Private[Scope]

    @strawberry.field(
        name="_meta",
        description="Where the selected fields came from: one entry per owner that was asked.",
    )
    def meta(self) -> list[Provenance]:
        now = self.scope.services.clock()
        return [provenance_of(part, now) for part in self.record.provenance.values()]

    @strawberry.field(
        description="What each system calls the record, as far as it has been met there.",
        directives=[Owner(system=System.HUB)],
    )
    async def references(self, info: Info) -> list[Reference] | None:
        found = await self.scope.load_references(self.record.entity, self.record.id, info.root_path)
        return (
            None if found is None else [Reference(system=system, key=key) for system, key in found]
        )


def node_of(record: Record, scope: Scope) -> Any:
    """The record as an object of the graph; what was not read of it is None.

    Made without the constructor: an answer has hundreds of them, of fields that are known to fit.
    """
    node_type = scope.node_types[record.entity]
    node: Any = object.__new__(node_type)
    shown = node.__dict__
    shown.update(_nothing(record.entity))
    shown.update(record.values, id=record.id, record=record, scope=scope)
    for name, derived in derived_fields(record.entity).items():
        shown[name] = derived.of(shown)
    for name in leading_parts(record.entity):
        shown[name] = shown[name] and [_part_of(part, scope) for part in shown[name]]
    return node


def _part_of(part: Any, scope: Scope) -> Any:
    """A part that names records, as the graph's: it leads to them."""
    shown: Any = object.__new__(scope.node_types[type(part)])
    shown.__dict__.update(vars(part), scope=scope)
    return shown


def connection(page: RecordPage, scope: Scope, count: Counting) -> Any:
    """A page of records as the graph's; `count` is asked how many the whole list holds."""
    return CountedConnection(
        count=count,
        nodes=[node_of(record, scope) for record in page.records],
        cursor_at=page.cursors.__getitem__,
        has_next=page.has_next,
        has_previous=page.has_previous,
        ends=page.ends,
    )


@cache
def _nothing(entity: type) -> dict[str, None]:
    return dict.fromkeys(owned_fields(entity))
