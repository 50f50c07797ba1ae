"""Record headers in a jsonb column: names to base64, because a header's value is any bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import MappingProxyType

import orjson

_NONE: Mapping[str, bytes] = MappingProxyType({})


def encode_headers(headers: Mapping[str, bytes]) -> str | None:
    if not headers:
        return None
    encoded = {name: base64.b64encode(raw).decode() for name, raw in headers.items()}
    return orjson.dumps(encoded).decode()


def decode_headers(stored: str | None) -> Mapping[str, bytes]:
    if stored is None:
        return _NONE
    return {name: base64.b64decode(text) for name, text in orjson.loads(stored).items()}
