"""Changes as rows for the projection's staging table; pure.

Rows are built a column at a time: one pass over the batch per column, and no call per cell.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin

from schema.canon import BY_ID_TYPE
from schema.entity import bare_type, owned_fields
from schema.fx import FxRate
from schema.money import Money
from schema.rate import Rate
from sync.changes import Change
from sync.connectors.binding import Binding
from sync.connectors.refs import Ref, resolved
from sync.json_form import json_form
from sync.store.projection_tables import has_parts

Cells = list[Any]
Store = Callable[[Cells, Mapping[Ref, str]], tuple[Cells, ...]]
"""The values of one field, as the cells of its columns."""


_BESIDE = -1
"""No partition of a table's topic: what comes there next is compared by its version alone."""


def staged_rows(
    binding: Binding,
    fields: frozenset[str],
    changes: Mapping[str, Change],
    ids: Mapping[Ref, str],
    epoch: int,
    *,
    has_extra: bool = False,
) -> list[tuple[Any, ...]]:
    """One row per record id, its cells in the order of the staging columns.

    They are id, fields, fence, and the columns that no binding reads if there are any.
    """
    taken = changes.values()
    told = [change.values for change in taken]
    columns: list[Cells] = [list(changes)]
    for name, store in _stores(binding, fields):
        columns += store([values.get(name) for values in told], ids)
    columns += _fence(taken, epoch)
    if has_extra:
        columns.append([change.extra for change in taken])
    return list(zip(*columns, strict=True))


def place_cells(changes: Collection[Change], epoch: int) -> tuple[Cells, Cells, Cells, Cells]:
    """Where changes stand: their partitions, offsets, epochs and LSNs."""
    return (
        [_BESIDE if c.is_beside else c.record.position.partition for c in changes],
        [change.record.position.offset for change in changes],
        [epoch] * len(changes),
        [change.lsn for change in changes],
    )


def _fence(changes: Collection[Change], epoch: int) -> Sequence[Cells]:
    """The cells of `fence_columns`, in their order."""
    return (
        [change.key for change in changes],
        [change.version for change in changes],
        [change.as_of for change in changes],
        *place_cells(changes, epoch),
        [change.as_of if change.is_delete else None for change in changes],
    )


@cache
def _stores(binding: Binding, fields: frozenset[str]) -> tuple[tuple[str, Store], ...]:
    declared = owned_fields(binding.entity)
    return tuple((name, _store(f.type)) for name, f in declared.items() if name in fields)


def _store(annotation: Any) -> Store:
    bare = bare_type(annotation)
    if bare is Money:
        return _store_money
    if bare is Rate:
        return _store_rate
    if bare is FxRate:
        return _store_fx
    if has_parts(bare):
        return lambda values, ids: (
            [None if v is None else json_form(resolved(v, ids)) for v in values],
        )
    if bare in BY_ID_TYPE:
        return lambda values, ids: ([ids.get(v) if type(v) is Ref else v for v in values],)
    part = get_args(bare)[0] if get_origin(bare) is list else bare
    if part in BY_ID_TYPE:
        return lambda values, ids: ([None if v is None else resolved(v, ids) for v in values],)
    if isinstance(part, type) and issubclass(part, Enum):
        return lambda values, _: ([None if v is None else v.value for v in values],)
    return lambda values, _: (values,)


def _store_money(values: Cells, _: Mapping[Ref, str]) -> tuple[Cells, ...]:
    return (
        [None if v is None else v.amount for v in values],
        [None if v is None else v.currency for v in values],
    )


def _store_rate(values: Cells, _: Mapping[Ref, str]) -> tuple[Cells, ...]:
    return (*_store_money(values, _), [None if v is None else v.per.value for v in values])


def _store_fx(values: Cells, _: Mapping[Ref, str]) -> tuple[Cells, ...]:
    parts = ("rate", "base", "quote", "on", "source")
    return tuple([None if v is None else getattr(v, part) for v in values] for part in parts)
