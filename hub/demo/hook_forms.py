"""How the stand-ins word and sign an event of their outbox: a body and its headers."""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson

Call = tuple[bytes, Mapping[str, str]]
Write = Callable[[Any, str], Call]
"""From a row of the outbox and the secret."""

_JSON = "application/json"
_CLOUD_EVENT = "application/cloudevents+json"


def stripe(event: Any, secret: str) -> Call:
    """Billing's form: the time and the signature in one header."""
    told = {
        "id": event["event"],
        "type": event["type"],
        "created": int(event["created"].timestamp()),
        "data": {"object": event["object"]},
    }
    body, now = orjson.dumps(told), _now()
    digest = _digest(secret, now.encode() + b"." + body).hex()
    return body, {"content-type": _JSON, "stripe-signature": f"t={now},v1={digest}"}


def standard(event: Any, secret: str) -> Call:
    """The PSA's form: Standard Webhooks."""
    told = {
        "type": event["type"],
        "timestamp": event["created"].isoformat(),
        "data": event["object"],
    }
    return _signed(event["event"], orjson.dumps(told), secret, _JSON)


def cloud_event(event: Any, secret: str) -> Call:
    """The CRM's form: a CloudEvent in structured mode, signed as Standard Webhooks are."""
    told = {
        "specversion": "1.0",
        "id": event["event"],
        "source": "/crm",
        "type": f"crm.{event['type']}",
        "subject": event["object"]["id"],
        "time": event["created"].isoformat(),
        "data": event["object"],
    }
    return _signed(event["event"], orjson.dumps(told), secret, _CLOUD_EVENT)


def _signed(identity: str, body: bytes, secret: str, content: str) -> Call:
    now = _now()
    digest = _digest(secret, b".".join([identity.encode(), now.encode(), body]))
    return body, {
        "content-type": content,
        "webhook-id": identity,
        "webhook-timestamp": now,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _now() -> str:
    return str(int(time.time()))


def _digest(secret: str, signed: bytes) -> bytes:
    return hmac.digest(secret.encode(), signed, hashlib.sha256)
