"""The roots of every query: one object by id, several of them, or a page of a list."""

import asyncio
from collections.abc import Awaitable, Sequence
from operator import getitem
from typing import Annotated, Any

import strawberry

from resolvers.boards import project_board, receivables, unbilled_work
from resolvers.context import Info
from resolvers.filters import filter_input, filters_of
from resolvers.loaders import Wanted
from resolvers.nodes.canon import connection_of, nullable_node
from resolvers.nodes.node import Node, connection, node_of
from resolvers.orders import order_argument, order_of
from resolvers.ownership import ownership
from resolvers.paging import After, Before, First, Last, paging
from resolvers.policies import Read, policy_of
from resolvers.search import search
from resolvers.selection import CONNECTION_ROUTES, selected_fields
from schema.canon import entity_of, require_id
from schema.entities.amendment import Amendment
from schema.entities.assignment import Assignment
from schema.entities.billing_event import BillingEvent
from schema.entities.billing_hold import BillingHold
from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.expense_item import ExpenseItem
from schema.entities.invoice import Invoice
from schema.entities.legal_entity import LegalEntity
from schema.entities.milestone import Milestone
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.rate_card import RateCard
from schema.entities.rate_card_version import RateCardVersion
from schema.entities.rate_line import RateLine
from schema.entities.resource import Resource
from schema.entities.retainer import Retainer
from schema.entities.sow import Sow
from schema.entities.time_entry import TimeEntry
from schema.entity import anchor, prefix
from schema.errors import Invalid

MOST_NODES = 100
"""How many objects may be asked for by id at once."""

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
    filters = filter_input(entity)

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
        found = await scope.load_page(entity, narrowed, order, bounds, wanted)
        return connection(found, scope)

    described = strawberry.argument(description="Which ones to list.")
    resolve.__annotations__["filter"] = getitem(Annotated, (filters | None, described))
    resolve.__annotations__["order_by"] = order_argument(entity)
    return strawberry.field(
        resolver=resolve,
        graphql_type=connection_of(entity),
        description=(
            f"{entity.__name__}s, in the order of their keys in {anchor(entity).name} unless "
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
    if len(ids) > MOST_NODES:
        raise Invalid(f"At most {MOST_NODES} ids at once, not {len(ids)}.")
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


@strawberry.type(description="Reads. Each field comes from the system that owns it.")
class Query:
    client = one(Client)
    legal_entity = one(LegalEntity)
    engagement = one(Engagement)
    sow = one(Sow)
    amendment = one(Amendment)
    rate_card = one(RateCard)
    rate_card_version = one(RateCardVersion)
    rate_line = one(RateLine)
    project = one(Project)
    milestone = one(Milestone)
    retainer = one(Retainer)
    resource = one(Resource)
    assignment = one(Assignment)
    time_entry = one(TimeEntry)
    expense_item = one(ExpenseItem)
    billing_event = one(BillingEvent)
    billing_hold = one(BillingHold)
    invoice = one(Invoice)
    payment_status = one(PaymentStatus)
    clients = page(Client)
    legal_entities = page(LegalEntity)
    engagements = page(Engagement)
    sows = page(Sow)
    amendments = page(Amendment)
    rate_cards = page(RateCard)
    rate_card_versions = page(RateCardVersion)
    rate_lines = page(RateLine)
    projects = page(Project)
    milestones = page(Milestone)
    retainers = page(Retainer)
    resources = page(Resource)
    assignments = page(Assignment)
    time_entries = page(TimeEntry)
    expense_items = page(ExpenseItem)
    billing_events = page(BillingEvent)
    billing_holds = page(BillingHold)
    invoices = page(Invoice)
    payment_statuses = page(PaymentStatus)

    @strawberry.field(description="The object with this id, of whatever type, or null.")
    async def node(self, info: Info, id: Id, read: Read = None) -> Node | None:
        found: Node | None = await load_node(info, entity_of(id), id, read)
        return found

    @strawberry.field(
        description="The objects with these ids, in the order asked; null for one nobody knows."
    )
    async def nodes(self, info: Info, ids: Ids, read: Read = None) -> list[Node | None]:
        return await load_nodes(info, ids, read)

    project_board = strawberry.field(
        resolver=project_board,
        description=(
            "Budget, work, billing, receivables and holds of projects, in the order of their "
            "codes. No single owner can answer this: it is added up in the projection."
        ),
    )
    unbilled_work = strawberry.field(
        resolver=unbilled_work,
        description="Approved billable work that is on no invoice, per project and month.",
    )
    receivables = strawberry.field(
        resolver=receivables,
        description=(
            "What clients owe now, per client and currency, with what is overdue by age; the most "
            "overdue of each currency first."
        ),
    )

    search = strawberry.field(
        resolver=search,
        description=(
            "Records by what people know of them, the best first: those that equal the text, then "
            "those that start with it, then those that contain it."
        ),
    )

    ownership = strawberry.field(
        resolver=ownership,
        description="Who owns which fields, who holds copies, and what keeps them in step.",
    )
