"""From bytes to an Envelope: Debezium's JSON, with or without its schema part. Pure and total.

Every input gives an Envelope, a Tombstone, or a Poison with a stable reason:
`bad_json`, `not_an_envelope`, `missing_key`, `missing_row`, `missing_source`, `unknown_op`,
`truncate`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from cdc.log.port import LogRecord
from schema.errors import Poison

NEW_KEY = "__debezium.newkey"
OLD_KEY = "__debezium.oldkey"
_ROW_OPS = frozenset({"c", "u", "d", "r"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Source(msgspec.Struct):
    name: str
    schema: str
    table: str
    ts_ms: int
    lsn: int | None = None
    snapshot: str | bool | None = None
    origin: str | None = None


class _Payload(msgspec.Struct):
    op: str
    source: _Source | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    ts_ms: int | None = None


class _Wrapped(msgspec.Struct):
    payload: _Payload


_decode_bare = msgspec.json.Decoder(_Payload).decode
_decode_wrapped = msgspec.json.Decoder(_Wrapped).decode
_decode_key = msgspec.json.Decoder(dict[str, Any]).decode


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """One captured row change. `row` is the state after it, or the key alone after a delete."""

    op: str
    system: str
    table: str
    key: dict[str, Any]
    row: dict[str, Any]
    before: dict[str, Any] | None
    lsn: int | None
    origin: str | None
    changed_at: datetime
    former_key: dict[str, Any] | None
    new_key: dict[str, Any] | None


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """A null value: the key's last record. Alone, on a compacted topic, it *is* the delete."""

    key: dict[str, Any]
    is_renamed_away: bool


def read_envelope(record: LogRecord) -> Envelope | Tombstone:
    """Decode one log record. Raises Poison with the reason when it cannot be one."""
    if record.value is None:
        return Tombstone(key=_key(record), is_renamed_away=NEW_KEY in record.headers)
    payload = _payload(record.value)
    if payload.op == "t":
        raise Poison("truncate", "The table was truncated at its source; re-snapshot it.")
    if payload.op not in _ROW_OPS:
        raise Poison("unknown_op", f"op {payload.op!r:.20} is none of c, u, d, r.")
    if payload.source is None:
        raise Poison("missing_source", "Without `source` nobody knows what changed.")
    return _envelope(record, payload, payload.source)


def _envelope(record: LogRecord, payload: _Payload, source: _Source) -> Envelope:
    key = _key(record)
    is_read = payload.op == "r" or source.snapshot not in (None, False, "false")
    # The `before` of a delete holds invented values for NOT NULL columns: only the key is true.
    row = key if payload.op == "d" else payload.after
    if row is None:
        raise Poison("missing_row", f"op {payload.op} without `after`.")
    return Envelope(
        op=payload.op,
        system=source.name,
        table=f"{source.schema}.{source.table}",
        key=key,
        row=row,
        before=payload.before,
        lsn=None if is_read else source.lsn,
        origin=source.origin,
        changed_at=_EPOCH + timedelta(milliseconds=source.ts_ms),
        former_key=_other_key(record, OLD_KEY),
        new_key=_other_key(record, NEW_KEY),
    )


def _payload(value: bytes) -> _Payload:
    try:
        return _decode_bare(value)
    except msgspec.ValidationError as bare_error:
        return _wrapped_payload(value, bare_error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Poison("bad_json", str(error)) from error


def _wrapped_payload(value: bytes, bare_error: msgspec.ValidationError) -> _Payload:
    try:
        return _decode_wrapped(value).payload
    except msgspec.DecodeError as error:
        raise Poison("not_an_envelope", f"{bare_error}; {error}") from error


def _key(record: LogRecord) -> dict[str, Any]:
    if record.key is None:
        raise Poison("missing_key", "A row change without a key cannot be ordered or applied.")
    return _unwrapped_key(record.key)


def _other_key(record: LogRecord, header: str) -> dict[str, Any] | None:
    raw = record.headers.get(header)
    return _unwrapped_key(raw) if raw else None


def _unwrapped_key(raw: bytes) -> dict[str, Any]:
    try:
        key = _decode_key(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Poison("bad_json", f"key: {error}") from error
    if "payload" in key and "schema" in key:
        key = key["payload"]
    if not isinstance(key, dict) or not key:
        raise Poison("missing_key", "The key holds no column.")
    return key
