"""From a log record to what it means for canonical records, by the bindings of its table.

Nothing but the last delete of each partition is remembered: its tombstone bears no position.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from cdc.bound import Bound, bound_tables
from cdc.capture.api_rows import HINT, MET
from cdc.envelope.kinds import Envelope, Heartbeat, Marker, Recorded, Tombstone, TransactionMarker
from cdc.envelope.markers import HEARTBEAT
from cdc.envelope.payload import decode_key
from cdc.envelope.reader import EnvelopeReader, Table
from cdc.log.port import LogRecord
from cdc.transactions import Part, Told
from cdc.webhook.meaning import EVENT_TYPE, EventForm, events_topic
from schema.errors import Poison
from schema.position import LogPartition, Topic
from sync.changes import Change, Incoming, Reject, Renamed, Touched
from sync.connectors.binding import Binding, Touch
from sync.connectors.cells import text_of
from sync.connectors.codec import columns_of, columns_of_field, decode, version_of

_CLOSE_BY = 2
"""A tombstone follows its delete at once; a transaction's marker may take an offset between."""


class _Deleted(NamedTuple):
    """The last delete of a partition: the bytes of its key and where it stood, what it deleted."""

    raw_key: bytes | None
    offset: int
    table: Table
    key: dict[str, Any]
    lsn: int | None


class Decoder:
    """Knows every captured table; built once per process from the connectors' bindings."""

    def __init__(self, bindings: Iterable[Binding], reader: EnvelopeReader | None = None) -> None:
        bindings = tuple(bindings)
        self._reader = reader or EnvelopeReader()
        self._events = EventForm(bindings)
        self._event_topics = {events_topic(binding.system) for binding in bindings}
        self._bound = bound_tables(bindings)
        self._deleted: dict[LogPartition, _Deleted] = {}
        self.heartbeats: dict[str, datetime] = {}
        """The last of each system, since somebody last took note and emptied it."""

    def reads(self, topic: Topic) -> bool:
        """Whether what stands there may mean something for records.

        Of heartbeats and ends of transactions that is never so, nor of tables that are not bound
        any more.
        """
        system, _, table = topic.partition(".")
        is_bound = (system, table) in self._bound
        return is_bound or topic in self._event_topics or self._reader.has_outbox(topic)

    def decode(self, record: LogRecord) -> Sequence[Incoming]:
        """What one log record means; one that nobody can decode becomes a Reject.

        What a capture says beside the rows means nothing for records; heartbeats are kept.
        """
        return self._understood(record)[0]

    def told(self, record: LogRecord) -> Told:
        """What one log record means, and of which transaction it is a part."""
        meaning, said = self._understood(record)
        return Told(record, meaning, None if said is None else self._part(record, said))

    def _understood(self, record: LogRecord) -> tuple[Sequence[Incoming], Recorded | None]:
        """What a record means, and what a capture said in it, if it is a capture's."""
        said: Recorded | None = None
        try:
            if EVENT_TYPE in record.headers:
                return self._events.meaning(record), None
            if HINT in record.headers:
                return self._hinted(record), None
            said = self._reader.read(record)
            return self._meant(record, said), said
        except Poison as poison:
            return [Reject(record=record, reason=poison.reason, detail=poison.detail)], said

    def _meant(self, record: LogRecord, said: Recorded) -> Sequence[Incoming]:
        if isinstance(said, Envelope):
            return self._meaning(record, said)
        if isinstance(said, Tombstone):
            return self._deletes(record, said)
        return self._beside(record, said)

    def _part(self, record: LogRecord, said: Recorded) -> Part | None:
        """Of a transaction's end, how many changes it announces of the tables that are bound."""
        if isinstance(said, Envelope) and said.transaction and said.order is not None:
            return Part(said.system, said.transaction, order=said.order)
        if isinstance(said, TransactionMarker) and said.counts is not None:
            system = record.position.topic.partition(".")[0]
            bound = (n for table, n in said.counts.items() if (system, table) in self._bound)
            return Part(system, said.transaction, expected=sum(bound))
        return None

    def _meaning(self, record: LogRecord, envelope: Envelope) -> list[Incoming]:
        table = (envelope.system, envelope.table)
        if envelope.op == "d":
            self._deleted[record.position.lane] = _Deleted(
                record.key, record.position.offset, table, envelope.key, envelope.lsn
            )
        bindings, touches, leftover = self._bound_to(table)
        renamed: list[Incoming] = []
        if envelope.new_key is not None or envelope.former_key is not None:
            renamed = [one for binding in bindings for one in _renamed(record, envelope, binding)]
        if envelope.new_key is not None:
            return renamed  # the other half, with the new key, carries the row
        extra = leftover.of(envelope.row)
        changes: list[Incoming] = [
            _change(record, envelope, one, extra if one is leftover.keeper else None)
            for one in bindings
        ]
        if not (renamed or touches):
            return changes
        touched = [_touched(record, envelope, *pair) for pair in touches]
        return [*renamed, *changes, *filter(None, touched)]

    def _beside(self, record: LogRecord, marker: Marker) -> list[Incoming]:
        if isinstance(marker, Heartbeat):
            system = marker.system or record.position.topic.removeprefix(HEARTBEAT)
            self.heartbeats[system] = marker.sent_at
        return []

    def _hinted(self, record: LogRecord) -> list[Incoming]:
        """Our own word that the record of a row should be read back: it may be gone."""
        system, _, table = record.position.topic.partition(".")
        key = decode_key(record.key or b"")
        bindings, touches, *_ = self._bound_to((system, table))
        spread = (one for one, touch in touches if one.told_in == touch.table)
        return [
            Touched(
                binding=binding,
                record=record,
                column=binding.key,
                key=_key(binding, key),
                is_read=record.headers[HINT] == MET,
                as_of=record.appended_at,
            )
            for binding in dict.fromkeys((*bindings, *spread))
        ]

    def _bound_to(self, table: Table) -> Bound:
        bound = self._bound.get(table)
        if bound is None:
            raise Poison("unknown_table", f"No binding reads {'.'.join(table)}.")
        return bound

    def _deletes(self, record: LogRecord, tombstone: Tombstone) -> list[Incoming]:
        """A tombstone is of the table, and as old as, the delete that it follows.

        So one that is sent again deletes nothing newer. Only its topic can say of which table one
        is that stands alone.
        """
        last = self._deleted.pop(record.position.lane, None)
        if tombstone.is_renamed_away:
            return []
        if last is not None and _is_of(record, last):
            bound = self._bound.get(last.table)  # None: the delete is parked, which is enough
            return [_delete(record, b, last.key, last.lsn) for b in bound.bindings] if bound else []
        system, _, table = record.position.topic.partition(".")
        bindings = self._bound_to((system, table)).bindings
        return [_delete(record, binding, tombstone.key, None) for binding in bindings]


def _is_of(record: LogRecord, last: _Deleted) -> bool:
    return last.raw_key == record.key and record.position.offset - last.offset <= _CLOSE_BY


def _change(
    record: LogRecord,
    envelope: Envelope,
    binding: Binding,
    extra: Mapping[str, Any] | None = None,
) -> Change:
    is_delete = envelope.op == "d"
    row = envelope.row
    values = {} if is_delete or not binding.owns else decode(binding, row)
    copies = {} if is_delete or not binding.copies else decode(binding, row, copies=True)
    if not (is_delete or envelope.is_partial):
        _require_whole(binding, envelope, values, copies)
    return Change(
        binding=binding,
        record=record,
        key=_key(binding, envelope.key),
        anchor_key=text_of(row.get(binding.anchor_key)),
        values=values,
        copies=copies,
        lsn=envelope.lsn,
        version=version_of(binding, row),
        as_of=envelope.changed_at,
        is_delete=is_delete,
        is_partial=envelope.is_partial,
        extra=extra,
    )


def _require_whole(
    binding: Binding, envelope: Envelope, values: Mapping[str, Any], copies: Mapping[str, Any]
) -> None:
    """A whole row tells every bound column; one that is gone or has another name breaks it.

    A row from before the column of an optional field was added leaves that field as it is.
    """
    is_told = len(values) == len(binding.owns) and len(copies) == len(binding.copies)
    if is_told and binding.anchor_key in envelope.row:
        return
    late = {column for name in binding.optional for column in columns_of_field(binding, name)}
    if missing := columns_of(binding) - envelope.row.keys() - late:
        table = f"{envelope.system}.{envelope.table}"
        told = f"{table} has no column {', '.join(sorted(missing))}; the binding reads it."
        raise Poison("contract_break", told)


def _delete(record: LogRecord, binding: Binding, key: dict[str, Any], lsn: int | None) -> Change:
    return Change(
        binding=binding,
        record=record,
        key=_key(binding, key),
        anchor_key=None,
        values={},
        copies={},
        lsn=lsn,
        version=None,
        as_of=record.appended_at,
        is_delete=True,
    )


def _renamed(record: LogRecord, envelope: Envelope, binding: Binding) -> Iterable[Renamed]:
    """The half of a key change that this record tells, if it concerns the binding's key."""
    former = _key(binding, envelope.former_key or envelope.key)
    new = _key(binding, envelope.new_key or envelope.key)
    if former != new:
        yield Renamed(
            binding=binding,
            record=record,
            former_key=former,
            key=new,
            lsn=envelope.lsn,
            is_arrival=envelope.new_key is None,
        )


def _touched(
    record: LogRecord, envelope: Envelope, binding: Binding, touch: Touch
) -> Touched | None:
    if touch.key not in envelope.row and not (envelope.op == "d" or envelope.is_partial):
        table = f"{envelope.system}.{envelope.table}"
        raise Poison("contract_break", f"{table} has no column {touch.key}; a touch reads it.")
    key = touch.record_of({**(envelope.before or {}), **envelope.row})
    if key is None:
        return None
    return Touched(
        binding=binding,
        record=record,
        column=binding.column_of(touch),
        key=key,
        is_read=envelope.lsn is None,
        as_of=envelope.changed_at,
    )


def _key(binding: Binding, key: dict[str, Any]) -> str:
    cell = text_of(key.get(binding.key))
    if cell is None:
        raise Poison("missing_key", f"The key has no column {binding.key}.")
    return cell
