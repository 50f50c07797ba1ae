"""Relay connections: the arguments, their limits, and how a list becomes a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Generic, TypeVar

import strawberry

from schema.errors import Invalid
from sync import counts
from sync.policy import Keyset, Paging, seal_cursor
from sync.records import Record

N = TypeVar("N")

Counting = Callable[[], Awaitable[counts.Count | None]]
"""Answers how many records a whole list holds; None where that was reported to have failed."""

DEFAULT_PAGE = 20
LONGEST_PAGE = 100

First = Annotated[
    int | None,
    strawberry.argument(description="How many from the start, 1-100; 20 without `last`."),
]
Size = Annotated[int | None, strawberry.argument(description="How many, 1-100; 20 by default.")]
Last = Annotated[
    int | None, strawberry.argument(description="How many from the end, 1-100; not with `first`.")
]
After = Annotated[str | None, strawberry.argument(description="Only what follows this cursor.")]
Before = Annotated[str | None, strawberry.argument(description="Only what precedes this cursor.")]


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether others precede this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first object.")
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last object; pass it as `after` for the next page."
    )


@strawberry.type(description="An object in its place in a list.")
class Edge(Generic[N]):
    cursor: str = strawberry.field(description="Opaque; for `after` and `before`.")
    node: N = strawberry.field(description="The object.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[N]):
    nodes: list[N] = strawberry.field(description="The objects of the page.")
    cursor_at: strawberry.Private[Callable[[int], str]]
    has_next: strawberry.Private[bool]
    has_previous: strawberry.Private[bool]
    ends: strawberry.Private[Sequence[str]] = ()

    @strawberry.field(description="The objects of the page with their cursors.")
    def edges(self) -> list[Edge[N]]:
        return [Edge(cursor=self.cursor_at(at), node=node) for at, node in enumerate(self.nodes)]

    @strawberry.field(description="Where the page stands in the list.")
    def page_info(self) -> PageInfo:
        ends = self.ends or [self.cursor_at(at) for at in (0, len(self.nodes) - 1) if self.nodes]
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=ends[0] if ends else None,
            end_cursor=ends[-1] if ends else None,
        )


@strawberry.type(description="How many there are.")
class Count:
    value: int = strawberry.field(description=f"The number, at most {counts.MOST}.")
    is_exact: bool = strawberry.field(description="False where there are more than `value`.")


@strawberry.type(name="Connection", description="A page of a list.")
class CountedConnection(Connection[N]):
    """A page of a list of records, which can be counted."""

    count: strawberry.Private[Counting]

    @strawberry.field(
        description=(
            "How many the whole list holds, whatever its page, as the projection knows it. Counted "
            "only when it is asked for."
        )
    )
    async def total_count(self) -> Count | None:
        found = await self.count()
        return None if found is None else Count(value=found.value, is_exact=found.is_exact)


def paging(first: int | None, last: int | None, after: str | None, before: str | None) -> Paging:
    """The page asked for. Raises Invalid, naming the range, for a size that is out of it."""
    if first is not None and last is not None:
        raise Invalid("Give first or last, not both.")
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 1 <= size <= LONGEST_PAGE:
            raise Invalid(f"{name} must be between 1 and {LONGEST_PAGE}, not {size}.")
    if first is None and last is None:
        first = DEFAULT_PAGE
    return Paging(first=first, last=last, after=after, before=before)


def size_of(first: int | None) -> int:
    """How many a list that goes forwards alone answers. Raises Invalid as `paging` does."""
    return paging(first, None, None, None).first or DEFAULT_PAGE


def cursor_of(record: Record) -> str:
    """The record's cursor in a list the hub cuts itself, whatever parts of it were read."""
    return seal_cursor(record.id)


def window(records: Sequence[Record], keyset: Keyset) -> range:
    """Which places of a complete list the keyset covers.

    A cursor that is not of this list has no effect, as Relay's specification has it: of many
    lists under one field, at most one holds the cursor's record.
    """
    start = _place(records, keyset.after, otherwise=-1) + 1
    stop = _place(records, keyset.before, otherwise=len(records))
    if keyset.is_backward:
        return range(max(start, stop - keyset.limit), stop)
    return range(start, min(stop, start + keyset.limit))


def _place(records: Sequence[Record], key: str | None, *, otherwise: int) -> int:
    if key is None:
        return otherwise
    return next((at for at, record in enumerate(records) if record.id == key), otherwise)
