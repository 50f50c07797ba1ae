"""Ordered lists: by which field, which stretch of them, and where a record stands in its list.

An ordered list is cut in the projection, by a keyset over (value, id). A record's place is told
by the values it is ordered by, so that a page goes on where the last one ended whatever was
inserted or deleted between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from schema.errors import Invalid
from schema.listing import orderable_fields
from sync.opaque import seal, unseal
from sync.policy import Filter, Paging, size_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """By the values of a field; records that have none come last in either direction."""

    field: str
    is_descending: bool = False

    @property
    def spelling(self) -> str:
        return f"{self.field}:{'desc' if self.is_descending else 'asc'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A record's place in an ordered list: its values as Postgres prints them, and its id.

    `near` is the record at the near end where the list is one of many under one edge.
    """

    values: tuple[str | None, ...]
    id: str
    near: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A stretch of an ordered list, both bounds exclusive; by id alone without an order.

    Only the records that pass all the `filters` are in the list.
    """

    limit: int
    order: Order | None = None
    filters: tuple[Filter, ...] = ()
    after: Mark | None = None
    before: Mark | None = None
    is_backward: bool = False


@dataclass(frozen=True, slots=True)
class _Sealed:
    v: Literal[2]
    o: str
    i: str
    s: tuple[str | None, ...]
    n: str | None = None


def require_order(entity: type, order: Order) -> None:
    """Raise Invalid unless lists of the type can be ordered by the field."""
    known = orderable_fields(entity)
    if order.field not in known:
        raise Invalid(
            f"{entity.__name__} cannot be ordered by {order.field}; "
            f"fields with an order: {', '.join(sorted(known))}."
        )


def cut_of(paging: Paging, order: Order | None, filters: Sequence[Filter] = ()) -> Cut:
    """Raises Invalid for a cursor that is not ours or of a list in another order."""
    return Cut(
        limit=size_of(paging),
        order=order,
        filters=tuple(filters),
        after=_unseal(paging.after, order),
        before=_unseal(paging.before, order),
        is_backward=paging.first is None,
    )


def seal_mark(mark: Mark, order: Order | None) -> str:
    """The cursor of a place in a list of this order."""
    return seal(_Sealed(v=2, o=_spelling(order), i=mark.id, s=mark.values, n=mark.near))


def _unseal(cursor: str | None, order: Order | None) -> Mark | None:
    if cursor is None:
        return None
    sealed = unseal(cursor, _Sealed, what="cursor")
    if sealed.o != _spelling(order):
        raise Invalid(
            f"The cursor is of a list ordered by {sealed.o}, not by {_spelling(order)}; "
            "go on with the orderBy it was given under."
        )
    return Mark(values=sealed.s, id=sealed.i, near=sealed.n)


def _spelling(order: Order | None) -> str:
    return order.spelling if order else "id"
