"""One change as a row for the projection's staging table; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin

from schema.canon import BY_ID_TYPE
from schema.entity import bare_type, owned_fields
from schema.money import Money
from schema.rate import Rate
from sync.changes import Change
from sync.connectors.binding import Binding
from sync.connectors.codec import Ref, resolved
from sync.json_form import json_form
from sync.store.projection_tables import has_parts

Store = Callable[[Any, Mapping[Ref, str]], tuple[Any, ...]]


def staged_row(
    binding: Binding,
    fields: frozenset[str],
    record_id: str,
    change: Change,
    ids: Mapping[Ref, str],
    epoch: int,
) -> tuple[Any, ...]:
    """The cells in the order of the staging columns: id, fields, fence."""
    cells: list[Any] = [record_id]
    for name, store in _stores(binding, fields):
        cells.extend(store(change.values.get(name), ids))
    deleted_at = change.as_of if change.is_delete else None
    position = change.position
    cells += [change.key, change.version, change.as_of, position.partition, position.offset]
    cells += [epoch, change.lsn, deleted_at]
    return tuple(cells)


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
    if has_parts(bare):
        return lambda value, _: (json_form(value),)
    part = get_args(bare)[0] if get_origin(bare) is list else bare
    if part in BY_ID_TYPE:
        return lambda value, ids: (resolved(value, ids),)
    if isinstance(part, type) and issubclass(part, Enum):
        return lambda value, _: (None if value is None else value.value,)
    return lambda value, _: (value,)


def _store_money(value: Money | None, _: Mapping[Ref, str]) -> tuple[Any, ...]:
    return (None, None) if value is None else (value.amount, value.currency)


def _store_rate(value: Rate | None, _: Mapping[Ref, str]) -> tuple[Any, ...]:
    return (None,) * 3 if value is None else (value.amount, value.currency, value.per.value)
