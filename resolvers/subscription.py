"""Subscriptions: what happens, as it happens, resumable from the last cursor seen."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.loaders import Wanted
from resolvers.nodes.canon import nullable_node
from resolvers.nodes.node import node_of
from resolvers.policies import Read, policy_of
from resolvers.selection import selected_fields
from schema.canon import require_id
from schema.entities.client import Client
from schema.entities.invoice import Invoice, InvoiceStatus
from schema.entities.project import Project
from sync.feed import StatusEvent
from sync.policy import PROJECTED, ReadPolicy


@strawberry.input(description="Which events to send; all conditions must hold.")
class InvoiceStatusFilter:
    invoice_ids: list[strawberry.ID] | None = strawberry.field(
        description="Of any of these invoices.", default=None
    )
    client_ids: list[strawberry.ID] | None = strawberry.field(
        description="Of invoices to any of these clients.", default=None
    )
    project_ids: list[strawberry.ID] | None = strawberry.field(
        description="Of invoices for any of these projects.", default=None
    )
    to: list[InvoiceStatus] | None = strawberry.field(
        description="Into any of these states.", default=None
    )


@strawberry.type(description="An invoice went from one state to another.")
class InvoiceStatusChanged:
    cursor: str = strawberry.field(
        description="Pass the last one seen as `after` to go on without a gap or a repeat."
    )
    before: InvoiceStatus | None = strawberry.field(description="Null for a new invoice.")
    after: InvoiceStatus | None = strawberry.field(description="Null once it was deleted.")
    at: datetime = strawberry.field(description="When it became true at its owner.")
    record_id: strawberry.Private[str]
    policy: strawberry.Private[ReadPolicy]

    @strawberry.field(
        graphql_type=nullable_node(Invoice),
        description="The invoice as it is now; null once it was deleted.",
    )
    async def invoice(self, info: Info) -> Any:
        scope = info.request.scope(self.policy)
        wanted = Wanted(fields=selected_fields(info.syntax, Invoice), path=info.root_path)
        record = await scope.load_root(Invoice, self.record_id, wanted)
        return node_of(record, scope) if record else None


@strawberry.type(description="What happens, as it happens.")
class Subscription:
    @strawberry.subscription(
        description=(
            "Every change of an invoice's status, whoever made it. Over graphql-transport-ws or "
            "server-sent events. Nested reads come from the projection unless `read` says "
            "otherwise, so that a busy feed does not load the owners."
        )
    )
    async def invoice_status_changed(
        self,
        info: Info,
        filter: Annotated[
            InvoiceStatusFilter | None, strawberry.argument(description="Which events to send.")
        ] = None,
        after: Annotated[
            str | None,
            strawberry.argument(description="Send first what followed this event's cursor."),
        ] = None,
        read: Read = None,
    ) -> AsyncGenerator[InvoiceStatusChanged, None]:
        policy, only = policy_of(read, PROJECTED), _selector(filter)
        feed = info.request.services.feed
        async with aclosing(feed.follow(Invoice, after=after, only=only)) as events:
            async for event in events:
                info.request.renew()
                yield _shown(event, policy)


def _shown(event: StatusEvent, policy: ReadPolicy) -> InvoiceStatusChanged:
    return InvoiceStatusChanged(
        cursor=event.cursor,
        before=InvoiceStatus(event.before) if event.before else None,
        after=InvoiceStatus(event.after) if event.after else None,
        at=event.at,
        record_id=event.record_id,
        policy=policy,
    )


def _selector(given: InvoiceStatusFilter | None) -> Callable[[StatusEvent], bool]:
    """Raises Invalid for an id of another type."""
    if given is None:
        return lambda _: True
    invoices = _ids(Invoice, given.invoice_ids)
    clients, projects = _ids(Client, given.client_ids), _ids(Project, given.project_ids)
    states = None if given.to is None else {status.value for status in given.to}

    def only(event: StatusEvent) -> bool:
        return (
            _admits(invoices, event.record_id)
            and _admits(clients, event.subject.get("client_id"))
            and _admits(projects, event.subject.get("project_id"))
            and _admits(states, event.after)
        )

    return only


def _ids(entity: type, given: list[strawberry.ID] | None) -> set[str] | None:
    for record_id in given or ():
        require_id(entity, record_id)
    return None if given is None else set(given)


def _admits(allowed: set[str] | None, value: Any) -> bool:
    return allowed is None or value in allowed
