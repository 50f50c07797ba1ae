"""Boards: figures about projects, unbilled work and receivables that no single owner can give.

They are added up in the projection. Every row says as of when: the age of the oldest part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Generic, TypeVar

import asyncpg

from schema.board import (
    NextMilestone,
    ProjectBoardFilter,
    ProjectBoardRow,
    ReceivablesFilter,
    ReceivablesRow,
    Unbilled,
    UnbilledWorkRow,
)
from schema.entities.project import Project
from schema.entity import FilterOp
from schema.errors import Invalid
from schema.money import Money, money
from sync.json_form import as_spoken
from sync.ordering import Cut, Mark, Order, cut_of, seal_mark
from sync.policy import Filter, Paging
from sync.read.boards import PROJECT_FIGURES, RECEIVABLES, UNBILLED_WORK
from sync.read.cuts import Cuts

T = TypeVar("T")

_BY_CODE = Order(field="code")
_BY_MONTH = Order(field="month")
_BY_OVERDUE = Order(field="overdue", is_descending=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage(Generic[T]):
    rows: tuple[T, ...]
    cursors: tuple[str, ...]
    has_next: bool


class Boards:
    """A page of figures takes one query, after the one that cuts a page of projects."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._cuts = Cuts(pool)

    async def projects(
        self, narrowed: ProjectBoardFilter, first: int, after: str | None
    ) -> BoardPage[ProjectBoardRow]:
        """Projects in the order of their codes."""
        cut = cut_of(Paging(first=first, after=after), _BY_CODE, _filters(narrowed))
        found = await self._cuts.select(Project, cut)
        rows = await self._pool.fetch(PROJECT_FIGURES, [mark.id for mark in found.marks])
        figures = {row["id"]: _figures(row) for row in rows}
        marks = [mark for mark in found.marks if mark.id in figures]
        return BoardPage(
            rows=tuple(figures[mark.id] for mark in marks),
            cursors=tuple(seal_mark(mark, _BY_CODE) for mark in marks),
            has_next=found.has_more,
        )

    async def unbilled(
        self, narrowed: ProjectBoardFilter, first: int, after: str | None
    ) -> BoardPage[UnbilledWorkRow]:
        """Months in which a project has approved work that is not billed, project by project."""
        cut = cut_of(Paging(first=first, after=after), _BY_MONTH)
        project_id, month = _place(cut, 1, lambda values: date.fromisoformat(values[0]))
        status = narrowed.status
        words = None if status is None else [member.value for member in status]
        chosen = (narrowed.client_id, narrowed.manager_id, narrowed.legal_entity_id, words)
        rows = await self._pool.fetch(UNBILLED_WORK, *chosen, project_id, month, first + 1)
        return _page(rows, cut, _month, lambda row: Mark(values=(str(row["month"]),), id=row["id"]))

    async def receivables(
        self, narrowed: ReceivablesFilter, day: date, first: int, after: str | None
    ) -> BoardPage[ReceivablesRow]:
        """What is open now, aged on `day`: by currency, and in it by what is overdue most."""
        cut = cut_of(Paging(first=first, after=after), _BY_OVERDUE)
        client_id, read = _place(cut, 2, lambda values: (values[0], str(Decimal(values[1]))))
        currency, overdue = read or (None, None)
        chosen = (narrowed.client_id, narrowed.legal_entity_id)
        place = (currency, overdue, client_id)
        rows = await self._pool.fetch(RECEIVABLES, day, *chosen, *place, first + 1)
        return _page(
            rows,
            cut,
            _receivable,
            lambda row: Mark(values=(row["currency"], str(row["overdue"])), id=row["client_id"]),
        )


def _filters(narrowed: ProjectBoardFilter) -> list[Filter]:
    return [
        Filter(field=field, op=FilterOp.IN, value=tuple(value))
        for field, value in vars(narrowed).items()
        if value is not None
    ]


def _place(cut: Cut, length: int, read: Callable[[Any], T]) -> tuple[str | None, T | None]:
    """Where the page starts, in the list's own values. Raises Invalid for a made-up cursor."""
    if cut.after is None:
        return None, None
    try:
        if len(cut.after.values) != length or None in cut.after.values:
            raise ValueError(cut.after.values)
        return cut.after.id, read(cut.after.values)
    except (ValueError, ArithmeticError) as error:
        raise Invalid(
            "The cursor is not one of this graph; pass it back as it was given."
        ) from error


def _page(
    rows: Sequence[Any], cut: Cut, make: Callable[[Any], T], mark: Callable[[Any], Mark]
) -> BoardPage[T]:
    kept = rows[: cut.limit]
    return BoardPage(
        rows=tuple(make(row) for row in kept),
        cursors=tuple(seal_mark(mark(row), cut.order) for row in kept),
        has_next=len(rows) > cut.limit,
    )


def _figures(row: Any) -> ProjectBoardRow:
    currency = row["currency"]
    return ProjectBoardRow(
        project_id=row["id"],
        budget=_money(row["budget"], currency),
        budget_minutes=row["budget_minutes"],
        worked=row["worked"],
        billable=row["billable"],
        budget_used=row["budget_used"],
        invoiced=_money(row["invoiced"], currency),
        unbilled=_unbilled(row),
        open_invoices=row["open_invoices"],
        open_amount=_money(row["open_amount"], currency),
        other_currency_invoices=row["other_currency"],
        holds=row["holds"],
        next_milestone=_milestone(row),
        as_of=row["as_of"],
    )


def _milestone(row: Any) -> NextMilestone | None:
    if row["milestone_id"] is None:
        return None
    return NextMilestone(
        id=row["milestone_id"], name=row["milestone_name"], due_on=row["milestone_due_on"]
    )


def _unbilled(row: Any) -> Unbilled:
    return Unbilled(
        minutes=row["unbilled"],
        amount=_money(row["unbilled_amount"], row["currency"]),
        unpriced=row["unpriced"],
    )


def _month(row: Any) -> UnbilledWorkRow:
    return UnbilledWorkRow(
        project_id=row["id"],
        month=row["month"],
        unbilled=_unbilled(row),
        entries=row["entries"],
        as_of=row["as_of"],
    )


def _receivable(row: Any) -> ReceivablesRow:
    def of(name: str) -> Money:
        return Money(amount=as_spoken(row[name]), currency=row["currency"])

    return ReceivablesRow(
        client_id=row["client_id"],
        currency=row["currency"],
        open_invoices=row["open_invoices"],
        open_amount=of("open_amount"),
        overdue=of("overdue"),
        days_1_to_30=of("days_1_to_30"),
        days_31_to_60=of("days_31_to_60"),
        days_61_to_90=of("days_61_to_90"),
        days_over_90=of("days_over_90"),
        oldest_due_on=row["oldest_due_on"],
        as_of=row["as_of"],
    )


def _money(amount: Decimal | None, currency: str | None) -> Money | None:
    return money(None if amount is None else as_spoken(amount), currency)
