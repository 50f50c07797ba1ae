"""From one record of the log to what it says. Total: whatever the bytes, it answers or is Poison.

The reasons are stable, to be counted: `bad_json`, `bad_schema`, `bad_value`, `bad_document`,
`bad_position`, `not_an_envelope`, `missing_key`, `missing_row`, `missing_source`, `unknown_op`,
`unknown_connector`, `unknown_outbox`, `partial_document`, `truncate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec

from cdc.envelope import mongo
from cdc.envelope.cloudevents import VERSION, cloud_event
from cdc.envelope.kinds import Envelope, Recorded, Signal, Tombstone
from cdc.envelope.markers import SIGNAL_TABLE, instant, logical_message, marker_of, transaction_of
from cdc.envelope.outbox import EVENT_ID, Outbox
from cdc.envelope.payload import (
    UNREADABLE,
    Payload,
    decode_key,
    decode_members,
    decode_payload,
    payload_of,
)
from cdc.envelope.placeholder import UNAVAILABLE, Placeholder
from cdc.envelope.schema_types import (
    Conversions,
    Field,
    conversions_of,
    convert_cells,
    key_conversions,
    row_conversions,
)
from cdc.envelope.source import Source, family_of, is_read
from cdc.envelope.unwrapping import OPENINGS, Unwrapper
from cdc.log.port import LogRecord
from schema.errors import Poison

NEW_KEY = "__debezium.newkey"
OLD_KEY = "__debezium.oldkey"
_NONE: Conversions = ()
_OPS = frozenset({"c", "u", "d", "r", "t", "m"})
_UNDATED = 946_684_800_000
"""2000-01-01, Postgres' own epoch: a commit under an origin to which nobody gave a time."""

Table = tuple[str, str]
"""(system, table), as the envelope's `source` names it."""


class EnvelopeReader:
    """Reads the records of a log; remembers the last schema part of each topic, and nothing else.

    `declared` are the types of columns whose envelopes carry no schema and whose spelling does not
    tell: without it decimals must come as text and instants as text or microseconds.
    `placeholders` and `signal_tables` are those of systems whose connectors have others.
    """

    def __init__(
        self,
        *,
        placeholder: str = UNAVAILABLE,
        signal_table: str = SIGNAL_TABLE,
        placeholders: Mapping[str, str] = MappingProxyType({}),
        signal_tables: Mapping[str, str] = MappingProxyType({}),
        declared: Mapping[Table, Sequence[Field]] = MappingProxyType({}),
        outboxes: Mapping[str, Outbox] = MappingProxyType({}),
    ) -> None:
        self._placeholder = Placeholder(placeholder)
        self._placeholders = {name: Placeholder(told) for name, told in placeholders.items()}
        self._signal_table = signal_table
        self._signal_tables = signal_tables
        self._declared = {table: conversions_of(fields) for table, fields in declared.items()}
        self._outboxes = outboxes
        self._keys = Unwrapper(key_conversions)
        self._values = Unwrapper(row_conversions)

    def has_outbox(self, topic: str) -> bool:
        """Whether it was declared what the topic's events tell of."""
        return topic in self._outboxes

    def read(self, record: LogRecord) -> Recorded:
        """What the record says. Raises Poison with the reason when it says nothing known."""
        topic = record.position.topic
        if topic in self._outboxes:
            return self._outboxes[topic].read(record)
        if record.value is None:
            return self._null(record)
        raw, conversions = record.value, _NONE
        if raw.startswith(OPENINGS):
            raw, conversions = self._values.split(topic, raw)
        try:
            payload = decode_payload(raw)
        except msgspec.ValidationError as error:
            return self._other(record, raw, error)
        except UNREADABLE as error:
            raise Poison("bad_json", str(error)) from error
        return self._told(record, payload, conversions)

    def _null(self, record: LogRecord) -> Recorded:
        system, _, table = record.position.topic.partition(".")
        signals = self._signal_tables.get(system, self._signal_table)
        if table.rpartition(".")[2] == signals:
            return Signal(system=system, table=signals)
        if record.key is None:
            raise Poison("missing_key", "A tombstone without a key deletes nothing.")
        key = self._key(record, record.key, ())
        return Tombstone(key=key, is_renamed_away=NEW_KEY in record.headers)

    def _other(self, record: LogRecord, raw: bytes, why: Exception) -> Recorded:
        """A record that is no envelope: a JSON null, a CloudEvent, a marker, or nothing known."""
        if raw.strip() == b"null":
            return self._null(record)
        members = decode_members(raw, why)
        if VERSION in members:
            event = cloud_event(members)
            data, conversions = self._values.split(record.position.topic, bytes(event.data))
            return self._told(record, payload_of(event, data), conversions)
        if "op" not in members:
            key = {} if record.key is None else self._key(record, record.key, ())
            if marker := marker_of(raw, members.keys(), key):
                return marker
        if EVENT_ID in record.headers:
            raise Poison("unknown_outbox", "Declare what the events of this outbox tell of.")
        raise Poison("not_an_envelope", str(why))

    def _told(self, record: LogRecord, payload: Payload, conversions: Conversions) -> Recorded:
        source, member = payload.source, payload.transaction
        if payload.op not in _OPS:
            raise Poison("unknown_op", f"op {payload.op!r:.20} is none of c, u, d, r, t, m.")
        if payload.op == "t":
            raise Poison("truncate", "The table was truncated at its source; re-snapshot it.")
        if source is None:
            raise Poison("missing_source", "Without `source` nobody knows what changed.")
        transaction = None if member is None else transaction_of(member.id)
        if payload.op == "m":
            return logical_message(source, payload.message, transaction)
        signals = self._signal_tables.get(source.name, self._signal_table)
        if source.table == signals or source.collection == signals:
            return Signal(system=source.name, table=signals)
        return self._envelope(record, payload, source, transaction, conversions)

    def _envelope(
        self,
        record: LogRecord,
        payload: Payload,
        source: Source,
        transaction: str | None,
        conversions: Conversions,
    ) -> Envelope:
        family = family_of(source)
        table = family.table(source)
        if self._declared and not conversions:
            conversions = self._declared.get((source.name, table), ())
        if record.key is None:
            raise Poison("missing_key", "A row change without a key cannot be ordered or applied.")
        key = self._key(record, record.key, conversions)
        if family.has_documents:
            key = mongo.key_of(key)
        former, new = record.headers.get(OLD_KEY), record.headers.get(NEW_KEY)
        placeholder = self._placeholders.get(source.name, self._placeholder)
        row, is_partial = _row(payload, key, conversions, placeholder, former is not None)
        return Envelope(
            op=payload.op,
            system=source.name,
            table=table,
            key=key,
            row=row,
            is_partial=is_partial,
            before=_row_of(payload.before),
            lsn=None if payload.op == "r" or is_read(source) else family.position(source),
            origin=source.origin,
            transaction=transaction,
            order=None if payload.transaction is None else payload.transaction.total_order,
            changed_at=_changed_at(payload, source),
            former_key=self._key(record, former, conversions) if former else None,
            new_key=self._key(record, new, conversions) if new else None,
        )

    def _key(self, record: LogRecord, raw: bytes, conversions: Conversions) -> dict[str, Any]:
        """The columns of a key; one without a schema is spelled as the rows are."""
        if raw.startswith(OPENINGS):
            raw, own = self._keys.split(record.position.topic, raw)
            conversions = own or conversions
        key = decode_key(raw)
        if conversions:
            convert_cells(key, conversions)
        return key


def _row(
    payload: Payload,
    key: dict[str, Any],
    conversions: Conversions,
    placeholder: Placeholder,
    is_renamed: bool,
) -> tuple[dict[str, Any], bool]:
    """The row, and whether some of its columns were not told."""
    if payload.op == "d":
        # `before` holds invented values for NOT NULL columns: only the key is true.
        return key, False
    row = _row_of(payload.after)
    if row is None and payload.update is not None:
        return {**key, **mongo.changed_fields(payload.update)}, True
    if row is None:
        raise Poison("missing_row", f"op {payload.op} without `after`.")
    # A read and an insert are whole; a `c` that follows an update's new key may not be.
    is_partial = (payload.op == "u" or is_renamed) and placeholder.is_in(row)
    if is_partial:
        row = placeholder.drop(row)
    if conversions:
        convert_cells(row, conversions)
    return row, is_partial


def _row_of(told: dict[str, Any] | str | None) -> dict[str, Any] | None:
    return mongo.document_of(told) if isinstance(told, str) else told


def _changed_at(payload: Payload, source: Source) -> datetime:
    """When the owner changed the row; what bears no time is as old as its capture."""
    if source.ts_ms == _UNDATED and payload.ts_ms is not None:
        return instant(payload.ts_ms)
    return instant(source.ts_ms)
