"""From a log record to what it means for canonical records, by the bindings of its table.

Nothing but the last delete of each partition is remembered: its tombstone bears no position.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from cdc.envelope import Envelope, Tombstone, read_envelope
from cdc.log.port import LogRecord
from schema.errors import Poison
from schema.position import LogPartition
from sync.changes import Change, Incoming, Reject, Renamed, Touched
from sync.connectors.binding import Binding, Touch
from sync.connectors.cells import text_of
from sync.connectors.codec import decode, version_of

_Table = tuple[str, str]
"""(system, `schema.table`), as the envelope's `source` names it."""

_CLOSE_BY = 2
"""A tombstone follows its delete at once; a transaction's marker may take an offset between."""


class _Deleted(NamedTuple):
    """The last delete of a partition."""

    key: bytes | None
    offset: int
    lsn: int | None


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
        self._deleted: dict[LogPartition, _Deleted] = {}

    def decode(self, record: LogRecord) -> Sequence[Incoming]:
        """What one log record means; one that nobody can decode becomes a Reject."""
        try:
            envelope = read_envelope(record)
            if isinstance(envelope, Tombstone):
                return self._deletes(record, envelope)
            return self._meaning(record, envelope)
        except Poison as poison:
            return [Reject(record=record, reason=poison.reason, detail=poison.detail)]

    def _meaning(self, record: LogRecord, envelope: Envelope) -> list[Incoming]:
        if envelope.op == "d":
            position = record.position
            self._deleted[position.lane] = _Deleted(record.key, position.offset, envelope.lsn)
        table = (envelope.system, envelope.table)
        bindings, touches = self._bindings.get(table, []), self._touches.get(table, [])
        if not bindings and not touches:
            raise Poison("unknown_table", f"No binding reads {envelope.system}.{envelope.table}.")
        renamed = [one for binding in bindings for one in _renamed(record, envelope, binding)]
        if envelope.new_key is not None:
            return [*renamed]  # the other half, with the new key, carries the row
        changes = [_change(record, envelope, binding) for binding in bindings]
        touched = [_touched(record, envelope, *pair) for pair in touches]
        return [*renamed, *changes, *(t for t in touched if t is not None)]

    def _deletes(self, record: LogRecord, tombstone: Tombstone) -> list[Incoming]:
        system, _, table = record.position.topic.partition(".")
        if tombstone.is_renamed_away:
            return []
        lsn = self._lsn_of(record)
        return [
            _delete(record, binding, tombstone.key, lsn)
            for binding in self._bindings[system, table]
        ]

    def _lsn_of(self, record: LogRecord) -> int | None:
        """The history position of the delete that a tombstone follows, None for one that is alone.

        So a tombstone that is sent again is as old as its delete, and deletes nothing newer.
        """
        last = self._deleted.pop(record.position.lane, None)
        if last is None or last.key != record.key:
            return None
        is_next = record.position.offset - last.offset <= _CLOSE_BY
        return last.lsn if is_next else None


def _change(record: LogRecord, envelope: Envelope, binding: Binding) -> Change:
    is_delete = envelope.op == "d"
    row = envelope.row
    return Change(
        binding=binding,
        record=record,
        key=_key(binding, envelope.key),
        anchor_key=text_of(row.get(binding.anchor_key)),
        values={} if is_delete else decode(binding, row),
        copies={} if is_delete else decode(binding, row, copies=True),
        lsn=envelope.lsn,
        version=version_of(binding, row),
        as_of=envelope.changed_at,
        is_delete=is_delete,
    )


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
    """The half of a key change that this record tells, if it tells one."""
    if envelope.former_key is None and envelope.new_key is None:
        return
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
    key = touch.record_of({**(envelope.before or {}), **envelope.row})
    if key is None:
        return None
    return Touched(
        binding=binding,
        record=record,
        key=key,
        is_read=envelope.lsn is None,
        as_of=envelope.changed_at,
    )


def _key(binding: Binding, key: dict[str, Any]) -> str:
    cell = text_of(key.get(binding.key))
    if cell is None:
        raise Poison("missing_key", f"The key has no column {binding.key}.")
    return cell
