"""Folding a batch: what of many changes to the same records must reach the projection. Pure.

Changes of a batch are taken in log order and cut into rounds; within a round each record stands
once. Full rows fold (the later one wins); a change that leaves columns out starts a new round, so
that nothing it omits can be overwritten by an older change of the same batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field

from sync.changes import Change


@dataclass(slots=True)
class Round:
    """Changes of one binding and one kind, by record id."""

    is_read: bool
    is_partial: bool
    fields: frozenset[str]
    has_extra: bool = False
    changes: dict[str, Change] = field(default_factory=dict)


def fold(changes: Iterable[tuple[str, Change]]) -> Sequence[Round]:
    """Rounds of (record id, change) pairs of one binding, to be applied one after the other."""
    rounds: list[Round] = []
    for record_id, change in changes:
        last = rounds[-1] if rounds else None
        if last is None or not _fits(last, record_id, change):
            last = _round_for(change)
            rounds.append(last)
        if change.extra is not None:
            last.has_extra = True
        last.changes[record_id] = _later(last.changes.get(record_id), change)
    return rounds


def _round_for(change: Change) -> Round:
    fields = frozenset(_fields(change))
    return Round(is_read=_is_read(change), is_partial=change.is_partial, fields=fields)


def _fits(last: Round, record_id: str, change: Change) -> bool:
    if last.is_partial != change.is_partial or last.fields != _fields(change):
        return False
    if change.is_partial and not _tells_the_same(last.changes.get(record_id), change):
        return False
    return last.is_read == _is_read(change) or _is_echoed_delete(last, record_id, change)


def _tells_the_same(known: Change | None, change: Change) -> bool:
    """Whether nothing that the earlier one told is left out by the later one."""
    return known is None or (known.extra or {}).keys() <= (change.extra or {}).keys()


def _is_echoed_delete(last: Round, record_id: str, change: Change) -> bool:
    """The tombstone that follows a delete says nothing new."""
    known = last.changes.get(record_id)
    return change.is_delete and known is not None and known.is_delete


def _later(known: Change | None, change: Change) -> Change:
    """The change that stands: the later in the log, unless its history is older."""
    if known is None:
        return change
    is_echo = known.is_delete and change.is_delete
    if known.lsn is None or change.lsn is None:
        return known if is_echo else change
    if change.lsn == known.lsn and is_echo:
        return known
    return change if change.lsn >= known.lsn else known


def _is_read(change: Change) -> bool:
    return change.lsn is None


def _fields(change: Change) -> Set[str]:
    return change.binding.owns.keys() if change.is_delete else change.values.keys()
