"""What a record of the log may be: a row change, a tombstone, or a marker beside the rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One captured row change. `row` is the state after it, or the key alone after a delete.

    A row that `is_partial` lacks the columns that were not told: keep what is known of them.
    `lsn` orders the changes of a key within a source epoch, in the connector's own terms; `order`
    those of a transaction, where the connector tells of transactions.
    """

    op: str
    system: str
    table: str
    key: dict[str, Any]
    row: dict[str, Any]
    is_partial: bool
    before: dict[str, Any] | None
    lsn: int | None
    origin: str | None
    transaction: str | None
    order: int | None
    changed_at: datetime
    former_key: dict[str, Any] | None
    new_key: dict[str, Any] | None


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """A null value: the key's last record. Alone, on a compacted topic, it *is* the delete."""

    key: dict[str, Any]
    is_renamed_away: bool


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """The capture of `system` was alive at `sent_at`; a busy one may have changes yet to come."""

    system: str | None
    sent_at: datetime


class TransactionMarker(msgspec.Struct, frozen=True, kw_only=True):
    """Where a transaction begins or ends. It may stand before or after the transaction's changes.

    `counts` are the changes per collection that an end announces; None at the beginning.
    """

    transaction: str
    counts: Mapping[str, int] | None


class LogicalMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that an application wrote into the source's own log."""

    system: str
    prefix: str
    content: bytes
    transaction: str | None


class SchemaChange(msgspec.Struct, frozen=True, kw_only=True):
    """A statement changed tables of `system`; the rows that follow have the new shape."""

    system: str
    database: str
    ddl: str


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the capture's own signal table, by which snapshots are asked for and bracketed."""

    system: str
    table: str


Marker = Heartbeat | TransactionMarker | LogicalMessage | SchemaChange | Signal
"""What a capture says beside the rows. It means nothing for records, and is no fault."""

Recorded = Envelope | Tombstone | Marker
