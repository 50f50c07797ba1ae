"""What a capture writes beside the changes of rows, recognised by the members each kind has."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Set
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from cdc.envelope.kinds import Heartbeat, LogicalMessage, Marker, SchemaChange, TransactionMarker
from cdc.envelope.source import Source
from schema.errors import Poison

SIGNAL_TABLE = "debezium_signal"
HEARTBEAT = "__debezium-heartbeat."
"""Begins the topic of a connector's heartbeats; its prefix follows."""
_CLOCK_MEMBERS = frozenset({"ts_ms", "ts_us", "ts_ns"})


class Message(msgspec.Struct):
    """The `message` of an envelope whose op is `m`."""

    prefix: str
    content: str | None = None


class _Heartbeat(msgspec.Struct):
    ts_ms: int


class _Count(msgspec.Struct):
    data_collection: str
    event_count: int


class _Transaction(msgspec.Struct):
    status: str
    id: str
    data_collections: list[_Count] | None = None


class _SchemaChange(msgspec.Struct, rename="camel"):
    source: dict[str, Any]
    database_name: str | None = None
    ddl: str | None = None


_decode_heartbeat = msgspec.json.Decoder(_Heartbeat).decode
_decode_transaction = msgspec.json.Decoder(_Transaction).decode
_decode_schema_change = msgspec.json.Decoder(_SchemaChange).decode


def marker_of(raw: bytes, members: Set[str], key: Mapping[str, Any]) -> Marker | None:
    """The marker that an object without an `op` is, by its members; None when it is none."""
    try:
        if "ts_ms" in members and members <= _CLOCK_MEMBERS:
            return _heartbeat(_decode_heartbeat(raw), key)
        if "status" in members and "id" in members:
            return _transaction_marker(_decode_transaction(raw))
        if "ddl" in members or "tableChanges" in members:
            return _schema_change(_decode_schema_change(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Poison("not_an_envelope", str(error)) from error
    return None


def logical_message(source: Source, message: Message | None, transaction: str | None) -> Marker:
    """Raises Poison for an op `m` that carries no message."""
    if message is None:
        raise Poison("missing_row", "op m without `message`.")
    try:
        content = base64.b64decode(message.content or "", validate=True)
    except binascii.Error as error:
        raise Poison("bad_value", f"The content of {message.prefix!r:.40} is no base64.") from error
    return LogicalMessage(
        system=source.name, prefix=message.prefix, content=content, transaction=transaction
    )


def transaction_of(told: str) -> str:
    """What a transaction's changes and markers have in common.

    Postgres says `xid:lsn`, and its lsn differs between all of them; a GTID is whole.
    """
    number, _, _ = told.partition(":")
    return number if number.isdigit() else told


@lru_cache(1024)
def instant(milliseconds: int) -> datetime:
    """Raises Poison for what is no time of this era. Changes of a transaction share theirs."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise Poison("bad_value", f"ts_ms={milliseconds!r:.40} is no time.") from error


def _heartbeat(told: _Heartbeat, key: Mapping[str, Any]) -> Marker:
    server = key.get("serverName")
    return Heartbeat(system=None if server is None else str(server), sent_at=instant(told.ts_ms))


def _transaction_marker(told: _Transaction) -> Marker | None:
    if told.status not in ("BEGIN", "END"):
        return None
    counts = {one.data_collection: one.event_count for one in told.data_collections or ()}
    is_end = told.status == "END"
    transaction = transaction_of(told.id)
    return TransactionMarker(transaction=transaction, counts=counts if is_end else None)


def _schema_change(told: _SchemaChange) -> Marker:
    return SchemaChange(
        system=str(told.source.get("name") or told.source.get("server")),
        database=told.database_name or "",
        ddl=told.ddl or "",
    )
