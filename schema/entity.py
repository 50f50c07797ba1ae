"""How a canonical type is declared: `@entity` on the class, `owned_by(group)` on each field.

The GraphQL type, the projection table, the ownership map and the reference page derive from this
one declaration, by functions that are called by name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import cache
from typing import (
    Any,
    NewType,
    TypeVar,
    cast,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import strawberry
from strawberry.schema_directive import Location
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from schema import ids
from schema.groups import FieldGroup
from schema.system import System

T = TypeVar("T")

ID_TYPES = frozenset(kind for kind in vars(ids).values() if isinstance(kind, NewType))


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="owner",
    repeatable=True,
    description=(
        "The system of record of what the field says or leads to: read there, written there. A "
        "field that is derived from several owners' words names each of them."
    ),
)
class Owner:
    system: System


class FilterOp(Enum):
    """How a list may be narrowed by a field.

    Pushed down to the anchor if it owns the field; else the list is cut in the projection.
    """

    IN = "in"
    CONTAINS = "contains"
    FROM = "from"
    TO = "to"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sunset:
    """A field that will go: the field that takes its place, and the last day it is there."""

    use: str
    last_day: date

    @property
    def reason(self) -> str:
        return f"Use {to_camel_case(self.use)}. Removed after {self.last_day.isoformat()}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """One stored field of a canonical type."""

    name: str
    description: str
    group: FieldGroup
    type: Any
    filters: tuple[FilterOp, ...]
    is_searched: bool
    deprecated: Sunset | None

    @property
    def owner(self) -> System:
        return self.group.owner

    @property
    def owners(self) -> tuple[System, ...]:
        return (self.owner,)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOf:
    """A derived field: the first of `sources` that is known."""

    name: str
    description: str
    sources: tuple[str, ...]
    type: Any
    filters: tuple[FilterOp, ...]
    owners: tuple[System, ...]

    def of(self, values: Mapping[str, Any]) -> Any:
        """Its value beside those of its sources, which may know fewer words than it does."""
        known = (values.get(source) for source in self.sources)
        found = next((value for value in known if value is not None), None)
        return bare_type(self.type)(found.value) if isinstance(found, Enum) else found


def owned_by(
    group: FieldGroup,
    *,
    description: str,
    filters: tuple[FilterOp, ...] = (),
    is_searched: bool = False,
    deprecated: Sunset | None = None,
    **default: Any,
) -> Any:
    """Declare a stored field and the group that owns it.

    A field outside the anchor's groups needs `default=None`: its owner may be down or not know
    the record yet, and the rest of the object must still arrive. `is_searched` fields are what
    people know a record by: its number, code, name or e-mail address.
    """
    return strawberry.field(
        description=f"{description} {group.freshness}",
        directives=[Owner(system=group.owner)],
        deprecation_reason=deprecated.reason if deprecated else None,
        metadata={
            "description": description,
            "group": group,
            "filters": filters,
            "is_searched": is_searched,
            "deprecated": deprecated,
        },
        **default,
    )


def first_of(*sources: str, description: str, filters: tuple[FilterOp, ...] = ()) -> Any:
    """Declare a derived field: the first of the named fields that is known."""
    return strawberry.field(
        description=description,
        metadata={"description": description, "first_of": sources, "filters": filters},
        default=None,
    )


@dataclass_transform(kw_only_default=True, field_specifiers=(owned_by, first_of))
def entity(*, prefix: str, plural: str | None = None) -> Callable[[type[T]], type[T]]:
    """Declare a canonical type whose ids start with `prefix`.

    `plural` is the word for several of them, where an s does not make it. The owner of `id` is
    the type's anchor: the system that brings its records into being.
    """

    def declare(cls: type[T]) -> type[T]:
        cls.__concord_prefix__ = prefix  # type: ignore[attr-defined]  # read by `prefix` below
        word = plural or f"{cls.__name__}s"
        cls.__concord_plural__ = word  # type: ignore[attr-defined]  # read by `plural` below
        declared = strawberry.type(cls, description=(cls.__doc__ or "").strip())
        _require_nullable_guests(declared)
        _complete(declared)
        return declared

    return declare


@cache
def entity_name(entity: type) -> str:
    """`PaymentStatus` -> `payment_status`: the name of a type in tables, ledgers and members."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in entity.__name__).lstrip("_")


def prefix(entity_type: type) -> str:
    return cast(str, entity_type.__concord_prefix__)  # type: ignore[attr-defined]  # set by `entity`


def plural(entity_type: type) -> str:
    """`LegalEntities`: the word for several of them."""
    return cast(str, entity_type.__concord_plural__)  # type: ignore[attr-defined]  # set by `entity`


@cache
def owned_fields(entity_type: type) -> dict[str, Owned]:
    """The stored fields in declaration order, without `id`."""
    hints = get_type_hints(entity_type)
    return {
        field.name: Owned(
            name=field.name,
            description=field.metadata["description"],
            group=field.metadata["group"],
            type=hints[field.name],
            filters=field.metadata["filters"],
            is_searched=field.metadata["is_searched"],
            deprecated=field.metadata["deprecated"],
        )
        for field in _fields(entity_type)
        if "group" in field.metadata and field.name != "id"
    }


@cache
def derived_fields(entity_type: type) -> dict[str, FirstOf]:
    hints, owned = get_type_hints(entity_type), owned_fields(entity_type)
    return {
        field.name: FirstOf(
            name=field.name,
            description=field.metadata["description"],
            sources=field.metadata["first_of"],
            type=hints[field.name],
            filters=field.metadata["filters"],
            owners=tuple(dict.fromkeys(owned[s].owner for s in field.metadata["first_of"])),
        )
        for field in _fields(entity_type)
        if "first_of" in field.metadata
    }


@cache
def anchor(entity_type: type) -> System:
    """The system that brings the records of this type into being, and whose id names them."""
    group = next(f for f in _fields(entity_type) if f.name == "id").metadata["group"]
    return cast(FieldGroup, group).owner


@cache
def owners(entity_type: type) -> tuple[System, ...]:
    """Every system that owns a field of the type, the anchor first."""
    systems = [anchor(entity_type), *(f.owner for f in owned_fields(entity_type).values())]
    return tuple(dict.fromkeys(systems))


def edge_name(reference: str) -> str:
    """`client_id` -> `client`: what the record is called that a field holds the id of."""
    return reference.removesuffix("_id")


def bare_type(annotation: Any) -> Any:
    """The annotation without its `| None`."""
    arms = [arm for arm in get_args(annotation) if arm is not type(None)]
    is_optional = type(None) in get_args(annotation)
    return arms[0] if is_optional and len(arms) == 1 else annotation


def one_of(annotation: Any) -> Any:
    """The bare type, of a list that of one of its members."""
    bare = bare_type(annotation)
    return get_args(bare)[0] if get_origin(bare) is list else bare


def _fields(entity_type: type) -> list[StrawberryField]:
    return [f for f in dataclasses.fields(entity_type) if isinstance(f, StrawberryField)]


def _require_nullable_guests(entity_type: type) -> None:
    home = anchor(entity_type)
    for owned in owned_fields(entity_type).values():
        if owned.owner is not home and type(None) not in get_args(owned.type):
            raise TypeError(
                f"{entity_type.__name__}.{owned.name} is owned by {owned.owner.name}, "
                f"not by the anchor {home.name}: declare it `| None` with default=None."
            )


def _complete(entity_type: type) -> None:
    """Say of references and derived fields what only the whole declaration knows.

    An id says whose it is; what that record is to this one is said by the edge that leads there,
    see `schema.edges`. A derived field has the owners of its sources.
    """
    derived, owned = derived_fields(entity_type), owned_fields(entity_type)
    for field in _fields(entity_type):
        if field.name in derived:
            sources = " and ".join(f"`{to_camel_case(s)}`" for s in derived[field.name].sources)
            field.description = f"{field.description} The first known of {sources}, and as fresh."
            field.directives = [Owner(system=system) for system in derived[field.name].owners]
        elif field.name in owned and bare_type(owned[field.name].type) in ID_TYPES:
            edge = to_camel_case(edge_name(field.name))
            field.description = f"Id of `{edge}`. {owned[field.name].group.freshness}"
