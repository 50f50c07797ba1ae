"""Consolidated figures in the graph: project board, unbilled work, receivables.

The rows are those of `schema.board`, each with the object it is about.
"""

from collections.abc import Awaitable
from datetime import date
from typing import Annotated, Any, TypeVar

import strawberry

from resolvers.context import Info
from resolvers.filters import checked
from resolvers.loaders import Wanted
from resolvers.nodes.canon import nullable_node
from resolvers.nodes.node import node_of
from resolvers.paging import After, Connection, Size, size_of
from resolvers.selection import selected_fields
from schema import board
from schema.entities.client import Client
from schema.entities.project import Project
from schema.entity import Owner
from schema.system import System
from sync.board import BoardPage
from sync.policy import PROJECTED

R = TypeVar("R")

Projects = Annotated[
    board.ProjectBoardFilter | None, strawberry.argument(description="Which projects to show.")
]


def _node(entity: type, key: str, description: str) -> Any:
    """The object a row is about, as the projection knows it; one read for the whole page."""

    def resolve(root: Any, info: Info) -> Awaitable[Any]:
        syntax = (id(node) for node in info.syntax.field_nodes)
        wanted = info.request.prepare(
            syntax,
            lambda: Wanted(fields=selected_fields(info.syntax, entity), path=info.root_path),
        )
        return _load(info, entity, getattr(root, key), wanted)

    return strawberry.field(
        resolver=resolve,
        graphql_type=nullable_node(entity),
        description=description,
        directives=[Owner(system=System.HUB)],
    )


async def _load(info: Info, entity: type, record_id: str, wanted: Wanted | None) -> Any:
    scope = info.request.scope(PROJECTED)
    record = await scope.load_root(entity, record_id, wanted) if wanted else None
    return node_of(record, scope) if record else None


@strawberry.type(description=board.ProjectBoardRow.__doc__)
class ProjectBoardRow(board.ProjectBoardRow):
    project: Any = _node(Project, "project_id", "The project, as the projection knows it.")


@strawberry.type(description=board.UnbilledWorkRow.__doc__)
class UnbilledWorkRow(board.UnbilledWorkRow):
    project: Any = _node(Project, "project_id", "The project, as the projection knows it.")


@strawberry.type(description=board.ReceivablesRow.__doc__)
class ReceivablesRow(board.ReceivablesRow):
    client: Any = _node(Client, "client_id", "The client, as the projection knows it.")


async def project_board(
    info: Info, filter: Projects = None, first: Size = None, after: After = None
) -> Connection[ProjectBoardRow]:
    boards, narrowed = info.request.services.boards, checked(filter or board.ProjectBoardFilter())
    page = await boards.projects(narrowed, size_of(first), after)
    return _connection(ProjectBoardRow, page, after)


async def unbilled_work(
    info: Info, filter: Projects = None, first: Size = None, after: After = None
) -> Connection[UnbilledWorkRow]:
    boards, narrowed = info.request.services.boards, checked(filter or board.ProjectBoardFilter())
    page = await boards.unbilled(narrowed, size_of(first), after)
    return _connection(UnbilledWorkRow, page, after)


async def receivables(
    info: Info,
    filter: Annotated[
        board.ReceivablesFilter | None, strawberry.argument(description="Which invoices to add up.")
    ] = None,
    aged_on: Annotated[
        date | None,
        strawberry.argument(description="The day what is overdue is counted on; today (UTC)."),
    ] = None,
    first: Size = None,
    after: After = None,
) -> Connection[ReceivablesRow]:
    services, narrowed = info.request.services, checked(filter or board.ReceivablesFilter())
    day = aged_on or services.clock().date()
    page = await services.boards.receivables(narrowed, day, size_of(first), after)
    return _connection(ReceivablesRow, page, after)


def _connection(kind: type[R], page: BoardPage[Any], after: str | None) -> Connection[R]:
    """The page's rows as the graph's type of the same fields."""
    return Connection(
        nodes=[kind(**vars(row)) for row in page.rows],
        cursor_at=page.cursors.__getitem__,
        has_next=page.has_next,
        has_previous=after is not None,
    )
