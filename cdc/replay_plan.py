"""From where a replay gives the whole projection: the log's beginning, or a table's re-snapshot.

A table's log is whole from its first record on, while that record is there and the owner's history
is still the first one; else from the start of the last re-snapshot of the whole table, if the log
still holds that and the owner's history is still the same.

Events of webhooks say nothing by themselves: their records are read back. Where the log has lost
some of them, all tables of their system must have been read again since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import asyncpg

from cdc.webhook.meaning import is_of_events
from schema.entity import entity_name
from schema.errors import Invalid
from schema.position import LogPartition, Topic
from sync.connectors.binding import Binding
from sync.store.shadow import ReplayedFrom

_EPOCHS = "SELECT system, epoch FROM source_epoch"
_WHOLE = """
SELECT DISTINCT ON (r.system, r."table") r.system, r."table", r.starts, r.begun_lsn
FROM resnapshot r LEFT JOIN source_epoch e USING (system)
WHERE r.state = 'done' AND r.low IS NULL AND r.high IS NULL
    AND (e.bumped_at IS NULL OR r.begun_at > e.bumped_at)
ORDER BY r.system, r."table", r.id DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """From where on a topic's log is whole: offsets by partition, and the owner's own position."""

    starts: Mapping[int, int]
    lsn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """Where each partition's replay starts, and what was linked before that."""

    starts: Mapping[LogPartition, int]
    replayed: tuple[ReplayedFrom, ...]


async def plan_replay(
    pool: asyncpg.Pool, bindings: Iterable[Binding], firsts: Mapping[LogPartition, int]
) -> ReplayPlan:
    """`firsts` are the oldest offsets of the log. Raises Invalid with what to do first when the
    log does not hold the whole of some table."""
    epochs: dict[str, int] = dict(await pool.fetch(_EPOCHS))
    read = {Topic(f"{row['system']}.{row['table']}"): row for row in await pool.fetch(_WHOLE)}
    topics = _by_topic(firsts)
    wholes: dict[Topic, Whole] = {}
    for topic, lanes in topics.items():
        is_first_history = epochs.get(topic.partition(".")[0], 1) == 1
        whole = _from_the_beginning(lanes) if is_first_history else None
        whole = whole or _from_a_reading(lanes, read.get(topic))
        if whole is not None:
            wholes[topic] = whole
    for topic in filter(is_of_events, topics.keys() - wholes.keys()):
        tables = list(_tables(topic, topics))
        if tables and all(_from_a_reading(topics[one], read.get(one)) for one in tables):
            wholes[topic] = Whole(starts=topics[topic], lsn=0)
    _require(sorted(topics.keys() - wholes.keys()))
    return ReplayPlan(
        starts={
            LogPartition(topic=topic, partition=partition): start
            for topic, whole in wholes.items()
            for partition, start in whole.starts.items()
        },
        replayed=tuple(_replayed(bindings, wholes, epochs)),
    )


def _from_the_beginning(lanes: Mapping[int, int]) -> Whole | None:
    return None if any(lanes.values()) else Whole(starts=lanes, lsn=0)


def _from_a_reading(lanes: Mapping[int, int], read: asyncpg.Record | None) -> Whole | None:
    """From the start of a re-snapshot; a partition that it does not name was made later."""
    if read is None:
        return None
    starts = {partition: int(read["starts"].get(str(partition), 0)) for partition in lanes}
    is_there = all(start >= lanes[partition] for partition, start in starts.items())
    return Whole(starts=starts, lsn=read["begun_lsn"]) if is_there else None


def _tables(events: Topic, topics: Iterable[Topic]) -> Iterator[Topic]:
    """The topics of the tables of the system that sent events."""
    system = events.partition(".")[0]
    return (one for one in topics if one.partition(".")[0] == system and not is_of_events(one))


def _require(lacking: list[Topic]) -> None:
    if not lacking:
        return
    systems = sorted({topic.partition(".")[0] for topic in lacking})
    commands = "; ".join(f"concord resnapshot --system {system}" for system in systems)
    raise Invalid(
        f"The log no longer holds all of {', '.join(lacking)}. Read them again first ({commands}), "
        "wait until `concord status` does not name them any more, and rebuild then."
    )


def _replayed(
    bindings: Iterable[Binding], wholes: Mapping[Topic, Whole], epochs: Mapping[str, int]
) -> Iterable[ReplayedFrom]:
    for binding in bindings:
        system = binding.system.value
        whole = wholes.get(Topic(f"{system}.{binding.table}"))
        if whole is not None:
            yield ReplayedFrom(
                system=system,
                entity=entity_name(binding.entity),
                epoch=epochs.get(system, 1) if whole.lsn else 0,
                lsn=whole.lsn,
            )


def _by_topic(firsts: Mapping[LogPartition, int]) -> dict[Topic, dict[int, int]]:
    topics: dict[Topic, dict[int, int]] = defaultdict(dict)
    for lane, first in firsts.items():
        topics[lane.topic][lane.partition] = first
    return topics
