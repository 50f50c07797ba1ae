"""The roots of every query: one object by id, or a page of them."""

from collections.abc import Awaitable
from operator import getitem
from typing import Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.filters import filter_input, filters_of
from resolvers.loaders import Wanted
from resolvers.nodes.client import ClientNode
from resolvers.nodes.engagement import EngagementNode
from resolvers.nodes.invoice import InvoiceNode
from resolvers.nodes.node import Node, node_of
from resolvers.nodes.payment_status import PaymentStatusNode
from resolvers.nodes.project import ProjectNode
from resolvers.nodes.resource import ResourceNode
from resolvers.paging import After, Before, Connection, First, Last, paging
from resolvers.policies import Read, policy_of
from resolvers.selection import CONNECTION_ROUTES, selected_fields
from schema.canon import entity_of, require_id
from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.invoice import Invoice
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.resource import Resource
from schema.entity import anchor, prefix

Id = Annotated[strawberry.ID, strawberry.argument(description="Canonical id.")]


def one(entity: type) -> Any:
    """The field that finds one object by its id; null when there is none."""

    def resolve(info: Info, id: Id, read: Read = None) -> Awaitable[Any]:
        require_id(entity, id)
        return load_node(info, entity, id, read)

    return strawberry.field(
        resolver=resolve,
        description=f"The {entity.__name__} with this id (`{prefix(entity)}_...`), or null.",
    )


def page(entity: type) -> Any:
    """The field that lists objects, filtered and cut into pages by their anchor."""
    filters = filter_input(entity)

    async def resolve(
        info: Info,
        first: First = None,
        last: Last = None,
        after: After = None,
        before: Before = None,
        filter: Any = None,
        read: Read = None,
    ) -> Any:
        bounds = paging(first, last, after, before)
        wanted = Wanted(
            fields=selected_fields(info.syntax, entity, CONNECTION_ROUTES), path=info.root_path
        )
        scope = info.request.scope(policy_of(read))
        found = await scope.load_page(entity, filters_of(entity, filter), bounds, wanted)
        return Connection(
            nodes=[node_of(record, scope) for record in found.records],
            cursor_at=found.cursors.__getitem__,
            has_next=found.has_next,
            has_previous=found.has_previous,
        )

    described = strawberry.argument(description="Which ones to list.")
    resolve.__annotations__["filter"] = getitem(Annotated, (filters | None, described))
    return strawberry.field(
        resolver=resolve,
        description=f"{entity.__name__}s, in the order of their keys in {anchor(entity).name}.",
    )


def load_node(info: Info, entity: type, record_id: str, read: Any) -> Awaitable[Any]:
    """One object by id, with what the field selects of it."""
    wanted = Wanted(fields=selected_fields(info.syntax, entity), path=info.root_path)
    scope = info.request.scope(policy_of(read))

    async def load() -> Any:
        record = await scope.load_root(entity, record_id, wanted)
        return node_of(record, scope) if record else None

    return load()


@strawberry.type(description="Reads. Each field comes from the system that owns it.")
class Query:
    client: ClientNode | None = one(Client)
    engagement: EngagementNode | None = one(Engagement)
    project: ProjectNode | None = one(Project)
    resource: ResourceNode | None = one(Resource)
    invoice: InvoiceNode | None = one(Invoice)
    payment_status: PaymentStatusNode | None = one(PaymentStatus)
    clients: Connection[ClientNode] | None = page(Client)
    engagements: Connection[EngagementNode] | None = page(Engagement)
    projects: Connection[ProjectNode] | None = page(Project)
    resources: Connection[ResourceNode] | None = page(Resource)
    invoices: Connection[InvoiceNode] | None = page(Invoice)

    @strawberry.field(description="The object with this id, of whatever type, or null.")
    async def node(self, info: Info, id: Id, read: Read = None) -> Node | None:
        found: Node | None = await load_node(info, entity_of(id), id, read)
        return found
