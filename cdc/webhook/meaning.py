"""Between events and records of the log: how one is kept, and what a kept one means.

An event is a hint. What it says of a record is not believed: the record is read back from its
owner. A CloudEvent that holds a row, as Debezium writes it, goes to the topic of its table and is
read there like any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from cdc.envelope.kinds import Envelope
from cdc.envelope.reader import EnvelopeReader
from cdc.log.port import LogRecord, NewRecord
from cdc.webhook import event as events
from cdc.webhook.event import Event
from schema.errors import Invalid, Poison
from schema.position import Position, Topic
from schema.system import System
from sync.changes import Touched
from sync.connectors.binding import Binding
from sync.connectors.binding import Event as Declared

EVENT_TYPE = "concord-event"
_ID, _AT, _SUBJECT, _DATA = (f"concord-event-{name}" for name in ("id", "at", "subject", "data"))
_EVENTS = ".events"
_SOMEWHERE = Position(topic=Topic(""), partition=0, offset=0)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Bound = tuple[Binding, Declared]


def events_topic(system: System) -> Topic:
    """Where a system's events are kept, apart from the rows of its tables."""
    return Topic(system.value + _EVENTS)


def is_of_events(topic: Topic) -> bool:
    """Whether a topic is one of those; a table's has a schema in its name."""
    return topic.endswith(_EVENTS) and topic.count(".") == 1


class EventForm:
    """Knows what the bindings declare of each system's events."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        self._declared: dict[tuple[str, str], list[Bound]] = defaultdict(list)
        self._tables: dict[tuple[str, str], Binding] = {}
        for binding in bindings:
            system = binding.system.value
            for declared in binding.events:
                self._declared[system, declared.type].append((binding, declared))
            if binding.table is not None:
                self._tables.setdefault((system, binding.table), binding)

    def keep(self, system: System, event: Event, now: datetime) -> NewRecord:
        """The record of the log for an event. Raises Invalid for a row that is not the system's."""
        if event.is_envelope:
            return self._row(system, event, now)
        bound = self._declared.get((system.value, event.type), [])
        keys = (_key(declared, event) for _, declared in bound)
        key = next((key for key in keys if key is not None), None)
        named = {"event": event.id} if key is None else {"record": key}
        told = {EVENT_TYPE: event.type, _ID: event.id, _DATA: event.data_at}
        told |= {_AT: event.at.isoformat()} | ({_SUBJECT: event.subject} if event.subject else {})
        return NewRecord(
            topic=events_topic(system),
            key=msgspec.json.encode(named),
            value=event.body,
            headers={name: text.encode() for name, text in told.items()},
        )

    def meaning(self, record: LogRecord) -> list[Touched]:
        """The records that a kept event touches.

        Raises Poison for a type that nobody declared, and for one that does not name its record.
        """
        system = record.position.topic.partition(".")[0]
        event = _kept(record)
        bound = self._declared.get((system, event.type))
        if bound is None:
            detail = (
                f"{system} sends events of type {event.type}: declare what they touch, or nothing."
            )
            raise Poison("unknown_event", detail)
        return [_touched(record, event, *one) for one in bound if one[1].key is not None]

    def _row(self, system: System, event: Event, now: datetime) -> NewRecord:
        envelope = _envelope(event, now)
        if envelope.system != system.value:
            raise Invalid(f"The row is of {envelope.system!r:.40}, and you are {system.value}.")
        binding = self._tables.get((envelope.system, envelope.table))
        if binding is None:
            raise Invalid(f"No binding reads {envelope.table!r:.80}: leave that table out.")
        row = (envelope.before or {}) if envelope.op == "d" else envelope.row
        if (cell := row.get(binding.key)) is None:
            raise Invalid(f"The row does not tell {binding.key}, which orders its changes.")
        return NewRecord(
            topic=Topic(f"{envelope.system}.{envelope.table}"),
            key=msgspec.json.encode({binding.key: cell}),
            value=event.body,
        )


def _envelope(event: Event, now: datetime) -> Envelope:
    """The row change that a CloudEvent holds; its key is not in it, and stands in here."""
    stand_in = LogRecord(
        position=_SOMEWHERE, key=b'{"key":0}', value=event.body, headers={}, appended_at=now
    )
    try:
        told = EnvelopeReader().read(stand_in)
    except Poison as poison:
        raise Invalid(f"The event holds no row change: {poison.detail}") from poison
    if not isinstance(told, Envelope):
        raise Invalid("The event holds no row change.")
    return told


def _kept(record: LogRecord) -> Event:
    told = {name: raw.decode() for name, raw in record.headers.items()}
    return Event(
        id=told[_ID],
        type=told[EVENT_TYPE],
        at=datetime.fromisoformat(told[_AT]),
        subject=told.get(_SUBJECT),
        body=record.value or b"",
        data_at=told[_DATA],
    )


def _touched(record: LogRecord, event: Event, binding: Binding, declared: Declared) -> Touched:
    try:
        key = _key(declared, event)
    except _UNREADABLE as error:  # an edited dead letter
        raise Poison("bad_json", str(error)) from error
    if key is None:
        raise Poison(
            "missing_key", f"{event.type} has no {declared.key} in its data, nor a subject."
        )
    return Touched(
        binding=binding,
        record=record,
        column=binding.touched_by or binding.key,
        key=key,
        is_read=False,
        as_of=event.at,
        is_beside=True,
    )


def _key(declared: Declared, event: Event) -> str | None:
    """The record's key, as the event names it."""
    if declared.key is None:
        return None
    cell: Any = events.dig(event.data, declared.key)
    if isinstance(cell, str | int) and not isinstance(cell, bool) and cell != "":
        return str(cell)
    return event.subject
