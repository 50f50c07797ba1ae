"""Filter inputs, derived from what each field of a canonical type may be narrowed by."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from operator import getitem
from types import GenericAlias
from typing import Annotated, Any

import strawberry

from schema.canon import BY_ID_TYPE, require_id
from schema.entity import FilterOp, bare_type
from schema.errors import Invalid
from schema.listing import Listed, filterable_fields
from sync.policy import Filter

MOST_VALUES = 250
"""How many values one list of a filter may have."""

_SUFFIXES = {
    FilterOp.IN: "",
    FilterOp.CONTAINS: "_contains",
    FilterOp.FROM: "_from",
    FilterOp.TO: "_to",
}
_MEANINGS = {
    FilterOp.IN: "Any of these.",
    FilterOp.CONTAINS: "Contains this text, in upper or lower case.",
    FilterOp.FROM: "On this day or later.",
    FilterOp.TO: "On this day or earlier.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """One argument of a filter input: a field and a comparison."""

    field: Listed
    op: FilterOp

    @property
    def name(self) -> str:
        return self.field.name + _SUFFIXES[self.op]

    @property
    def type(self) -> Any:
        value = bare_type(self.field.type)
        return GenericAlias(list, (value,)) if self.op is FilterOp.IN else value


def narrowings(entity: type) -> Iterator[Narrowing]:
    for field in filterable_fields(entity).values():
        for op in field.filters:
            yield Narrowing(field=field, op=op)


@cache
def filter_input(entity: type) -> Any:
    """The input type that narrows a list of `entity`; all conditions must hold."""
    fields = {
        n.name: strawberry.field(description=_MEANINGS[n.op], default=None)
        for n in narrowings(entity)
    }
    annotations = {n.name: n.type | None for n in narrowings(entity)}
    declared = type(f"{entity.__name__}Filter", (), {**fields, "__annotations__": annotations})
    return strawberry.input(declared, description="Narrows the list; all conditions must hold.")


def filter_argument(entity: type) -> Any:
    """The annotation of a list's `filter`."""
    described = strawberry.argument(description="Which ones to list.")
    return getitem(Annotated, (filter_input(entity) | None, described))


def filters_of(entity: type, given: Any) -> tuple[Filter, ...]:
    """The conditions given. Raises Invalid for an id of another type or a list too long."""
    if given is None:
        return ()
    return tuple(
        Filter(field=n.field.name, op=n.op, value=_checked(n, value))
        for n in narrowings(entity)
        if (value := getattr(given, n.name)) is not None
    )


def ids_of(entity: type, given: list[Any] | None) -> tuple[str, ...] | None:
    """Ids of the type, None for none given. Raises Invalid for others, or for too many."""
    for one in given or ():
        require_id(entity, one)
    return values_of(given)


def values_of(given: list[Any] | None) -> tuple[Any, ...] | None:
    """Raises Invalid for too many."""
    if given is None:
        return None
    if len(given) > MOST_VALUES:
        raise Invalid(f"A filter takes at most {MOST_VALUES} values, not {len(given)}.")
    return tuple(given)


def _checked(narrowing: Narrowing, value: Any) -> Any:
    values = values_of(value) if isinstance(value, list) else (value,)
    referred = BY_ID_TYPE.get(bare_type(narrowing.field.type))
    for one in values or ():
        if referred:
            require_id(referred, one)
        elif isinstance(one, str) and "\0" in one:
            raise Invalid("A filter's text must not contain a NUL character.")
    return values if isinstance(value, list) else value
