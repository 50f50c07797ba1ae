"""Whether a call was signed by somebody who knows the secret, and when. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cdc.webhook.forms import Form
from schema.errors import Invalid

SHORTEST_SECRET = 24
"""Bytes. A shorter one could be guessed by trying, for whoever has seen a signed call."""
_PREFIX = "whsec_"
_MOST_SIGNATURES = 8
_LONGEST_TIMESTAMP = 12
_TIME = "t"


class Unsigned(Exception):
    """Nobody we know signed this. It never says which part was wrong."""


class Stale(Exception):
    """It was signed, but too long ago, or for a time to come: it may be a replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who may send us events: how it signs, by which secrets, and how old a call may be.

    While a secret is changed there are two.
    """

    form: Form
    secrets: tuple[bytes, ...]
    window: timedelta = timedelta(minutes=5)


def secrets_of(told: str) -> tuple[bytes, ...]:
    """The secrets of a setting, separated by commas. Raises Invalid for one that is too short.

    `whsec_` stands before base64, as Standard Webhooks has it; other secrets are their characters.
    """
    return tuple(_secret(text.strip()) for text in told.split(",") if text.strip())


def signed_at(sender: Sender, headers: Mapping[str, str], body: bytes, now: datetime) -> datetime:
    """When the call was signed. Raises Unsigned, or Stale outside of the sender's window."""
    form = sender.form
    named = list(_named(form, headers.get(form.signature, "")))
    timestamp = headers.get(form.timestamp) if form.timestamp else dict(named).get(_TIME)
    given = [value for name, value in named if name == form.scheme]
    if timestamp is None or not _is_number(timestamp) or not 0 < len(given) <= _MOST_SIGNATURES:
        raise Unsigned
    text = _signed_text(form, headers, timestamp, body)
    known = [_encoded(form, hmac.digest(one, text, hashlib.sha256)) for one in sender.secrets]
    # Every pair is compared, so that the time taken tells nothing.
    found = [hmac.compare_digest(one, other.encode()) for one in known for other in given]
    if not any(found):
        raise Unsigned
    at = datetime.fromtimestamp(int(timestamp), UTC)
    if abs(now - at) > sender.window:
        raise Stale
    return at


def sign(form: Form, secret: bytes, headers: Mapping[str, str], timestamp: str, body: bytes) -> str:
    """The signature a sender would give; for tests and for whoever wants to try an endpoint."""
    text = _signed_text(form, headers, timestamp, body)
    return _encoded(form, hmac.digest(secret, text, hashlib.sha256)).decode()


def _secret(text: str) -> bytes:
    try:
        secret = (
            base64.b64decode(text[len(_PREFIX) :]) if text.startswith(_PREFIX) else text.encode()
        )
    except binascii.Error as error:
        raise Invalid("A webhook secret that starts with whsec_ goes on in base64.") from error
    if len(secret) < SHORTEST_SECRET:
        raise Invalid(f"A webhook secret has {SHORTEST_SECRET} bytes or more; make a longer one.")
    return secret


def _named(form: Form, header: str) -> Iterator[tuple[str, str]]:
    for one in header.split(form.between):
        name, _, value = one.strip().partition(form.assigns)
        yield name, value


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONGEST_TIMESTAMP


def _signed_text(form: Form, headers: Mapping[str, str], timestamp: str, body: bytes) -> bytes:
    parts = {"timestamp": timestamp.encode(), "body": body}
    if form.identity is not None:
        parts["id"] = headers.get(form.identity, "").encode()
    return b".".join(_parts(form.signed, parts))


def _parts(names: Sequence[str], parts: Mapping[str, bytes]) -> Iterator[bytes]:
    for name in names:
        yield parts[name]


def _encoded(form: Form, digest: bytes) -> bytes:
    return base64.b64encode(digest) if form.encoding == "base64" else digest.hex().encode()
