"""Consolidated figures in the graph: project board, unbilled work, receivables."""

from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

import strawberry

from resolvers.context import Info
from resolvers.filters import ids_of, values_of
from resolvers.loaders import Wanted
from resolvers.nodes.canon import nullable_node
from resolvers.nodes.node import node_of
from resolvers.paging import After, Connection, Size, paging
from resolvers.selection import selected_fields
from schema.entities.client import Client
from schema.entities.legal_entity import LegalEntity
from schema.entities.project import Project, ProjectStatus
from schema.entities.resource import Resource
from schema.minutes import Minutes
from schema.money import Money
from sync.board import BoardPage, ProjectFilter
from sync.policy import PROJECTED

R = TypeVar("R")

_AS_OF = "How old the oldest part in these figures is."


@strawberry.input(description="Which projects; all conditions must hold.")
class ProjectBoardFilter:
    client_ids: list[strawberry.ID] | None = strawberry.field(
        description="Of any of these clients.", default=None
    )
    manager_ids: list[strawberry.ID] | None = strawberry.field(
        description="Managed by any of these people.", default=None
    )
    legal_entity_ids: list[strawberry.ID] | None = strawberry.field(
        description="Delivered by any of these legal entities.", default=None
    )
    statuses: list[ProjectStatus] | None = strawberry.field(
        description="In any of these statuses.", default=None
    )


@strawberry.input(description="Which invoices; all conditions must hold.")
class ReceivablesFilter:
    client_ids: list[strawberry.ID] | None = strawberry.field(
        description="To any of these clients.", default=None
    )
    legal_entity_ids: list[strawberry.ID] | None = strawberry.field(
        description="Issued by any of these legal entities.", default=None
    )


Projects = Annotated[
    ProjectBoardFilter | None, strawberry.argument(description="Which projects to show.")
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
        resolver=resolve, graphql_type=nullable_node(entity), description=description
    )


async def _load(info: Info, entity: type, record_id: str, wanted: Wanted | None) -> Any:
    scope = info.request.scope(PROJECTED)
    record = await scope.load_root(entity, record_id, wanted) if wanted else None
    return node_of(record, scope) if record else None


@strawberry.type(description="Approved billable work that is on no invoice.")
class Unbilled:
    minutes: Minutes = strawberry.field(description="All of it.")
    amount: Money | None = strawberry.field(
        description=(
            "What its frozen prices make of it, exact to six decimals and not yet rounded as an "
            "invoice is; null where nothing has a price."
        )
    )
    unpriced: Minutes = strawberry.field(
        description="The minutes without a price per hour in the project's currency."
    )


@strawberry.type(description="The planned milestone that is due first.")
class NextMilestone:
    id: strawberry.ID = strawberry.field(description="Canonical id.")
    name: str | None = strawberry.field(description="Name.")
    due_on: date = strawberry.field(description="Day it is due.")


@strawberry.type(
    description=(
        "One project across the firm's systems. Amounts are in the project's currency; what is in "
        "another one is counted, never converted."
    )
)
class ProjectBoardRow:
    project_id: strawberry.Private[str]
    project: Any = _node(Project, "project_id", "The project, as the projection knows it.")
    budget: Money | None = strawberry.field(description="Budgeted fees.")
    budget_minutes: Minutes | None = strawberry.field(description="Budgeted work.")
    worked: Minutes = strawberry.field(description="Approved minutes worked.")
    billable: Minutes = strawberry.field(description="Approved minutes to bill.")
    budget_used: Decimal | None = strawberry.field(
        description="Worked minutes of the budgeted ones, as a fraction: 0.5 is half."
    )
    invoiced: Money | None = strawberry.field(
        description="Net of its posted invoices, less their credit notes."
    )
    unbilled: Unbilled = strawberry.field(description="Approved work that is on no invoice.")
    open_invoices: int = strawberry.field(description="Posted invoices not paid in full.")
    open_amount: Money | None = strawberry.field(description="What is still owed on those.")
    other_currency_invoices: int = strawberry.field(
        description="Posted invoices in another currency, which no amount here includes."
    )
    holds: int = strawberry.field(
        description="Holds that bind it: on the project, its engagement or its client."
    )
    next_milestone: NextMilestone | None = strawberry.field(description="What is due next.")
    as_of: datetime = strawberry.field(description=_AS_OF)


@strawberry.type(description="Approved billable work of one month of one project, on no invoice.")
class UnbilledWorkRow:
    project_id: strawberry.Private[str]
    project: Any = _node(Project, "project_id", "The project, as the projection knows it.")
    month: date = strawberry.field(description="First day of the month.")
    unbilled: Unbilled = strawberry.field(description="The work.")
    entries: int = strawberry.field(description="In how many time entries.")
    as_of: datetime = strawberry.field(description=_AS_OF)


@strawberry.type(description="What one client owes in one currency.")
class ReceivablesRow:
    client_id: strawberry.Private[str]
    client: Any = _node(Client, "client_id", "The client, as the projection knows it.")
    currency: str = strawberry.field(description="ISO 4217 code of the amounts.")
    open_invoices: int = strawberry.field(description="Invoices not paid in full.")
    open_amount: Money = strawberry.field(description="Still owed, due or not.")
    overdue: Money = strawberry.field(description="Owed after its due date; the sum of the four.")
    days_0_to_30: Money = strawberry.field(
        name="days0To30", description="Overdue for up to 30 days."
    )
    days_31_to_60: Money = strawberry.field(name="days31To60", description="For 31 to 60 days.")
    days_61_to_90: Money = strawberry.field(name="days61To90", description="For 61 to 90 days.")
    days_over_90: Money = strawberry.field(name="daysOver90", description="For more than 90.")
    oldest_due_on: date | None = strawberry.field(description="The earliest due date.")
    as_of: datetime = strawberry.field(description=_AS_OF)


async def project_board(
    info: Info, filter: Projects = None, first: Size = None, after: After = None
) -> Connection[ProjectBoardRow]:
    size, boards = _size(first), info.request.services.boards
    page = await boards.projects(_narrowed(filter), size, after)
    return _connection(page, _project_row, after)


async def unbilled_work(
    info: Info, filter: Projects = None, first: Size = None, after: After = None
) -> Connection[UnbilledWorkRow]:
    size, boards = _size(first), info.request.services.boards
    page = await boards.unbilled(_narrowed(filter), size, after)
    return _connection(page, _month_row, after)


async def receivables(
    info: Info,
    filter: Annotated[
        ReceivablesFilter | None, strawberry.argument(description="Which invoices to add up.")
    ] = None,
    as_of: Annotated[
        date | None,
        strawberry.argument(description="The day what is overdue is counted on; today (UTC)."),
    ] = None,
    first: Size = None,
    after: After = None,
) -> Connection[ReceivablesRow]:
    services, given = info.request.services, filter or ReceivablesFilter()
    page = await services.boards.receivables(
        ids_of(Client, given.client_ids),
        ids_of(LegalEntity, given.legal_entity_ids),
        as_of or services.clock().date(),
        first=_size(first),
        after=after,
    )
    return _connection(page, lambda row: _shown(ReceivablesRow, row), after)


def _narrowed(given: ProjectBoardFilter | None) -> ProjectFilter:
    given = given or ProjectBoardFilter()
    return ProjectFilter(
        client_ids=ids_of(Client, given.client_ids),
        manager_ids=ids_of(Resource, given.manager_ids),
        legal_entity_ids=ids_of(LegalEntity, given.legal_entity_ids),
        statuses=values_of(given.statuses),
    )


def _size(first: int | None) -> int:
    return paging(first, None, None, None).first or 0


def _connection(
    page: BoardPage[Any], shown: Callable[[Any], R], after: str | None
) -> Connection[R]:
    return Connection(
        nodes=[shown(row) for row in page.rows],
        cursor_at=page.cursors.__getitem__,
        has_next=page.has_next,
        has_previous=after is not None,
    )


def _project_row(row: Any) -> ProjectBoardRow:
    due = row.next_milestone
    return _shown(
        ProjectBoardRow,
        row,
        unbilled=_shown(Unbilled, row.unbilled),
        next_milestone=_shown(NextMilestone, due) if due else None,
    )


def _month_row(row: Any) -> UnbilledWorkRow:
    return _shown(UnbilledWorkRow, row, unbilled=_shown(Unbilled, row.unbilled))


def _shown(kind: type[R], row: Any, **parts: Any) -> R:
    """The row as the graph's type of the same fields; `parts` are those that have types too."""
    shown: Any = kind
    names = {field.name for field in fields(shown) if field.init} - parts.keys()
    return kind(**{name: getattr(row, name) for name in names}, **parts)
