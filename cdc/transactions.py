"""Changes of one transaction held until all of them are there, so that they are applied as one.

A transaction's changes are spread over partitions that are read at different speeds; its end, on
a topic of its own, tells how many there are. Within a partition nothing overtakes: what comes
behind a transaction that waits, waits too. As all partitions of a source are in the order of its
commits, no two transactions can wait for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from time import monotonic
from typing import NamedTuple

import structlog

from cdc.log.port import LogRecord
from schema.position import LogPartition
from sync.changes import Incoming

log = structlog.get_logger(__name__)

_MOST_TORN = 1000
"""Torn transactions whose end is still to come; of older ones nothing is expected any more."""


class Torn(Enum):
    """Why a transaction was applied piece by piece."""

    LATE = "late"
    LARGE = "large"
    SHARED = "shared"


class Part(NamedTuple):
    """One change of a transaction, which `order` tells from its others; or its end.

    `expected` is how many changes an end announces of the tables that are read.
    """

    system: str
    transaction: str
    order: int | None = None
    expected: int | None = None


class Told(NamedTuple):
    """A record, what it means, and of which transaction it is a part."""

    record: LogRecord
    meaning: Sequence[Incoming]
    part: Part | None


Key = tuple[str, str]
"""(system, transaction)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a transaction is waited for, and how many records are held at most."""

    patience: timedelta = timedelta(seconds=5)
    records: int = 20_000


@dataclass(slots=True)
class _Open:
    """What has come of a transaction."""

    since: float
    orders: set[int] = field(default_factory=set)
    expected: int | None = None

    @property
    def is_complete(self) -> bool:
        return self.expected is not None and len(self.orders) >= self.expected

    def add(self, part: Part) -> None:
        """A change that is sent again is counted once."""
        if part.expected is not None:
            self.expected = part.expected
        elif part.order is not None:
            self.orders.add(part.order)


class Gate:
    """Holds records back, and lets whole transactions through. Not for several tasks at once."""

    def __init__(self, limits: Limits | None = None, now: Callable[[], float] = monotonic) -> None:
        self._limits = limits or Limits()
        self._now = now
        self._held: dict[LogPartition, deque[Told]] = {}
        self._open: dict[Key, _Open] = {}
        self._torn: dict[Key, None] = {}
        self.tearings: list[tuple[str, Torn]] = []
        """What was torn and why, since somebody last took note and emptied the list."""

    def take(self, told: Iterable[Told]) -> list[Told]:
        """Hold these, and answer what may be applied, each partition's records in their order."""
        for one in told:
            self._hold(one)
        if not self._held:
            return []
        self._tear_late()
        free = self._release()
        while self._open and self._count() > self._limits.records:
            self._tear(next(iter(self._open)), Torn.LARGE)
            free += self._release()
        return free

    def keep(self, lanes: Collection[LogPartition]) -> None:
        """Forget what is held of other partitions, which somebody else reads now."""
        gone = self._held.keys() - set(lanes)
        if not gone:
            return
        kept = [one for lane, held in self._held.items() if lane not in gone for one in held]
        self.clear()
        for one in kept:
            self._hold(one)

    def open_up(self, systems: Collection[str]) -> None:
        """Wait no longer for transactions that other members read parts of."""
        for key in [key for key in self._open if key[0] in systems]:
            self._tear(key, Torn.SHARED)

    def clear(self) -> None:
        """Forget everything: it is read again."""
        self._held.clear()
        self._open.clear()

    def _hold(self, told: Told) -> None:
        self._held.setdefault(told.record.position.lane, deque()).append(told)
        if told.part is None:
            return
        key = told.part.system, told.part.transaction
        if key not in self._torn:
            self._open.setdefault(key, _Open(self._now())).add(told.part)
        elif told.part.expected is not None:
            del self._torn[key]

    def _tear_late(self) -> None:
        latest = self._now() - self._limits.patience.total_seconds()
        for key in [k for k, one in self._open.items() if one.since <= latest]:
            if not self._open[key].is_complete:
                self._tear(key, Torn.LATE)

    def _tear(self, key: Key, why: Torn) -> None:
        """Wait no longer for the rest of a transaction, which passes as it comes."""
        torn = self._open.pop(key)
        if torn.expected is None:
            self._torn[key] = None
        if len(self._torn) > _MOST_TORN:
            del self._torn[next(iter(self._torn))]
        self.tearings.append((key[0], why))
        log.warning(
            "transaction.torn",
            system=key[0],
            transaction=key[1],
            why=why.value,
            came=len(torn.orders),
            expected=torn.expected,
        )

    def _release(self) -> list[Told]:
        waiting = self._waiting()
        free: list[Told] = []
        for lane, held in list(self._held.items()):
            while held and _key(held[0].part) not in waiting:
                free.append(held.popleft())
            if not held:
                del self._held[lane]
        for key in self._open.keys() - waiting:
            del self._open[key]
        return free

    def _waiting(self) -> set[Key | None]:
        """The transactions that lack something, and those that stand behind one that does."""
        waiting: set[Key | None] = {k for k, one in self._open.items() if not one.is_complete}
        count = -1 if waiting else 0
        while count != len(waiting):
            count = len(waiting)
            for held in self._held.values():
                waiting |= _behind(held, waiting)
        return waiting

    def _count(self) -> int:
        return sum(map(len, self._held.values()))


def _behind(held: Iterable[Told], waiting: set[Key | None]) -> set[Key | None]:
    keys = [_key(one.part) for one in held]
    first = next((at for at, key in enumerate(keys) if key in waiting), len(keys))
    return {key for key in keys[first:] if key is not None}


def _key(part: Part | None) -> Key | None:
    return None if part is None else (part.system, part.transaction)
