"""Filter inputs, derived from what each field of a canonical type may be narrowed by.

A condition has the name of its field. A list means any of these values, a range holds both ends,
and of true and false there is one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from operator import getitem
from types import GenericAlias
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import strawberry

from schema.canon import BY_ID_TYPE, require_id
from schema.entity import FilterOp, bare_type
from schema.errors import Invalid
from schema.listing import Listed, filterable_fields
from sync.policy import Filter

F = TypeVar("F")

MOST_VALUES = 250
"""How many values one list of a filter may have."""


@strawberry.input(description="Days from one to another, both included; either end may be open.")
class DayRange:
    from_: date | None = strawberry.field(
        name="from", description="On this day or later.", default=None
    )
    to: date | None = strawberry.field(description="On this day or earlier.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """One argument of a filter input, and the conditions that a value of it stands for."""

    name: str
    type: Any
    description: str
    conditions: Callable[[Any], Iterator[Filter]]


def narrowings(entity: type) -> Iterator[Narrowing]:
    for field in filterable_fields(entity).values():
        for op in field.filters:
            if op is not FilterOp.TO:  # a range is told as one
                yield _narrowing(field, op)


@cache
def filter_input(entity: type) -> Any:
    """The input type that narrows a list of `entity`; all conditions must hold."""
    fields = {
        n.name: strawberry.field(description=n.description, default=None)
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
        condition
        for n in narrowings(entity)
        if (value := getattr(given, n.name)) is not None
        for condition in n.conditions(value)
    )


def checked(given: F) -> F:
    """A filter of lists. Raises Invalid for an id of another type or a list too long."""
    for name, annotation in get_type_hints(type(given)).items():
        (member,) = get_args(bare_type(annotation))
        if member in BY_ID_TYPE:
            ids_of(BY_ID_TYPE[member], getattr(given, name))
        else:
            values_of(getattr(given, name))
    return given


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


def _narrowing(field: Listed, op: FilterOp) -> Narrowing:
    is_flag = bare_type(field.type) is bool
    return _either(field) if is_flag else _NARROWINGS[op](field)


def _either(field: Listed) -> Narrowing:
    def conditions(given: bool) -> Iterator[Filter]:
        yield Filter(field=field.name, op=FilterOp.IN, value=(given,))

    return Narrowing(
        name=field.name,
        type=bool,
        description=_said(field, "what is unknown is neither"),
        conditions=conditions,
    )


def _any_of(field: Listed) -> Narrowing:
    bare = bare_type(field.type)

    def conditions(given: list[Any]) -> Iterator[Filter]:
        referred, values = BY_ID_TYPE.get(bare), values_of(given)
        for one in values or ():
            if referred:
                require_id(referred, one)
            else:
                _require_text(one)
        yield Filter(field=field.name, op=FilterOp.IN, value=values)

    return Narrowing(
        name=field.name,
        type=GenericAlias(list, (bare,)),
        description=_said(field, "any of these"),
        conditions=conditions,
    )


def _containing(field: Listed) -> Narrowing:
    def conditions(given: str) -> Iterator[Filter]:
        _require_text(given)
        yield Filter(field=field.name, op=FilterOp.CONTAINS, value=given)

    return Narrowing(
        name=f"{field.name}_contains",
        type=str,
        description=_said(field, "contains this text, in upper or lower case"),
        conditions=conditions,
    )


def _between(field: Listed) -> Narrowing:
    def conditions(given: DayRange) -> Iterator[Filter]:
        for op, day in ((FilterOp.FROM, given.from_), (FilterOp.TO, given.to)):
            if day is not None:
                yield Filter(field=field.name, op=op, value=day)

    return Narrowing(
        name=field.name,
        type=DayRange,
        description=_said(field, "within these days"),
        conditions=conditions,
    )


def _said(field: Listed, condition: str) -> str:
    return f"{field.description.rstrip('.')}: {condition}."


def _require_text(given: Any) -> None:
    if isinstance(given, str) and "\0" in given:
        raise Invalid("A filter's text must not contain a NUL character.")


_NARROWINGS: dict[FilterOp, Callable[[Listed], Narrowing]] = {
    FilterOp.IN: _any_of,
    FilterOp.CONTAINS: _containing,
    FilterOp.FROM: _between,
}
