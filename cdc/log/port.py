"""The log port: what the captures and the listener expect of any log engine."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from schema.position import LogPartition, Position, Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    """A record to append. `key` chooses the partition, so records of one key keep their order.

    `value=None` is a tombstone; `key=None` is legal (a truncate) and goes to partition 0.
    """

    topic: Topic
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)


class LogRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A record as read back, with its position and the time it was appended."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    appended_at: datetime


class Appends(Protocol):
    """The writing half."""

    async def append(self, records: Sequence[NewRecord]) -> None:
        """Append all records. Within a partition, offset order is the order of appending.

        When it raises, some may be there already; appending them all again does no harm.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a system called something that it told us; it may tell it again."""

    system: str
    id: str


class Makes(Protocol):
    """Makes topics before their first records, so that whoever reads them is there in time."""

    async def make(self, topics: Collection[Topic], partitions: int | None = None) -> None:
        """Make those that do not exist; without `partitions` like those that `append` makes."""
        ...


class AppendsOnce(Protocol):
    """The writing half for those who send again until we have said yes."""

    async def append_once(self, told: Told, records: Sequence[NewRecord]) -> bool:
        """Append all records, unless what was told has been appended; answers whether it was new.

        Raises `Unavailable` while the log does not answer: then it is to be told again.
        """
        ...


class Consumes(Protocol):
    """The reading half: one member of a consumer group. Partitions are shared among the members.

    The stored offset of a partition belongs to the consumer, not to the log: `seek` says where to
    start, and correctness rests on the consumer's own compare-and-set of that offset.
    """

    async def poll(self, limit: int, wait: timedelta) -> Sequence[LogRecord]:
        """Up to `limit` records of the assigned partitions, in offset order per partition.

        Waits at most `wait` for the first one; an empty answer means that nothing came.
        """
        ...

    async def assignment(self) -> frozenset[LogPartition]:
        """The partitions this member reads now; it may change at every poll."""
        ...

    def seek(self, partition: LogPartition, offset: int) -> None:
        """Read `partition` from `offset` on. Without it, reading starts at the oldest record."""
        ...

    def pause(self, partition: LogPartition) -> None:
        """Keep the partition but return nothing of it until `resume`."""
        ...

    def resume(self, partition: LogPartition) -> None: ...

    async def commit(self, offsets: Mapping[LogPartition, int]) -> None:
        """Tell the engine how far the group is (next offset to read). Monitoring only."""
        ...

    async def close(self) -> None:
        """Give the partitions back to the group."""
        ...
