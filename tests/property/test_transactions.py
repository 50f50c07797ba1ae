"""The gate of transactions: whole or, said so, in pieces; in order, and never stuck."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import event, given
from hypothesis import strategies as st
from support.envelopes import record

from cdc.transactions import Gate, Limits, Part, Told, Torn
from schema.position import LogPartition

SYSTEM = "crm"
LANES = ("crm.public.a", "crm.public.b", "crm.public.c")
ENDS = "crm.transaction"


@dataclass(slots=True)
class Clock:
    now: float = 0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Logged:
    """A log in the making: each topic has one partition."""

    lanes: dict[str, list[Told]] = field(default_factory=dict)

    def add(self, topic: str, part: Part | None) -> None:
        lane = self.lanes.setdefault(topic, [])
        lane.append(Told(record(topic, {"id": 1}, b"{}", offset=len(lane)), (), part))

    def transaction(self, name: str, topics: list[str], *, has_end: bool = True) -> None:
        for order, topic in enumerate(topics, start=1):
            self.add(topic, Part(SYSTEM, name, order=order))
        if has_end:
            self.add(ENDS, Part(SYSTEM, name, expected=len(topics)))


@st.composite
def histories(draw: st.DrawFn) -> Logged:
    """Transactions in the order of their commits, and rows between that belong to none."""
    logged = Logged()
    for number in range(draw(st.integers(1, 8))):
        topics = draw(st.lists(st.sampled_from(LANES), max_size=5))
        if draw(st.integers(0, 4)) == 0:
            event("a row of no transaction")
            logged.add(draw(st.sampled_from(LANES)), None)
        logged.transaction(f"t{number}", topics)
    return logged


def reading(rng: random.Random, logged: Logged) -> list[list[Told]]:
    """Each lane in its order, the lanes at any speed, in polls of any size."""
    rest = {topic: list(lane) for topic, lane in logged.lanes.items() if lane}
    polls: list[list[Told]] = []
    while rest:
        topic = rng.choice(sorted(rest))
        size = rng.randint(1, 3)
        polls.append(rest[topic][:size])
        rest[topic] = rest[topic][size:]
        rest = {name: lane for name, lane in rest.items() if lane}
    return polls


def offsets(told: list[Told]) -> dict[LogPartition, list[int]]:
    found: dict[LogPartition, list[int]] = {}
    for one in told:
        found.setdefault(one.record.position.lane, []).append(one.record.position.offset)
    return found


@given(seed=st.integers(0, 2**32), logged=histories())
def test_what_passes_at_once_are_whole_transactions(seed: int, logged: Logged) -> None:
    """At any speeds of the partitions; each partition in its order; and in the end everything."""
    gate = Gate(Limits(), Clock())
    sizes = Counter(p.transaction for lane in logged.lanes.values() for _, _, p in lane if p)
    passed: list[Told] = []
    for poll in reading(random.Random(seed), logged):
        batch = gate.take(poll)
        came = Counter(one.part.transaction for one in batch if one.part)
        assert all(sizes[name] == count for name, count in came.items())
        passed += batch
    assert all(found == sorted(found) for found in offsets(passed).values())
    assert len(passed) == sum(map(len, logged.lanes.values()))
    assert gate.tearings == []


def test_what_never_ends_is_let_go_and_told() -> None:
    """What waits behind it goes with it; its late rest passes as it comes."""
    clock, logged = Clock(), Logged()
    gate = Gate(Limits(patience=timedelta(seconds=5)), clock)
    logged.transaction("t1", [LANES[0], LANES[1]], has_end=False)
    logged.transaction("t2", [LANES[1], LANES[0]])
    first, second = logged.lanes[LANES[0]], logged.lanes[LANES[1]]
    assert gate.take([*first, second[0], *logged.lanes[ENDS]]) == []
    clock.now = 4.9
    assert gate.take([second[1]]) == []
    clock.now = 5.1
    assert len(gate.take([])) == 5
    assert gate.tearings == [(SYSTEM, Torn.LATE)]
    logged.add(LANES[2], Part(SYSTEM, "t1", order=3))
    assert len(gate.take(logged.lanes[LANES[2]])) == 1
    logged.add(ENDS, Part(SYSTEM, "t1", expected=3))
    assert len(gate.take(logged.lanes[ENDS][1:])) == 1


def test_a_change_that_is_sent_again_counts_once() -> None:
    logged, gate = Logged(), Gate()
    logged.transaction("t1", [LANES[0]] * 2)
    logged.lanes[LANES[0]].insert(1, logged.lanes[LANES[0]][0])
    assert gate.take([*logged.lanes[LANES[0]][:2], *logged.lanes[ENDS]]) == []
    assert len(gate.take(logged.lanes[LANES[0]][2:])) == 4


def test_a_transaction_above_the_limit_passes_in_pieces() -> None:
    """Memory is bounded, whatever a source commits at once."""
    logged, gate = Logged(), Gate(Limits(records=10))
    logged.transaction("t1", [LANES[0]] * 25)
    lane = logged.lanes[LANES[0]]
    assert gate.take(lane[:10]) == []
    assert len(gate.take(lane[10:11])) == 11
    assert gate.tearings == [(SYSTEM, Torn.LARGE)]
    assert len(gate.take(lane[11:])) == 14
    assert len(gate.take(logged.lanes[ENDS])) == 1


def test_partitions_that_are_lost_are_forgotten() -> None:
    """Whoever reads them now reads their records again; what was waited for is not."""
    logged, gate = Logged(), Gate()
    logged.transaction("t1", [LANES[0], LANES[1]])
    gate.take([*logged.lanes[LANES[0]], *logged.lanes[LANES[1]]])
    gate.keep(
        [
            LogPartition(topic=one.record.position.topic, partition=0)
            for one in logged.lanes[LANES[1]]
        ]
    )
    gate.open_up({SYSTEM})
    assert [one.record.position.topic for one in gate.take([])] == [LANES[1]]
    assert gate.tearings == [(SYSTEM, Torn.SHARED)]
