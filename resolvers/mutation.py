"""Writes: each goes to the system that owns the fields; nothing else is written here."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.inputs import CreateProjectInput, UpdateClientInput
from resolvers.loaders import Wanted
from resolvers.nodes.canon import nullable_node
from resolvers.nodes.node import node_of
from resolvers.selection import selected_fields
from schema.canon import require_id
from schema.entities.client import Client
from schema.entities.invoice import Invoice
from schema.entities.project import Project
from schema.errors import KeyRequired
from sync.routing import Written

Key = Annotated[
    str | None,
    strawberry.argument(
        description=(
            "Yours to choose, at most 255 characters: the same key with the same input has one "
            "effect and one answer, the same key with another input is an error."
        )
    ),
]

_TOKEN = "Pass it as `read: {after: token}` and the answer shows this write."  # noqa: S105


@strawberry.type(description="The client after the write.")
class UpdateClientPayload:
    client: Any = strawberry.field(
        graphql_type=nullable_node(Client),
        description="The client, read live.",
    )
    token: str = strawberry.field(description=_TOKEN)


@strawberry.type(description="The new project.")
class CreateProjectPayload:
    project: Any = strawberry.field(
        graphql_type=nullable_node(Project),
        description="The project, read live.",
    )
    token: str = strawberry.field(description=_TOKEN)


@strawberry.type(description="The invoice after it was posted.")
class PostInvoicePayload:
    invoice: Any = strawberry.field(
        graphql_type=nullable_node(Invoice),
        description="The invoice, read live.",
    )
    token: str = strawberry.field(description=_TOKEN)


@strawberry.type(description="Writes. Each is routed to the system that owns the fields.")
class Mutation:
    @strawberry.mutation(
        description=(
            "Change fields of a client that one system owns. Naming fields of two owners, or of "
            "another owner than `owner`, is a NOT_OWNER error and writes nothing."
        )
    )
    async def update_client(
        self,
        info: Info,
        input: Annotated[UpdateClientInput, strawberry.argument(description="What to change.")],
        idempotency_key: Key = None,
    ) -> UpdateClientPayload:
        require_id(Client, input.id)
        written = await info.request.services.routing.update(
            Client,
            input.id,
            input.patch(),
            owner=input.owner,
            version=input.if_version,
            idempotency_key=idempotency_key,
        )
        client = await _read_back(info, written, "client")
        return UpdateClientPayload(client=client, token=written.token)

    @strawberry.mutation(description="Open a project in the ledger. Needs an idempotency key.")
    async def create_project(
        self,
        info: Info,
        input: Annotated[CreateProjectInput, strawberry.argument(description="The project.")],
        idempotency_key: Key = None,
    ) -> CreateProjectPayload:
        written = await info.request.services.routing.create(
            Project, input.values(), idempotency_key=idempotency_key
        )
        project = await _read_back(info, written, "project")
        return CreateProjectPayload(project=project, token=written.token)

    @strawberry.mutation(
        description=(
            "Post an approved invoice in the ledger: it gets its legal number and cannot be "
            "edited any more. Needs an idempotency key."
        )
    )
    async def post_invoice(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The invoice.")],
        posting_date: Annotated[date, strawberry.argument(description="Accounting date.")],
        idempotency_key: Key = None,
    ) -> PostInvoicePayload:
        if not idempotency_key:
            raise KeyRequired(
                "Posting needs an idempotencyKey, so that a repeat posts nothing twice."
            )
        require_id(Invoice, id)
        written = await info.request.services.routing.act(
            Invoice,
            id,
            "post",
            {"posting_date": posting_date},
            idempotency_key=idempotency_key,
        )
        invoice = await _read_back(info, written, "invoice")
        return PostInvoicePayload(invoice=invoice, token=written.token)


async def _read_back(info: Info, written: Written, name: str) -> Any:
    """The written record as the payload's field selects it; None, with an error, if unreadable.

    The write stands whatever becomes of this read, so its failure must not look like the write's.
    """
    entity, scope = written.record.entity, info.request.fresh_scope()
    fields = selected_fields(info.syntax, entity, ((name,),))
    record = await scope.load_reported(
        entity, written.record.id, Wanted(fields=fields, path=info.root_path)
    )
    return node_of(record, scope) if record else None
