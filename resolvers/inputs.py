"""What mutations take: inputs derived from the canon, and the canonical values they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from operator import getitem
from types import GenericAlias
from typing import Any, NamedTuple, Optional, get_args, get_origin

import strawberry
from strawberry.utils.str_converters import to_camel_case

from resolvers.scalars import Long
from schema.canon import BY_ID_TYPE, require_id
from schema.entity import Owned, bare_type, owned_fields
from schema.errors import Invalid
from schema.fx import FxRate
from schema.money import Money, known_currency, parse_money
from schema.part import is_part, part_fields
from schema.rate import Rate, RateUnit, parse_rate
from schema.system import System
from schema.writes import CREATES, UPDATES


@strawberry.input(description="An exact amount in one ISO 4217 currency.")
class MoneyInput:
    amount: Decimal = strawberry.field(description='Exact decimal, as text: `"1250.00"`.')
    currency: str = strawberry.field(description="ISO 4217 code.")


@strawberry.input(description="The price of one hour, day, month or unit of work.")
class RateInput:
    amount: Decimal = strawberry.field(description='Exact decimal, as text: `"187.50"`.')
    currency: str = strawberry.field(description="ISO 4217 code.")
    per: RateUnit = strawberry.field(description="What it is the price of.")


@strawberry.input(description="A published rate from one currency to another.")
class FxRateInput:
    base: str = strawberry.field(description="ISO 4217 code of what is converted.")
    quote: str = strawberry.field(description="ISO 4217 code of what it becomes.")
    rate: Decimal = strawberry.field(description='Exact decimal, as text: `"1.0834"`.')
    on: date = strawberry.field(name="date", description="The day it is the rate of.")
    source: str = strawberry.field(description="Who published it.")


class Shape(NamedTuple):
    """How a canonical type is given: the input's annotation, and what makes the value of it."""

    annotation: Any
    value_of: Callable[[Any], Any]


@cache
def create_input(entity: type) -> Any:
    """The input that `create` takes: what the canon says it needs, and may also have."""
    creation, fields = CREATES[entity], owned_fields(entity)
    needed = {name: shape_of(fields[name].type).annotation for name in creation.needs}
    optional = {name: _nullable(shape_of(fields[name].type)) for name in creation.takes}
    members = {name: _member(fields[name], fields[name].description) for name in needed} | {
        name: _member(fields[name], fields[name].description, default=None) for name in optional
    }
    name = f"{creation.verb.capitalize()}{entity.__name__}Input"
    said = f"A new {entity.__name__}: what it needs, and what it may have besides."
    return _input(name, needed | optional, members, said)


@cache
def update_input(entity: type) -> Any:
    """The input that `update` takes; what is left out stays as it is."""
    fields = {name: owned_fields(entity)[name] for name in UPDATES[entity]}
    annotations = {
        "id": strawberry.ID,
        "owner": System | None,
        "if_version": Long | None,
        **{name: _maybe(owned) for name, owned in fields.items()},
    }
    members = {
        "id": strawberry.field(description="The record to change."),
        "owner": strawberry.field(
            description="The system you mean to write to; checked against the fields' owner.",
            default=None,
        ),
        "if_version": strawberry.field(
            description="Write only if the owner's version is still this one (`_meta.version`).",
            default=None,
        ),
    } | {
        name: _member(owned, f"{owned.description} Owned by {owned.owner.name}.", default=None)
        for name, owned in fields.items()
    }
    return _input(
        f"Update{entity.__name__}Input",
        annotations,
        members,
        "Fields left out stay as they are; null empties a field.",
    )


def created(entity: type, given: Any) -> Mapping[str, Any]:
    """Canonical values of the fields given. Raises Invalid for a value that cannot be."""
    creation = CREATES[entity]
    told = {name: getattr(given, name) for name in (*creation.needs, *creation.takes)}
    return _values(entity, {name: value for name, value in told.items() if value is not None})


def patched(entity: type, given: Any) -> Mapping[str, Any]:
    """Canonical values of the fields given, None where one is emptied.

    Raises Invalid when there are none, for a value that cannot be, or for a deprecated field
    beside the one that takes its place.
    """
    told = {name: getattr(given, name) for name in UPDATES[entity]}
    patch = {name: some.value for name, some in told.items() if some is not None}
    if not patch:
        raise Invalid("Name at least one field to change.")
    for name in patch:
        _require_alone(owned_fields(entity)[name], patch)
    return _values(entity, patch)


def _require_alone(owned: Owned, patch: Mapping[str, Any]) -> None:
    if owned.deprecated and owned.deprecated.use in patch:
        old, new = to_camel_case(owned.name), to_camel_case(owned.deprecated.use)
        raise Invalid(f"{old} and {new} say the same: give {new} alone.")


@cache
def shape_of(annotation: Any) -> Shape:
    """How a value of the type is given."""
    bare = bare_type(annotation)
    if get_origin(bare) is list:
        return _list_shape(shape_of(get_args(bare)[0]))
    if is_part(bare):
        return _part_shape(bare)
    if bare in BY_ID_TYPE:
        return Shape(strawberry.ID, _reference(BY_ID_TYPE[bare]))
    return _AMOUNTS.get(bare) or Shape(bare, lambda given: given)


def _values(entity: type, told: Mapping[str, Any]) -> Mapping[str, Any]:
    fields = owned_fields(entity)
    for name, value in told.items():
        if name.endswith("currency") and value is not None:
            known_currency(value)
    return {
        name: None if value is None else shape_of(fields[name].type).value_of(value)
        for name, value in told.items()
    }


def _list_shape(part: Shape) -> Shape:
    return Shape(
        GenericAlias(list, (part.annotation,)), lambda given: list(map(part.value_of, given))
    )


def _part_shape(part_type: Any) -> Shape:
    shapes = {name: shape_of(kind) for name, kind in part_fields(part_type).items()}
    described = part_type.__strawberry_definition__.fields
    said = {field.python_name: field.description for field in described}
    members = {name: strawberry.field(description=said[name]) for name in shapes}
    annotations = {
        name: _nullable(shape) if type(None) in get_args(part_fields(part_type)[name]) else shape[0]
        for name, shape in shapes.items()
    }
    declared = _input(f"{part_type.__name__}Input", annotations, members, part_type.__doc__)

    def value_of(given: Any) -> Any:
        told = {name: getattr(given, name) for name in shapes}
        return part_type(
            **{n: None if v is None else shapes[n].value_of(v) for n, v in told.items()}
        )

    return Shape(declared, value_of)


def _reference(entity: type) -> Callable[[str], str]:
    def checked(given: str) -> str:
        require_id(entity, given)
        return given

    return checked


def _maybe(owned: Owned) -> Any:
    """Left out, or given; null only where the field may be empty."""
    is_optional = type(None) in get_args(owned.type)
    shape = shape_of(owned.type)
    return getitem(strawberry.Maybe, _nullable(shape) if is_optional else shape.annotation)


def _nullable(shape: Shape) -> Any:
    return getitem(Optional, shape.annotation)


def _member(owned: Owned, said: str, **default: Any) -> Any:
    """The input's field, deprecated if the canon's is."""
    return strawberry.field(
        description=said,
        deprecation_reason=owned.deprecated.reason if owned.deprecated else None,
        **default,
    )


def _input(name: str, annotations: Mapping[str, Any], members: Mapping[str, Any], said: str) -> Any:
    declared = type(name, (), {**members, "__annotations__": dict(annotations)})
    return strawberry.input(declared, description=said)


_AMOUNTS: Mapping[Any, Shape] = {
    Money: Shape(MoneyInput, lambda given: parse_money(given.amount, given.currency)),
    FxRate: Shape(FxRateInput, lambda given: FxRate(**vars(given))),
    Rate: Shape(RateInput, lambda given: parse_rate(given.amount, given.currency, given.per)),
}
