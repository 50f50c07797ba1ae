"""A replay reads no further than it may, and in the order in which all of it was appended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from cdc.log.port import LogRecord
from cdc.replayed_log import BoundedLog, SettledDecoder
from schema.position import LogPartition, Position, Topic

TOPIC = Topic("crm.public.accounts")
LANES = [LogPartition(topic=TOPIC, partition=n) for n in range(3)]
START = datetime(2026, 11, 20, tzinfo=UTC)
NOW = timedelta()


class Lanes:
    """A log in memory that gives one partition after the other, as much as is asked for."""

    def __init__(self, *appended: Sequence[int]) -> None:
        """The seconds at which each partition's records were appended."""
        self.records = {
            lane: [record(lane, offset, second) for offset, second in enumerate(seconds)]
            for lane, seconds in zip(LANES, appended, strict=False)
        }
        self.next = dict.fromkeys(self.records, 0)
        self.paused: set[LogPartition] = set()

    async def poll(self, limit: int, wait: timedelta) -> Sequence[LogRecord]:
        for lane in self.records.keys() - self.paused:
            taken = self.records[lane][self.next[lane] :][:limit]
            self.next[lane] += len(taken)
            if taken:
                return taken
        return []

    async def assignment(self) -> frozenset[LogPartition]:
        return frozenset(self.records)

    def seek(self, partition: LogPartition, offset: int) -> None:
        self.next[partition] = offset

    def pause(self, partition: LogPartition) -> None:
        self.paused.add(partition)

    def resume(self, partition: LogPartition) -> None:
        self.paused.discard(partition)

    async def commit(self, offsets: Mapping[LogPartition, int]) -> None:
        raise AssertionError("a replay commits nothing")

    async def close(self) -> None: ...


async def test_partitions_are_merged_by_the_time_of_appending() -> None:
    lanes = Lanes([0, 3, 4, 9], [1, 2, 8], [5, 6, 7])
    log = bounded(lanes, 4, 3, 3)
    assert [second(one) for one in await read(log, limit=2)] == list(range(10))


async def test_it_stops_at_the_bounds_and_goes_on_when_they_rise() -> None:
    lanes = Lanes([0, 3, 4, 9], [1, 2, 8])
    log = bounded(lanes, 2, 1)
    assert [second(one) for one in await read(log)] == [0, 1, 3]
    assert await log.poll(10, NOW) == []
    log.read_up_to({LANES[0]: 4, LANES[1]: 3})
    assert [second(one) for one in await read(log)] == [2, 4, 8, 9]


async def test_a_clock_that_went_back_leaves_a_partition_in_order() -> None:
    lanes = Lanes([5, 2, 6], [3, 4])
    offsets = [one.position.offset for one in await read(bounded(lanes, 3, 2)) if _is_first(one)]
    assert offsets == [0, 1, 2]


async def test_seeking_forgets_what_was_read_ahead() -> None:
    """The listener starts over from stored offsets when a batch fails."""
    log = bounded(Lanes([0, 1, 2], [9]), 3, 1)
    assert [second(one) for one in await read(log, limit=1, count=2)] == [0, 1]
    log.seek(LANES[0], 1)
    assert [second(one) for one in await read(log)] == [1, 2, 9]


async def test_a_discarded_letter_means_nothing_and_an_edited_one_what_it_became() -> None:
    bad = record(LANES[0], 0, 0)
    assert SettledDecoder([], {bad.position: None}).decode(bad) == []
    [reject] = SettledDecoder([], {bad.position: b"{"}).decode(bad)
    assert reject.record.value == b"{"


def bounded(lanes: Lanes, *bounds: int) -> BoundedLog:
    log = BoundedLog(lanes)
    for lane in lanes.records:
        log.seek(lane, 0)
    log.read_up_to(dict(zip(LANES, bounds, strict=False)))
    return log


async def read(log: BoundedLog, *, limit: int = 100, count: int = 1000) -> list[LogRecord]:
    """All there is, or the first `count`; a few polls may bring nothing."""
    records: list[LogRecord] = []
    for _ in range(20):
        if len(records) < count:
            records += await log.poll(limit, NOW)
    return records


def record(lane: LogPartition, offset: int, seconds: int) -> LogRecord:
    return LogRecord(
        position=Position(topic=lane.topic, partition=lane.partition, offset=offset),
        key=b"{}",
        value=b"",
        headers={},
        appended_at=START + timedelta(seconds=seconds),
    )


def second(one: LogRecord) -> int:
    return int((one.appended_at - START).total_seconds())


def _is_first(one: LogRecord) -> bool:
    return one.position.partition == 0
