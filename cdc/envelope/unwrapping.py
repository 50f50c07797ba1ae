"""`{"schema": …, "payload": …}`: the payload's bytes, and how the schema says to spell its cells.

The schema part is several times as long as the payload and repeats byte for byte between records
of one table version. So it is compared with the last one of the topic, and decoded when it changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from cdc.envelope.schema_types import Conversions

_OPENING = b'{"schema":'
OPENINGS = (_OPENING, b'{"payload"', b"{ ", b"{\n", b"{\r", b"{\t", b" ", b"\n", b"\r", b"\t")
"""How a wrapped record may begin: its parts may stand in another order, or be spaced for people."""


class _Wrapped(msgspec.Struct):
    payload: msgspec.Raw
    schema: msgspec.Raw = msgspec.Raw(b"null")


class _Known(NamedTuple):
    prefix: bytes
    conversions: Conversions


_decode_wrapped = msgspec.json.Decoder(_Wrapped).decode


class Unwrapper:
    """Splits the keys, or the values, of a log. `compiled` turns a schema's JSON to conversions."""

    def __init__(self, compiled: Callable[[bytes], Conversions]) -> None:
        self._compiled = compiled
        self._known: dict[str, _Known] = {}

    def split(self, topic: str, raw: bytes) -> tuple[bytes, Conversions]:
        """The payload of a wrapped record; a bare one as it is. Raises Poison `bad_schema`.

        What begins with none of the OPENINGS is bare, and need not be asked about.
        """
        known = self._known.get(topic)
        if known is not None and raw.startswith(known.prefix) and raw.endswith(b"}"):
            return raw[len(known.prefix) : -1], known.conversions
        return self._unwrap(topic, raw)

    def _unwrap(self, topic: str, raw: bytes) -> tuple[bytes, Conversions]:
        """For any order and spacing of the two parts; the usual form is remembered."""
        try:
            wrapped = _decode_wrapped(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return raw, ()  # whatever it is, it is not wrapped
        payload, conversions = bytes(wrapped.payload), self._compiled(bytes(wrapped.schema))
        prefix = raw[: -len(payload) - 1]
        if prefix.startswith(_OPENING) and raw == prefix + payload + b"}":
            self._known[topic] = _Known(prefix, conversions)
        return payload, conversions
