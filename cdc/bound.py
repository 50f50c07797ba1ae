"""Which bindings read the rows of a captured table, and what else a row there touches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cdc.envelope.reader import Table
from sync.connectors.binding import Binding, Touch
from sync.extra import Leftover, leftover_of


class Bound(NamedTuple):
    """What reads the rows of one table."""

    bindings: Sequence[Binding]
    touches: Sequence[tuple[Binding, Touch]]
    leftover: Leftover


def bound_tables(bindings: Iterable[Binding]) -> dict[Table, Bound]:
    """By table, for those that a binding reads or that touch one of its records."""
    read: dict[Table, list[Binding]] = defaultdict(list)
    touching: dict[Table, list[tuple[Binding, Touch]]] = defaultdict(list)
    for binding in bindings:
        system = binding.system.value
        if binding.table is not None:
            read[system, binding.table].append(binding)
        for touch in binding.touches:
            touching[system, touch.table].append((binding, touch))
    return {table: _bound(read[table], touching[table]) for table in read.keys() | touching.keys()}


def _bound(bindings: Sequence[Binding], touches: Sequence[tuple[Binding, Touch]]) -> Bound:
    return Bound(bindings, touches, leftover_of(bindings, (touch for _, touch in touches)))
