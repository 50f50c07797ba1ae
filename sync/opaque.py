"""Opaque texts handed to clients (cursors, tokens): base64url of JSON, checked when they return."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from schema.errors import Invalid

T = TypeVar("T")

_LONGEST = 4_000
"""A cursor with a name of 255 characters in it fits, in any script."""


def seal(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).rstrip(b"=").decode()


def unseal(text: str, shape: type[T], *, what: str) -> T:
    """The value `seal` made the text of. Raises Invalid, naming `what`, for any other text."""
    try:
        if len(text) > _LONGEST:
            raise ValueError("too long")
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
        return msgspec.json.decode(sealed, type=shape)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise Invalid(
            f"{text[:60]!r} is not a {what} of this graph; pass one back exactly as it was given."
        ) from error
