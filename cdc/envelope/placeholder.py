"""The placeholder of an unchanged out-of-line column, in the form each column type gives it."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from uuid import UUID

import msgspec

UNAVAILABLE = "__debezium_unavailable_value"
_HEX = "hex:"


class Placeholder:
    """Knows the forms of a connector's `unavailable.value.placeholder`, text or `hex:` octets."""

    def __init__(self, configured: str = UNAVAILABLE) -> None:
        octets = _octets(configured)
        text = octets.decode(errors="replace")
        uuid = UUID(bytes=hashlib.md5(octets, usedforsecurity=False).digest(), version=3)
        pair = {text: text}
        encoded = base64.b64encode(octets).decode()
        signed = [octet - 256 if octet > 127 else octet for octet in octets]
        self._texts = frozenset({text, encoded, msgspec.json.encode(pair).decode()})
        self._others: tuple[Any, ...] = ([text], signed, [str(uuid)], pair)

    def is_in(self, row: dict[str, Any]) -> bool:
        """Whether a column holds it: asked of every row, so plain cells are hashed together."""
        try:
            return not self._texts.isdisjoint(row.values())
        except TypeError:  # a list or a map, which has no hash
            return any(map(self._stands_in, row.values()))

    def drop(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row less the columns that hold it."""
        return {name: cell for name, cell in row.items() if not self._stands_in(cell)}

    def _stands_in(self, cell: Any) -> bool:
        return cell in self._texts if isinstance(cell, str) else cell in self._others


def _octets(configured: str) -> bytes:
    if configured.startswith(_HEX):
        return bytes.fromhex(configured.removeprefix(_HEX))
    return configured.encode()
