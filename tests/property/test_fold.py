"""Folding a batch loses nothing: its rounds say what its changes say one by one."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import event, given, settings
from hypothesis import strategies as st
from support.envelopes import record

from cdc.log.port import LogRecord
from sync.apply.fold import fold
from sync.changes import Change
from sync.connectors import crm

MOMENT = datetime(2026, 11, 20, tzinfo=UTC)
FIELDS = tuple(crm.CLIENT.owns)
MOVES = ("write", "write", "partial", "delete", "read", "again")

Pair = tuple[str, Change]


@dataclass(slots=True)
class Stored:
    """A record as the projection holds it, with its fence."""

    values: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    is_deleted: bool = False
    offset: int = -1
    lsn: int | None = None


class Projection:
    """The fence rule, by itself: one change at a time, newer in the log and in its history."""

    def __init__(self) -> None:
        self.records: dict[str, Stored] = {}

    def take(self, changes: Iterable[Pair]) -> None:
        for record_id, change in changes:
            self._apply(self.records.setdefault(record_id, Stored()), change)

    def _apply(self, stored: Stored, change: Change) -> None:
        if change.record.position.offset <= stored.offset:
            return
        if change.lsn is not None and stored.lsn is not None and change.lsn <= stored.lsn:
            return
        stored.values |= dict.fromkeys(FIELDS) if change.is_delete else change.values
        stored.extra = (stored.extra if change.is_partial else {}) | dict(change.extra or {})
        stored.is_deleted = change.is_delete
        stored.offset = change.record.position.offset
        stored.lsn = stored.lsn if change.lsn is None else change.lsn

    def seen(self) -> dict[str, tuple[dict[str, Any], dict[str, Any], bool, int | None]]:
        """What can be told from outside, now or by what a later change meets."""
        return {i: (s.values, s.extra, s.is_deleted, s.lsn) for i, s in self.records.items()}


@st.composite
def histories(draw: st.DrawFn) -> list[Pair]:
    """What a log holds of a few records: in each, positions rise, but for what is sent again.

    Transactions overlap, so the positions of different records are in no order. A tombstone
    bare of a position is news: one that is sent again has got its delete's from the decoder.
    """
    log: list[Pair] = []
    lsns: dict[str, int] = {}
    for _ in range(draw(st.integers(1, 30))):
        record_id = draw(st.sampled_from("aab"))
        move = draw(st.sampled_from(MOVES))
        if move == "delete" and _is_gone(log, record_id):
            move = "write"
        event(move)
        if move == "again":
            again = [pair for pair in log[-draw(st.integers(2, 6)) :] if not _is_tombstone(pair[1])]
            log += [(i, _moved(change, len(log) + n)) for n, (i, change) in enumerate(again)]
            continue
        lsns[record_id] = lsns.get(record_id, 0) + draw(st.integers(1, 50))
        log.append((record_id, _change(draw, move, len(log), lsns[record_id])))
        if move == "delete" and draw(st.booleans()):
            log.append((record_id, _change(draw, "tombstone", len(log), 0)))
    return log


def _is_gone(log: list[Pair], record_id: str) -> bool:
    """Its owner deletes a record once; before that it is made again."""
    latest = max((c for i, c in log if i == record_id), key=_history, default=None)
    return latest is None or latest.is_delete


def _history(change: Change) -> int:
    return change.lsn or 0


def _is_tombstone(change: Change) -> bool:
    return change.is_delete and change.lsn is None


def _change(draw: st.DrawFn, move: str, offset: int, lsn: int) -> Change:
    is_delete = move in ("delete", "tombstone")
    names = () if is_delete else FIELDS
    if move == "partial":
        names = tuple(draw(st.sets(st.sampled_from(FIELDS))))
    made = _made(offset, None if move in ("tombstone", "read") else lsn, is_delete, names)
    told = () if is_delete else draw(st.sets(st.sampled_from("xy")))
    extra = {name: f"{name}@{offset}" for name in told} or None
    return msgspec.structs.replace(made, is_partial=move == "partial", extra=extra)


def _made(offset: int, lsn: int | None, is_delete: bool, names: Iterable[str]) -> Change:
    return Change(
        binding=crm.CLIENT,
        key="key",
        anchor_key="key",
        values={name: f"{name}@{offset}" for name in names},
        copies={},
        record=_record(offset),
        lsn=lsn,
        version=None,
        as_of=MOMENT,
        is_delete=is_delete,
    )


def _moved(change: Change, offset: int) -> Change:
    """The same change, further on in the log."""
    return msgspec.structs.replace(change, record=_record(offset))


def _record(offset: int) -> LogRecord:
    return record("crm.public.accounts", {"id": "key"}, None, offset=offset)


@given(log=histories(), size=st.integers(2, 9))
@settings(max_examples=150)
def test_rounds_say_what_the_changes_say_one_by_one(log: list[Pair], size: int) -> None:
    """However a log is cut into batches, and each batch into rounds, the projection is the same."""
    one_by_one, in_rounds = Projection(), Projection()
    for batch in (log[start : start + size] for start in range(0, len(log), size)):
        one_by_one.take(batch)
        for part in fold(batch):
            in_rounds.take(part.changes.items())
        assert in_rounds.seen() == one_by_one.seen()


@given(log=histories(), start=st.integers(0, 30), end=st.integers(0, 30))
@settings(max_examples=150)
def test_a_batch_that_comes_again_changes_nothing(log: list[Pair], start: int, end: int) -> None:
    """Batches that overlap what was applied leave the projection where the log leaves it."""
    one_by_one, in_rounds = Projection(), Projection()
    one_by_one.take(log)
    for batch in (log[: max(start, end)], log[min(start, end) :]):
        for part in fold(batch):
            in_rounds.take(part.changes.items())
    assert in_rounds.seen() == one_by_one.seen()


@given(log=histories())
def test_a_round_holds_each_record_once_with_the_same_fields(log: list[Pair]) -> None:
    """What one set-based statement can merge: one kind of change, one set of columns."""
    for part in fold(log):
        assert part.changes
        for change in part.changes.values():
            names = FIELDS if change.is_delete else change.values
            assert frozenset(names) == part.fields


def test_the_model_refuses_what_is_old() -> None:
    """The model itself: an older history, an older offset, and a read that raises nothing."""
    model = Projection()
    rng = random.Random(5)
    offsets = list(range(6))
    rng.shuffle(offsets)
    model.take([("a", _made(offset, offset + 1, False, FIELDS)) for offset in offsets])
    assert model.seen()["a"][3] == 6
    model.take([("a", _made(9, None, False, FIELDS)), ("a", _made(10, 6, True, ()))])
    assert model.seen()["a"] == ({name: f"{name}@9" for name in FIELDS}, {}, False, 6)
