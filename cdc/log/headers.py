"""Record headers in a jsonb column: names to base64, because a header's value is any bytes."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import orjson

from sync.headers import decode_headers as from_json
from sync.headers import encode_headers as json_form

_NONE: Mapping[str, bytes] = MappingProxyType({})


def encode_headers(headers: Mapping[str, bytes]) -> str | None:
    if not headers:
        return None
    return orjson.dumps(json_form(headers)).decode()


def decode_headers(stored: str | None) -> Mapping[str, bytes]:
    if stored is None:
        return _NONE
    return from_json(orjson.loads(stored))
