"""What a reader may ask for: how fresh, which records, which stretch of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Literal

from schema.entity import FilterOp, anchor, derived_fields, owned_fields
from schema.errors import Invalid
from schema.listing import filterable_fields
from schema.system import System
from sync.opaque import seal, unseal
from sync.records import Record


class PolicyKind(Enum):
    LIVE = "live"
    PROJECTED = "projected"
    MAX_AGE = "max_age"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPolicy:
    """How fresh an answer must be.

    LIVE asks the owners, and the projection in place of one that fails. PROJECTED asks the
    projection only. MAX_AGE takes from the projection what was known true within `max_age`.
    AFTER waits until the projection shows the write that gave `token`; if it does not in time,
    the owners are asked: LIVE, with the token that is still missing.
    """

    kind: PolicyKind
    max_age: timedelta | None = None
    token: str | None = None


LIVE = ReadPolicy(kind=PolicyKind.LIVE)
PROJECTED = ReadPolicy(kind=PolicyKind.PROJECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A canonical field against a canonical value: a tuple of them for IN."""

    field: str
    op: FilterOp
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """The first records after a cursor, or the last ones before one; exactly one is a number."""

    first: int | None = None
    last: int | None = None
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyset:
    """A page by keyset: `limit` records behind or before a key of the anchor's, it left out."""

    limit: int
    after: str | None = None
    before: str | None = None
    is_backward: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPage:
    """Records in the order of their list, one cursor for each.

    `ends` are the cursors of the first and the last place, where others decide which records are
    on the page: one of these may be gone at its owner, and the list goes on behind its place.
    """

    records: tuple[Record, ...]
    cursors: tuple[str, ...]
    has_next: bool
    has_previous: bool
    ends: tuple[str, ...] = ()


NO_PAGE = RecordPage(records=(), cursors=(), has_next=False, has_previous=False)
"""Where nothing of a page is wanted, only what is told of its list."""


def ends_of(cursors: Sequence[str]) -> tuple[str, ...]:
    """The first and the last, of which a page of one place has the same."""
    return (cursors[0], cursors[-1]) if cursors else ()


@dataclass(frozen=True, slots=True)
class _Sealed:
    v: Literal[1]
    k: str


def seal_cursor(key: str) -> str:
    """The cursor of the record its anchor knows by `key`; good at the owner and the projection."""
    return seal(_Sealed(v=1, k=key))


def keyset_of(paging: Paging) -> Keyset:
    """Raises Invalid for a cursor that is not ours, or unless one of first and last is given."""
    return Keyset(
        limit=size_of(paging),
        after=_unseal_cursor(paging.after),
        before=_unseal_cursor(paging.before),
        is_backward=paging.first is None,
    )


def size_of(paging: Paging) -> int:
    """How many records the page holds. Raises Invalid unless one of first and last is given."""
    limit = paging.last if paging.first is None else paging.first
    if limit is None or (paging.first is not None and paging.last is not None):
        raise Invalid("Give exactly one of first and last.")
    return limit


def stored_fields(entity: type, fields: Iterable[str]) -> frozenset[str]:
    """The fields with each derived one replaced by its sources."""
    derived = derived_fields(entity)
    stored: set[str] = set()
    for name in fields:
        stored.update(derived[name].sources if name in derived else (name,))
    return frozenset(stored)


def systems_of(entity: type, stored: frozenset[str]) -> tuple[System, ...]:
    """Who must be asked for these fields, the anchor first; the anchor alone when there are none.

    Raises Invalid for a field the type does not have.
    """
    owned = owned_fields(entity)
    unknown = stored - owned.keys()
    if unknown:
        raise Invalid(f"{entity.__name__} has no field {', '.join(sorted(unknown))}.")
    asked = {owned[name].owner for name in stored} or {anchor(entity)}
    return tuple(sorted(asked, key=lambda system: (system is not anchor(entity), system.value)))


def require_filter(entity: type, narrowed: Filter) -> None:
    """Raise Invalid unless the canon allows the comparison."""
    known = filterable_fields(entity)
    found = known.get(narrowed.field)
    if found is None or narrowed.op not in found.filters:
        raise Invalid(
            f"{entity.__name__} cannot be filtered by {narrowed.field} ({narrowed.op.value}); "
            f"fields with filters: {', '.join(sorted(known))}."
        )


def _unseal_cursor(cursor: str | None) -> str | None:
    return None if cursor is None else unseal(cursor, _Sealed, what="cursor").k
