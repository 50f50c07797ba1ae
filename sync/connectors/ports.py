"""What a connector can do, one Protocol per capability; `hub.registry` says who does what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from schema.entity import FilterOp
from schema.system import System
from sync.connectors.binding import Binding, Row

PAGE_LIMIT = 500
"""The most rows one fetch asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One column against one value, in the system's own words.

    `value` is a tuple of texts for IN, and one value otherwise. FROM and TO include their bound.
    """

    column: str
    op: FilterOp
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class RowQuery:
    """Rows of one binding in the order of its key, all conditions holding.

    `after` and `before` are keys, both exclusive. With `descending`, the rows come from the end.
    """

    binding: Binding
    where: tuple[Condition, ...] = ()
    after: str | None = None
    before: str | None = None
    descending: bool = False
    limit: int = PAGE_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedQuery:
    """Rows of one binding that changed at `since` or later, in the order of that time and the key.

    With `after`, a time and a key, only those behind it in that order.
    """

    binding: Binding
    since: datetime | None = None
    after: tuple[datetime, str] | None = None
    limit: int = PAGE_LIMIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A page of rows; `has_more` says whether others follow in the query's direction."""

    rows: tuple[Row, ...]
    has_more: bool


class Connects(Protocol):
    """Every connector names its system and what it holds there."""

    @property
    def system(self) -> System: ...

    @property
    def bindings(self) -> tuple[Binding, ...]: ...

    async def close(self) -> None: ...


class Reads(Connects, Protocol):
    async def fetch(self, query: RowQuery) -> Rows:
        """One page of rows.

        Raises Unavailable or RateLimited when the system does not answer properly in time.
        """
        ...


class Polls(Reads, Protocol):
    async def changed(self, query: ChangedQuery) -> Rows:
        """One page of what has changed.

        Raises Unavailable or RateLimited when the system does not answer properly in time.
        """
        ...


class Writes(Reads, Protocol):
    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        """Create a record and return its row, key included.

        Not idempotent unless the system is: look before creating again. Raises Rejected with
        the system's words, OutcomeUnknown when the answer got lost.
        """
        ...

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        """Change the named columns of one record and return its row.

        With `version`, raises Conflict when the record has moved on. Raises NotFound, Rejected.
        """
        ...


class Removes(Connects, Protocol):
    async def remove(self, binding: Binding, key: str) -> None:
        """Take out a copy; one that is not there is gone already.

        Raises Invalid for a type whose records stay, Rejected with the system's words.
        """
        ...


class Acts(Connects, Protocol):
    async def act(
        self, binding: Binding, key: str, action: str, arguments: Mapping[str, Any]
    ) -> Row:
        """Run a business action of the system on one record and return its row afterwards."""
        ...
