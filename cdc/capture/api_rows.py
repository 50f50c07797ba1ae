"""Rows of an owner's API as records of the log: envelopes of the form that captures write. Pure.

The owner's version of a record takes the place of a position in its write-ahead log.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import orjson

from cdc.log.port import NewRecord
from schema.errors import Poison, Unavailable
from schema.position import Topic
from sync.connectors.binding import Binding, Row
from sync.connectors.cells import instant_of
from sync.connectors.codec import version_of

HINT = "concord-hint"
"""The header of a record that only says: read this one back."""
MET = b"met"
"""What that header says of a record that is met for the first time, which is no event."""
CONNECTOR = "concord-api"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Op = Literal["r", "u"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """One collection of an owner's API, and the bindings that read its rows; `binding` names it.

    Records that `is_spread` tables only touch: the owner's version of one does not count what hangs
    on it, and no table has its row. They are told by hints.
    """

    bindings: tuple[Binding, ...]

    @property
    def binding(self) -> Binding:
        return self.bindings[0]

    @property
    def table(self) -> str:
        return self.binding.told_in or ""

    @property
    def is_spread(self) -> bool:
        return any(binding.table is None for binding in self.bindings)

    @property
    def topic(self) -> Topic:
        return Topic(f"{self.binding.system.value}.{self.table}")

    def key_of(self, row: Row) -> str:
        """Raises Unavailable for a row without a key: the answer has another shape."""
        return str(self._cell(row, self.binding.key))

    def changed_at(self, row: Row) -> datetime:
        """When the owner says it changed. Raises Unavailable for a row that does not say it."""
        cell = self._cell(row, self.binding.updated_at)
        try:
            moment = instant_of(cell)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise self._unreadable(self.binding.updated_at) from error
        if moment is None:
            raise self._unreadable(self.binding.updated_at)
        return moment

    def version_of(self, row: Row) -> int | None:
        """Raises Unavailable for a version that is none."""
        try:
            return version_of(self.binding, row)
        except Poison as poison:
            raise self._unreadable(self.binding.version) from poison

    def write(self, op: Op, row: Row, now: datetime) -> NewRecord:
        """A read (`r`), which is no event where it is the first sight, or a change (`u`)."""
        if self.is_spread:
            return self.hint(self.key_of(row), op)
        schema, _, table = self.table.partition(".")
        source = {
            "connector": CONNECTOR,
            "name": self.binding.system.value,
            "ts_ms": _milliseconds(self.changed_at(row)),
            "schema": schema,
            "table": table,
            "snapshot": "true" if op == "r" else "false",
            "revision": self.version_of(row),
        }
        told = {"op": op, "before": None, "after": row, "source": source}
        return NewRecord(
            topic=self.topic,
            key=self._key(row[self.binding.key]),
            value=orjson.dumps({**told, "ts_ms": _milliseconds(now)}),
        )

    def hint(self, key: str, op: Op = "u") -> NewRecord:
        """That a record may be gone, or another; what it is now is for its owner to say."""
        return NewRecord(
            topic=self.topic,
            key=self._key(key),
            value=orjson.dumps({"read_back": key}),
            headers={HINT: MET if op == "r" else b"read back"},
        )

    def _key(self, cell: object) -> bytes:
        """Text, whatever the owner writes, so that all that is told of a record keeps its order."""
        return orjson.dumps({self.binding.key: str(cell)})

    def _cell(self, row: Row, name: str) -> object:
        cell = row.get(name)
        if cell is None:
            raise self._unreadable(name)
        return cell

    def _unreadable(self, name: str) -> Unavailable:
        system = self.binding.system
        return Unavailable(
            f"{system.name} answers rows of {self.table} without a readable {name}; "
            "see what its API answers.",
            system=system,
        )


def collections_of(bindings: Iterable[Binding]) -> tuple[Collection, ...]:
    """The collections that stand behind these bindings; those of one table are one."""
    found: dict[str, list[Binding]] = {}
    for binding in bindings:
        if binding.told_in is not None:
            found.setdefault(binding.told_in, []).append(binding)
    return tuple(Collection(bindings=tuple(own)) for own in found.values())


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)
