"""From a log record to what it means for canonical records, by the bindings of its table. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from cdc.envelope import Envelope, Tombstone, read_envelope
from cdc.log.port import LogRecord
from schema.errors import Poison
from sync.changes import Change, Incoming, Reject, Touched
from sync.connectors.binding import Binding, Touch
from sync.connectors.cells import text_of
from sync.connectors.codec import decode, version_of

_Table = tuple[str, str]
"""(system, `schema.table`), as the envelope's `source` names it."""


class Decoder:
    """Knows every captured table; built once per process from the connectors' bindings."""

    def __init__(self, bindings: Iterable[Binding]) -> None:
        self._bindings: dict[_Table, list[Binding]] = defaultdict(list)
        self._touches: dict[_Table, list[tuple[Binding, Touch]]] = defaultdict(list)
        for binding in bindings:
            system = binding.system.value
            if binding.table is not None:
                self._bindings[system, binding.table].append(binding)
            for touch in binding.touches:
                self._touches[system, touch.table].append((binding, touch))

    def decode(self, record: LogRecord) -> Sequence[Incoming]:
        """What one log record means; one that nobody can decode becomes a Reject."""
        try:
            envelope = read_envelope(record)
            if isinstance(envelope, Tombstone):
                return self._deletes(record, envelope)
            return self._meaning(record, envelope)
        except Poison as poison:
            return [_reject(record, poison)]

    def _meaning(self, record: LogRecord, envelope: Envelope) -> list[Incoming]:
        table = (envelope.system, envelope.table)
        bindings, touches = self._bindings.get(table, []), self._touches.get(table, [])
        if not bindings and not touches:
            raise Poison("unknown_table", f"No binding reads {envelope.system}.{envelope.table}.")
        if envelope.is_renamed_away:
            return []  # the other half, with the new key, carries the row
        changes = [_change(record, envelope, binding) for binding in bindings]
        touched = [_touched(record, envelope, *pair) for pair in touches]
        return [*changes, *(t for t in touched if t is not None)]

    def _deletes(self, record: LogRecord, tombstone: Tombstone) -> list[Incoming]:
        system, _, table = record.position.topic.partition(".")
        if tombstone.is_renamed_away:
            return []
        return [
            _delete(record, binding, tombstone.key) for binding in self._bindings[system, table]
        ]


def _change(record: LogRecord, envelope: Envelope, binding: Binding) -> Change:
    is_delete = envelope.op == "d"
    row, former = envelope.row, envelope.former_key
    values = {} if is_delete else decode(binding, row)
    return Change(
        binding=binding,
        key=_key(binding, envelope.key),
        anchor_key=text_of(row.get(binding.anchor_key)),
        values=values,
        copies={} if is_delete else decode(binding, row, copies=True),
        position=record.position,
        lsn=envelope.lsn,
        version=version_of(binding, row),
        as_of=envelope.changed_at,
        is_delete=is_delete,
        is_complete=is_delete or len(values) == len(binding.owns),
        former_key=_key(binding, former) if former else None,
    )


def _delete(record: LogRecord, binding: Binding, key: dict[str, Any]) -> Change:
    return Change(
        binding=binding,
        key=_key(binding, key),
        anchor_key=None,
        values={},
        copies={},
        position=record.position,
        lsn=None,
        version=None,
        as_of=record.appended_at,
        is_delete=True,
    )


def _touched(
    record: LogRecord, envelope: Envelope, binding: Binding, touch: Touch
) -> Touched | None:
    row = {**(envelope.before or {}), **envelope.row}
    key = touch.points(row) if touch.points else text_of(row.get(touch.key))
    if key is None:
        return None
    return Touched(
        binding=binding,
        key=key,
        position=record.position,
        is_read=envelope.lsn is None,
        as_of=envelope.changed_at,
    )


def _key(binding: Binding, key: dict[str, Any]) -> str:
    cell = text_of(key.get(binding.key))
    if cell is None:
        raise Poison("missing_key", f"The key has no column {binding.key}.")
    return cell


def _reject(record: LogRecord, poison: Poison) -> Reject:
    return Reject(
        position=record.position,
        key=record.key,
        value=record.value,
        headers=record.headers,
        reason=poison.reason,
        detail=poison.detail,
    )
