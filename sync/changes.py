"""What the intake takes in: changes of owners' records, hints to read one back, and rejects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from schema.position import Position
from sync.connectors.binding import Binding


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row of one system changed.

    `values` are the fields the system owns and `copies` those it holds, decoded, with references
    unresolved; a column the envelope left out is absent. `lsn` orders streamed changes within a
    source epoch and is None for a snapshot read. `anchor_key` is None when the row does not say
    which canonical record it belongs to. `former_key` is the key before a key change.
    """

    binding: Binding
    key: str
    anchor_key: str | None
    values: Mapping[str, Any]
    copies: Mapping[str, Any]
    position: Position
    lsn: int | None
    version: int | None
    as_of: datetime
    is_delete: bool = False
    is_complete: bool = True
    former_key: str | None = None

    @property
    def is_read(self) -> bool:
        return self.lsn is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """A record of a system may have changed; read it back to know."""

    binding: Binding
    key: str
    position: Position
    is_read: bool
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """An envelope nobody can decode, kept whole, with the reason."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    reason: str
    detail: str


Incoming = Change | Touched | Reject
