"""How kinds of senders sign their calls and word their events, as data.

Another vendor is one more line of `FORMS`, as long as it signs a time together with the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One kind of sender.

    The header `signature` holds one signature or more: `between` separates them, `assigns` the
    name of each from its value, and those named `scheme` count. What is signed are the parts of
    `signed` joined by dots. `identity` and `timestamp` are headers; without them the id is the
    body's `id`, and the time the member `t` of the signature. `type`, `at` and `data` are places
    in the body, with dots; no `data` means the body itself.
    """

    signature: str
    between: str
    assigns: str
    scheme: str
    encoding: Literal["base64", "hex"]
    signed: tuple[Literal["id", "timestamp", "body"], ...]
    identity: str | None
    timestamp: str | None
    type: str
    at: str
    data: str


STANDARD = Form(
    signature="webhook-signature",
    between=" ",
    assigns=",",
    scheme="v1",
    encoding="base64",
    signed=("id", "timestamp", "body"),
    identity="webhook-id",
    timestamp="webhook-timestamp",
    type="type",
    at="timestamp",
    data="data",
)
"""Standard Webhooks, and what CloudEvents are signed by."""

STRIPE = Form(
    signature="stripe-signature",
    between=",",
    assigns="=",
    scheme="v1",
    encoding="hex",
    signed=("timestamp", "body"),
    identity=None,
    timestamp=None,
    type="type",
    at="created",
    data="data.object",
)

FORMS: Mapping[str, Form] = {"standard": STANDARD, "stripe": STRIPE}
