"""What the intake takes in: changes of owners' records, hints to read one back, and rejects.

They are structs, not dataclasses: one is made per event, and a struct is made several times faster.
Where each event is looked at, ask for its very `type`: `isinstance` asks the metaclass of structs,
which takes several times as long to say no.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

import msgspec

from schema.position import Position
from sync.connectors.binding import Binding


class Logged(Protocol):
    """A record of the log: where it stands, and its bytes as they came."""

    @property
    def position(self) -> Position: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Mapping[str, bytes]: ...
    @property
    def appended_at(self) -> datetime: ...


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of one system changed.

    `values` are the fields the system owns and `copies` those it holds, decoded, with references
    unresolved; a column the envelope left out is absent. `lsn` orders streamed changes within a
    source epoch and is None for a snapshot read. `anchor_key` is None when the row does not say
    which canonical record it belongs to. `extra` are the cells of columns that no binding reads, if
    there are any; a change that `is_partial` does not tell all of them. What `is_beside` was read
    back because of a record of another topic than its table's, and has no place among the offsets
    there.
    """

    binding: Binding
    record: Logged
    key: str
    anchor_key: str | None
    values: Mapping[str, Any]
    copies: Mapping[str, Any]
    lsn: int | None
    version: int | None
    as_of: datetime
    is_delete: bool = False
    is_partial: bool = False
    extra: Mapping[str, Any] | None = None
    is_beside: bool = False


class Renamed(msgspec.Struct, frozen=True, kw_only=True):
    """One half of a key change: told as an arrival at the new key, or where the former is left."""

    binding: Binding
    record: Logged
    former_key: str
    key: str
    lsn: int | None
    is_arrival: bool


class Touched(msgspec.Struct, frozen=True, kw_only=True):
    """The records whose `column` holds `key` may have changed; read them back to know."""

    binding: Binding
    record: Logged
    column: str
    key: str
    is_read: bool
    as_of: datetime
    is_beside: bool = False


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the log that cannot be applied, with the reason."""

    record: Logged
    reason: str
    detail: str


Incoming = Change | Renamed | Touched | Reject
