"""The payload of an envelope, and what else the JSON of a record may be. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from cdc.envelope.cloudevents import CloudEvent
from cdc.envelope.markers import Message
from cdc.envelope.mongo import Delta
from cdc.envelope.source import Source
from schema.errors import Poison

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Member(msgspec.Struct, gc=False):
    """What says to which transaction a change belongs, and which of its changes it is."""

    id: str
    total_order: int | None = None


class Payload(msgspec.Struct, gc=False):
    """An envelope as it is written. A document is text, a row an object."""

    op: str
    source: Source | None = None
    before: dict[str, Any] | str | None = None
    after: dict[str, Any] | str | None = None
    ts_ms: int | None = None
    transaction: Member | None = None
    message: Message | None = None
    update: Delta | None = msgspec.field(default=None, name="updateDescription")


class _Data(msgspec.Struct):
    before: dict[str, Any] | str | None = None
    after: dict[str, Any] | str | None = None


decode_payload = msgspec.json.Decoder(Payload).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_data = msgspec.json.Decoder(_Data).decode
_decode_key = msgspec.json.Decoder(dict[str, Any]).decode


def decode_members(raw: bytes, why: Exception) -> dict[str, msgspec.Raw]:
    """The members of an object that is no envelope. Raises Poison with `why` for anything else."""
    try:
        return _decode_members(raw)
    except UNREADABLE as error:
        raise Poison("not_an_envelope", str(why)) from error


def decode_key(raw: bytes) -> dict[str, Any]:
    """The columns of a key. Raises Poison when it holds none."""
    try:
        key = _decode_key(raw)
    except UNREADABLE as error:
        raise Poison("bad_json", f"key: {error}") from error
    if not key:
        raise Poison("missing_key", "The key holds no column.")
    return key


def payload_of(event: CloudEvent, raw: bytes) -> Payload:
    """The payload that a CloudEvent was made of; `raw` is its data, unwrapped."""
    try:
        data = _decode_data(raw)
        source = msgspec.convert(event.source, Source, strict=False)
    except UNREADABLE as error:
        raise Poison("not_an_envelope", f"CloudEvent: {error}") from error
    member = None
    if event.transaction is not None:
        member = Member(id=event.transaction, total_order=event.order)
    return Payload(
        op=event.op, source=source, before=data.before, after=data.after, transaction=member
    )
