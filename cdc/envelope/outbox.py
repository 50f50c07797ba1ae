"""Outbox events: the bare payload that an owner's service published through the outbox router."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from cdc.envelope.kinds import Envelope
from cdc.log.port import LogRecord
from schema.errors import Poison

EVENT_ID = "id"
"""The header by which the router names an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbox:
    """What the events of one topic tell of: rows of a table, by a key of one column.

    An event carries no `source`, so its topic has to be declared. It tells what its publisher
    chose to tell, so its rows are partial; it has no position but the log's.
    """

    system: str
    table: str
    key: str

    def read(self, record: LogRecord) -> Envelope:
        """Raises Poison for what is no event of an outbox; a null payload is a delete."""
        key = {self.key: _identifier(record.key)}
        row = key if record.value is None else _payload(record.value)
        return Envelope(
            op="d" if record.value is None else "u",
            system=self.system,
            table=self.table,
            key=key,
            row=row,
            is_partial=True,
            before=None,
            lsn=None,
            origin=None,
            transaction=None,
            order=None,
            changed_at=record.appended_at,
            former_key=None,
            new_key=None,
        )


def _identifier(raw: bytes | None) -> str:
    """The aggregate's id: JSON text, with its schema or without, or the bare characters."""
    try:
        told = msgspec.json.decode(raw or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = None if raw is None else raw.decode(errors="replace")
    if isinstance(told, dict):
        told = told.get("payload")
    if isinstance(told, bool) or not isinstance(told, str | int) or told == "":
        raise Poison("missing_key", "An outbox event is keyed by its aggregate's id.")
    return str(told)


def _payload(value: bytes) -> dict[str, Any]:
    """The payload: an object, expanded or as text, alone or beside columns placed with it."""
    told: Any = value
    for _ in range(3):
        if isinstance(told, bytes | str):
            told = _decoded(told)
        elif isinstance(told, dict) and "payload" in told:
            told = told["payload"]
    if not isinstance(told, dict):
        raise Poison("not_an_envelope", "The payload of an outbox event is an object.")
    return told


def _decoded(text: bytes | str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Poison("bad_json", str(error)) from error
