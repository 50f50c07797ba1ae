"""A dead letter as it lies in the table, and which ones are meant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from schema.position import LogPartition, Position, Topic
from sync.apply.parking import LetterClass, LetterState
from sync.headers import decode_headers

UNSETTLED = (LetterState.OPEN, LetterState.WAITING)

SELECT = """
SELECT id, topic, partition, "offset", key, value, headers, class, state, reason, detail, epoch,
    edited, attempts, parked_at, settled_at, settled_by, settled_why
FROM dead_letter
"""
WHERE = """
WHERE (cardinality($1::bigint[]) = 0 OR id = ANY ($1)) AND state = ANY ($2)
    AND ($3::text[] IS NULL OR topic = ANY ($3)) AND ($4::text[] IS NULL OR reason = ANY ($4))
    AND ($5::text[] IS NULL OR class = ANY ($5))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record of the log that could not be applied; `value` is as it came, whatever was edited."""

    id: int
    position: Position
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    letter_class: LetterClass
    state: LetterState
    reason: str
    detail: str
    epoch: int
    edited: bytes | None
    attempts: int
    parked_at: datetime
    settled_at: datetime | None
    settled_by: str | None
    settled_why: str | None

    @property
    def chain(self) -> Chain:
        id_ = self.id if self.key is None else None
        return Chain(lane=self.position.lane, key=self.key, id=id_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The dead letters of one key, which are worked off in order; a letter without key is alone."""

    lane: LogPartition
    key: bytes | None
    id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which dead letters are meant: those named, and of them those that match.

    A condition is met by any of its values; None is no condition.
    """

    ids: Sequence[int] = ()
    states: tuple[LetterState, ...] = UNSETTLED
    topics: Sequence[str] | None = None
    reasons: Sequence[str] | None = None
    classes: Sequence[LetterClass] | None = None

    @property
    def arguments(self) -> tuple[object, ...]:
        """For `WHERE`."""
        states = [state.value for state in self.states]
        classes = None if self.classes is None else [one.value for one in self.classes]
        return list(self.ids), states, self.topics, self.reasons, classes


def letter_of(row: asyncpg.Record) -> DeadLetter:
    """A row of `SELECT`."""
    return DeadLetter(
        id=row["id"],
        position=Position(
            topic=Topic(row["topic"]), partition=row["partition"], offset=row["offset"]
        ),
        key=row["key"],
        value=row["value"],
        headers=decode_headers(row["headers"]),
        letter_class=LetterClass(row["class"]),
        state=LetterState(row["state"]),
        **{
            name: row[name]
            for name in (
                *("reason", "detail", "epoch", "edited", "attempts"),
                *("parked_at", "settled_at", "settled_by", "settled_why"),
            )
        },
    )
