"""Bindings: how one system's rows hold the fields of one canonical type.

One binding serves CDC decode, API read, API write and reconciliation. A value is the same
whether it came over the API or in an envelope, so the converters accept both spellings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from schema.entity import Owned, anchor, owned_fields
from schema.system import System

Row = Mapping[str, Any]
"""One record as its system spells it: column name -> plain value."""

Words = Mapping[str, Enum]
"""A system's status words and the canonical members they mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Where a field lives in a system's row.

    `words` translates status words. For a field that refers to another record, `names` is the
    system whose id the column holds; without it, the column holds this system's own key.
    `read` and `write` replace the conversion that follows from the field's type.
    """

    name: str
    words: Words | None = None
    names: System | None = None
    read: Callable[[Any], Any] | None = None
    write: Callable[[Any], Any] | None = None

    @property
    def can_be_compared(self) -> bool:
        """Whether canonical values can be spelt in the system's own words, for a filter."""
        return self.read is None or self.write is not None or self.words is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyColumns:
    """Where a Money field lives: two columns of one row."""

    amount: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateColumns:
    """Where a Rate field lives: three columns of one row; `words` are the system's units."""

    amount: str
    currency: str
    per: str
    words: Words | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FxColumns:
    """Where an FxRate lives: five columns of one row; `base` is often that of an amount."""

    rate: str
    base: str
    quote: str
    on: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartColumn:
    """Where a part, or a list of parts, lives: one JSON column, and the places inside each."""

    name: str
    parts: Mapping[str, Place]


Place = Column | MoneyColumns | RateColumns | FxColumns | PartColumn


def column(name: str, **options: Any) -> Column:
    return Column(name=name, **options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A captured table whose row change says that a record *may* have changed.

    Used where a record is spread over many tables: the intake reads the record back from the
    system. `key` is the column with the record's own id. A row touches nothing if it is known to
    have another value in a column of `only`. Of the table only `columns` and its primary key need
    to be captured.

    Where the table does not have the record's id, `by` is the column of the binding's rows that
    holds what `key` holds: a currency touches all companies that keep their books in it.
    """

    table: str
    key: str
    by: str | None = None
    only: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that `record_of` reads."""
        return (self.key, *self.only)

    def record_of(self, row: Row) -> str | None:
        """The id of the touched record; of a deleted row often only the primary key is known."""
        if any(row.get(name, wanted) != wanted for name, wanted in self.only.items()):
            return None
        cell = row.get(self.key)
        return None if cell is None else str(cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A type of event by which a system says that a record *may* have changed: it is read back.

    `key` is where the record's key stands in the event's data, with dots; an event that has a
    subject may name it there instead. None: the type is known, and nothing of ours changes by it.
    """

    type: str
    key: str | None = "id"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binding:
    """One canonical type in one system.

    `resource` is the API collection; `table` the captured table (`schema.table`), None when
    nothing is captured or `touches` stand in for it; these name a record by its `touched_by`
    column, by its key unless given. `events` are what the system's webhooks may tell of it.
    `key` is the column with the system's own id; `anchor_key` the column with the anchor system's
    id, which is `key` itself in the anchor.
    `owns` are fields this system is the owner of, `copies` fields it only holds. `reference` is
    the column for the caller's own reference, by which a lost create is found again.

    A column of the table that no binding reads is kept beside the owner's part, unless it is known
    and `unread`; where the table may hold secrets, `keeps_extra=False` keeps its name alone. Fields
    that are `optional` have columns the table did not always have: rows from before leave them be.

    Where a replica does not hold the anchor's id, `found_by` names the canonical reference whose
    record's anchor id stands in `anchor_key` instead. `is_part_of` is the type whose row this
    one shares: the row is created for that type, and only completed for this one.

    A copy is held `only_while` the named fields have one of these values. Otherwise, and once the
    owner has deleted the record, it is taken out of the system.
    """

    entity: type
    system: System
    resource: str
    key: str
    anchor_key: str
    table: str | None = None
    touches: tuple[Touch, ...] = ()
    touched_by: str | None = None
    events: tuple[Event, ...] = ()
    version: str = "version"
    updated_at: str = "updated_at"
    owns: Mapping[str, Place] = field(default_factory=dict)
    copies: Mapping[str, Place] = field(default_factory=dict)
    read_only: frozenset[str] = frozenset()
    reference: str | None = None
    found_by: str | None = None
    is_part_of: type | None = None
    unread: frozenset[str] = frozenset()
    keeps_extra: bool = True
    optional: frozenset[str] = frozenset()
    only_while: Mapping[str, frozenset[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fields = owned_fields(self.entity)
        for name in [*self.owns, *self.copies]:
            self._require(name in fields, f"{self.entity.__name__} has no field {name}")
        for name in self.owns:
            owner = fields[name].owner
            self._require(owner is self.system, f"{name} is owned by {owner.name}")
        for name in self.copies:
            declared = self.system in fields[name].group.copies
            self._require(declared, f"{fields[name].group.name} is not copied here")
        for name in self.optional:
            self._require(name in self.places, f"{name} is optional, and has no column")
        for name in self.only_while:
            self._require(name in self.copies, f"whether it is held depends on {name}: copy it")

    @property
    def anchor(self) -> System:
        """The system whose ids `anchor_key` holds."""
        return anchor(self.entity)

    @property
    def is_anchor(self) -> bool:
        return self.anchor is self.system

    @property
    def is_captured(self) -> bool:
        return self.table is not None or bool(self.touches)

    @property
    def told_in(self) -> str | None:
        """The captured table whose topic tells of its records: its own, or the first to touch."""
        return self.table or next((touch.table for touch in self.touches), None)

    @property
    def places(self) -> Mapping[str, Place]:
        return {**self.owns, **self.copies}

    def column_of(self, touch: Touch) -> str:
        """The column of the binding's rows that holds what the touch names a record by."""
        return touch.by or self.touched_by or self.key

    def field(self, name: str) -> Owned:
        return owned_fields(self.entity)[name]

    def _require(self, condition: bool, why: str) -> None:
        if not condition:
            raise TypeError(f"{self.system.name} binding of {self.entity.__name__}: {why}.")
