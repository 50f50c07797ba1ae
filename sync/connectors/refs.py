"""References: what a system calls a record, in values and in the parts within them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin

from schema.canon import BY_ID_TYPE
from schema.entity import bare_type, owned_fields
from schema.part import is_part, part_fields


class Ref(NamedTuple):
    """A record as `system` calls it: by its own key for the type.

    A tuple, because sets of them are on the hot path and its hash is several times cheaper.
    """

    entity: type
    system: str
    external_id: str


@cache
def reference_fields(entity: type) -> tuple[str, ...]:
    """The fields that refer to other records: alone, as a list, or from within parts."""
    bare = {name: bare_type(field.type) for name, field in owned_fields(entity).items()}
    return tuple(name for name, one in bare.items() if _refers(part_of(one) or one))


def references(entity: type, values: Mapping[str, Any]) -> Iterable[Ref]:
    """Every unresolved reference among decoded values of a type."""
    for name in reference_fields(entity):
        yield from refs_in(values.get(name))


def refs_in(value: Any) -> Iterator[Ref]:
    """The unresolved references of one value."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from refs_in(one)
    else:
        for name in _part_references(_kind(value)):
            yield from refs_in(getattr(value, name))


def resolved(value: Any, ids: Mapping[Ref, str]) -> Any:
    """The value with its references replaced; unknown ones become None or are left out.

    A list of references is a set, whatever order its system keeps: each id once, in their order.
    """
    if isinstance(value, Ref):
        return ids.get(value)
    if isinstance(value, list):
        if value and isinstance(value[0], Ref):
            return sorted({ids[part] for part in value if part in ids})
        return [resolved(part, ids) for part in value]
    if named := _part_references(_kind(value)):
        return replace(value, **{name: resolved(getattr(value, name), ids) for name in named})
    return value


def _kind(value: Any) -> Any:
    return type(value)


@cache
def _part_references(kind: Any) -> tuple[str, ...]:
    """The fields of a part that refer to records; none of what is no part."""
    fields = part_fields(kind) if is_part(kind) else {}
    return tuple(name for name, one in fields.items() if bare_type(one) in BY_ID_TYPE)


def _refers(bare: Any) -> bool:
    return bare in BY_ID_TYPE or bool(_part_references(bare))


def part_of(bare: Any) -> Any:
    """The type of a list's parts; None for what is no list."""
    return get_args(bare)[0] if get_origin(bare) is list else None
