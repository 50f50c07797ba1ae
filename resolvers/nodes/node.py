"""Node: what every object of the graph has, and how a record becomes one."""

from __future__ import annotations

from functools import cache
from typing import Any

import strawberry

from resolvers.loaders import Scope
from resolvers.paging import Connection
from resolvers.provenance import Provenance, provenance_of
from schema.entity import derived_fields, owned_fields
from sync.policy import RecordPage
from sync.records import Record


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
        now = self.scope.request.services.clock()
        return [provenance_of(part, now) for part in self.record.provenance.values()]


def node_of(record: Record, scope: Scope) -> Any:
    """The record as an object of the graph; what was not read of it is None."""
    node_type = scope.request.node_types[record.entity]
    values = {**_nothing(record.entity), **record.values, "id": record.id}
    for name, derived in derived_fields(record.entity).items():
        known = (values[source] for source in derived.sources)
        values[name] = next((value for value in known if value is not None), None)
    return node_type(record=record, scope=scope, **values)


def connection(page: RecordPage, scope: Scope) -> Any:
    """A page of records as the graph's."""
    return Connection(
        nodes=[node_of(record, scope) for record in page.records],
        cursor_at=page.cursors.__getitem__,
        has_next=page.has_next,
        has_previous=page.has_previous,
    )


@cache
def _nothing(entity: type) -> dict[str, None]:
    return dict.fromkeys(owned_fields(entity))
