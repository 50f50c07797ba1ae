"""Dead letters as the intake makes them: what cannot be applied, and what must wait behind it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import asyncpg
import structlog

from schema.position import LogPartition, Topic
from sync.changes import Incoming, Logged, Reject
from sync.headers import encode_headers

log = structlog.get_logger(__name__)

Keyed = tuple[Topic, bytes]
"""What successors wait for: one key of one topic."""

_UNSETTLED = """
SELECT topic, key, bool_or(class <> 'business') AS holds FROM dead_letter
JOIN unnest($1::text[], $2::int[]) AS lane (topic, partition) USING (topic, partition)
WHERE state IN ('open', 'waiting') AND key IS NOT NULL
GROUP BY topic, key
"""
_PARK = """
INSERT INTO dead_letter
    (topic, partition, "offset", key, value, headers, class, state, reason, detail, epoch)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (topic, partition, "offset") DO NOTHING
"""
_SUPERSEDE = """
UPDATE dead_letter SET state = 'superseded', settled_at = now(), settled_by = 'intake',
    settled_why = 'a later row of the same key was applied'
FROM unnest($1::text[], $2::bytea[]) AS applied (topic, key)
WHERE (dead_letter.topic, dead_letter.key) = (applied.topic, applied.key)
    AND state = 'open' AND class = 'business'
"""


class LetterClass(Enum):
    """Why it is dead. An outage makes no dead letters: it is waited for."""

    POISON = "poison"
    BUSINESS = "business"
    CONTRACT_BREAK = "contract_break"


class LetterState(Enum):
    OPEN = "open"
    WAITING = "waiting"
    APPLIED = "applied"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"


CONTRACT_REASONS = frozenset({"contract_break", "decimal_without_scale"})
"""True of every row of the table: it is parked at the first of them."""
BUSINESS_REASONS = frozenset({"unlinked", "key_reused"})
BEHIND = "behind_a_dead_letter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A record of the log on its way into the dead letters."""

    record: Logged
    state: LetterState
    reason: str
    detail: str


@dataclass(slots=True)
class Unsettled:
    """The keys of some lanes that have dead letters: those that hold, and those that do not."""

    held: set[Keyed] = field(default_factory=set)
    business: set[Keyed] = field(default_factory=set)


def class_of(reason: str) -> LetterClass:
    if reason in BUSINESS_REASONS:
        return LetterClass.BUSINESS
    return LetterClass.CONTRACT_BREAK if reason in CONTRACT_REASONS else LetterClass.POISON


async def unsettled_keys(
    connection: asyncpg.Connection, lanes: Collection[LogPartition]
) -> Unsettled:
    """The keys that have dead letters; nothing else moves these lanes until the commit."""
    topics, partitions = [lane.topic for lane in lanes], [lane.partition for lane in lanes]
    unsettled = Unsettled()
    for topic, key, holds in await connection.fetch(_UNSETTLED, topics, partitions):
        (unsettled.held if holds else unsettled.business).add((topic, key))
    return unsettled


def hold_back(
    incoming: Sequence[Incoming], held: set[Keyed]
) -> tuple[Sequence[Incoming], list[Parked]]:
    """What may be applied, and what is parked: in log order, a key that is held stays held.

    `held` grows by the keys of what is parked here.
    """
    if not held and not any(type(one) is Reject for one in incoming):
        return incoming, []
    free: list[Incoming] = []
    parked: dict[object, Parked] = {}
    for one in incoming:
        keyed = _keyed(one.record)
        if keyed in held:
            parked.setdefault(one.record.position, _behind(one.record))
        elif type(one) is Reject:
            parked[one.record.position] = parked_of(one)
            held.update({keyed} if keyed else ())
        else:
            free.append(one)
    return free, list(parked.values())


def parked_of(reject: Reject) -> Parked:
    return Parked(
        record=reject.record,
        state=LetterState.OPEN,
        reason=reject.reason,
        detail=reject.detail,
    )


async def park(
    connection: asyncpg.Connection, parked: Sequence[Parked], epochs: Mapping[str, int]
) -> None:
    """Keep each with its bytes; a record that is sent again is parked once."""
    for one in parked:
        log.warning("envelope.parked", position=str(one.record.position), reason=one.reason)
    await connection.executemany(_PARK, [_row(one, epochs) for one in parked])


async def supersede(
    connection: asyncpg.Connection,
    business: Collection[Keyed],
    applied: Iterable[Incoming],
    rejects: Iterable[Reject],
) -> None:
    """Settle what belonged to no record, now that a later row of its key does."""
    if not business:
        return
    done = {_keyed(one.record) for one in applied} - {_keyed(one.record) for one in rejects}
    keys = [keyed for keyed in business if keyed in done]
    if keys:
        await connection.execute(_SUPERSEDE, [t for t, _ in keys], [k for _, k in keys])


def _keyed(record: Logged) -> Keyed | None:
    return None if record.key is None else (record.position.topic, record.key)


def _behind(record: Logged) -> Parked:
    return Parked(
        record=record,
        state=LetterState.WAITING,
        reason=BEHIND,
        detail="It waits for the dead letter before it, so that its key stays in order.",
    )


def _row(parked: Parked, epochs: Mapping[str, int]) -> tuple[object, ...]:
    record, position = parked.record, parked.record.position
    system = position.topic.partition(".")[0]
    return (
        *(position.topic, position.partition, position.offset, record.key, record.value),
        encode_headers(record.headers),
        class_of(parked.reason).value,
        parked.state.value,
        parked.reason,
        parked.detail.replace("\0", ""),
        epochs.get(system, 1),
    )
