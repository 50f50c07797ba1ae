"""What a call tells: a CloudEvent, structured or binary, or an event in the sender's own form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from cdc.webhook.forms import Form
from schema.errors import Invalid

JSON = "application/json"
CLOUD_EVENT = "application/cloudevents+json"
CONTENT_TYPES = frozenset({JSON, CLOUD_EVENT})
_VERSION = "1.0"
_DEBEZIUM = "iodebezium"
_LONGEST_NAME = 255
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `data_at` is where its data stands in the JSON of `body`, with dots.

    An `is_envelope` is a CloudEvent that holds a whole row, as Debezium writes it.
    """

    id: str
    type: str
    at: datetime
    subject: str | None
    body: bytes
    data_at: str
    is_envelope: bool = False

    @property
    def data(self) -> Any:
        return dig(_decode(self.body), self.data_at)


def read_event(form: Form, headers: Mapping[str, str], body: bytes, signed: datetime) -> Event:
    """The event that a signed call tells. Raises Invalid for what is none, saying what is wrong."""
    try:
        told = _decode(body)
    except _UNREADABLE as error:
        raise Invalid("The body is no JSON object.") from error
    identity = headers.get(form.identity) if form.identity else told.get("id")
    if content_type(headers) == CLOUD_EVENT:
        return _structured(told, identity, body, signed)
    if "ce-specversion" in headers:
        return _binary(headers, identity, body, signed)
    return Event(
        id=_name(identity, "id"),
        type=_name(dig(told, form.type), "type"),
        at=_instant(dig(told, form.at), signed),
        subject=None,
        body=body,
        data_at=form.data,
    )


def content_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def dig(told: Any, place: str) -> Any:
    """What stands at a place with dots; None when there is no such place."""
    for name in filter(None, place.split(".")):
        told = told.get(name) if isinstance(told, dict) else None
    return told


def _structured(told: dict[str, Any], identity: Any, body: bytes, signed: datetime) -> Event:
    _require_version(told.get("specversion"))
    return Event(
        id=_name(identity or told.get("id"), "id"),
        type=_name(told.get("type"), "type"),
        at=_instant(told.get("time"), signed),
        subject=_optional(told.get("subject")),
        body=body,
        data_at="data",
        is_envelope=f"{_DEBEZIUM}op" in told,
    )


def _binary(headers: Mapping[str, str], identity: Any, body: bytes, signed: datetime) -> Event:
    """Attributes in headers are not signed: good for a hint, and never for a row."""
    _require_version(headers["ce-specversion"])
    if any(name.startswith(f"ce-{_DEBEZIUM}") for name in headers):
        raise Invalid(f"Send rows in structured mode ({CLOUD_EVENT}): headers are not signed.")
    return Event(
        id=_name(identity or headers.get("ce-id"), "id"),
        type=_name(headers.get("ce-type"), "type"),
        at=_instant(headers.get("ce-time"), signed),
        subject=_optional(headers.get("ce-subject")),
        body=body,
        data_at="",
    )


def _require_version(told: Any) -> None:
    if told != _VERSION:
        raise Invalid(f"CloudEvents of version {_VERSION} are read, no others.")


def _name(told: Any, what: str) -> str:
    if not isinstance(told, str) or not 0 < len(told) <= _LONGEST_NAME or not told.isprintable():
        raise Invalid(
            f"The event has no {what}: give it one of at most {_LONGEST_NAME} characters."
        )
    return told


def _optional(told: Any) -> str | None:
    return None if told is None else _name(told, "subject")


def _instant(told: Any, otherwise: datetime) -> datetime:
    """Seconds since 1970, or ISO text; an event without a time is as old as its signature."""
    try:
        if isinstance(told, int):
            return datetime.fromtimestamp(told, UTC)
        moment = datetime.fromisoformat(told) if isinstance(told, str) else otherwise
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid("The event's time is none: use ISO 8601 with an offset.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
