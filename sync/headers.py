"""Record headers as JSON can hold them: names to base64, because a header's value is any bytes."""

from __future__ import annotations

import base64
from collections.abc import Mapping


def encode_headers(headers: Mapping[str, bytes]) -> dict[str, str]:
    return {name: base64.b64encode(raw).decode() for name, raw in headers.items()}


def decode_headers(stored: Mapping[str, str]) -> dict[str, bytes]:
    return {name: base64.b64decode(text) for name, text in stored.items()}
