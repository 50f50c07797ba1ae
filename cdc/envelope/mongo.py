"""MongoDB's documents: Extended JSON, in any of its three spellings, as plain cells. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from schema.errors import Poison

ID = "_id"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Delta(msgspec.Struct, rename="camel"):
    """`updateDescription`: what an update told when no look-up added the document."""

    updated_fields: str | None = None
    removed_fields: list[str] | None = None
    truncated_arrays: list[Any] | None = None


def document_of(text: Any) -> dict[str, Any]:
    """The document that `before` or `after` holds. Raises Poison `bad_document`."""
    document = _read(text)
    if not isinstance(document, dict):
        raise Poison("bad_document", "Not a document of Extended JSON.")
    return document


def key_of(key: Mapping[str, Any]) -> dict[str, Any]:
    """The key as the document spells it: Debezium's `id` holds `_id` as Extended JSON."""
    return {ID: _read(key["id"])} if "id" in key else dict(key)


def changed_fields(delta: Delta) -> dict[str, Any]:
    """The fields an update set; a partial row. Raises Poison for changes inside of fields."""
    fields = document_of(delta.updated_fields or "{}")
    fields |= dict.fromkeys(delta.removed_fields or ())
    inner = [name for name in fields if "." in name]
    if inner or delta.truncated_arrays:
        detail = (
            f"A change inside of {', '.join(inner)[:80] or 'an array'}: capture whole documents."
        )
        raise Poison("partial_document", detail)
    return fields


def _read(text: Any) -> Any:
    try:
        return _plain(msgspec.json.decode(text))
    except (msgspec.DecodeError, TypeError, RecursionError) as error:
        raise Poison("bad_document", f"Not Extended JSON: {error}") from error


def _plain(value: Any) -> Any:
    """Extended JSON as the cells that bindings read."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    for mark, read in _READ.items():
        if mark in value:
            return _told(mark, read, value[mark])
    return {name: _plain(one) for name, one in value.items()}


def _told(mark: str, read: Callable[[Any], Any], inner: Any) -> Any:
    try:
        return read(inner)
    except (TypeError, ValueError, KeyError, ArithmeticError, AttributeError) as error:
        raise Poison("bad_value", f"{mark} {inner!r:.80} is no Extended JSON.") from error


def _instant(inner: Any) -> Any:
    """Microseconds. The strict spelling has milliseconds, the canonical one wraps them."""
    if isinstance(inner, dict):
        inner = int(inner["$numberLong"])
    if isinstance(inner, int):
        return inner * 1000
    moment = datetime.fromisoformat(inner)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _double(inner: Any) -> Any:
    """JSON has no word for NaN and the infinities: they stay text."""
    return inner if inner in ("NaN", "Infinity", "-Infinity") else float(inner)


def _octets(inner: Any) -> Any:
    return inner["base64"] if isinstance(inner, dict) else inner


_READ: Mapping[str, Callable[[Any], Any]] = {
    "$oid": str,
    "$numberLong": int,
    "$numberInt": int,
    "$numberDecimal": str,
    "$numberDouble": _double,
    "$date": _instant,
    "$binary": _octets,
    "$uuid": str,
    "$symbol": str,
    "$undefined": lambda _: None,
}
