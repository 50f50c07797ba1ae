"""How a system declares its tables: columns, keys, what a list can be narrowed by."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from hub.demo.kinds import ID, KEY, TEXT, Kind, decode_text, document

Row = Mapping[str, Any]

Connection = Any
"""An asyncpg connection, pooled or not: asyncpg ships no types."""

NewKey = Callable[[Connection, Row], Awaitable[str]]
Check = Callable[[Connection, Row | None, Row], Awaitable[None]]
"""Sees the row before (None when it is new) and the values to store, and may refuse."""

Verify = Callable[[Connection, Row], Awaitable[None]]


class Operator(Enum):
    """How a list is narrowed by one column."""

    IN = auto()
    CONTAINS = auto()
    ABOVE = auto()
    BELOW = auto()
    AT_LEAST = auto()
    AT_MOST = auto()
    HAS_ANY = auto()


EXACT = frozenset({Operator.IN})
LIKE = frozenset({Operator.CONTAINS})
RANGE = frozenset({Operator.ABOVE, Operator.BELOW, Operator.AT_LEAST, Operator.AT_MOST})
HAS_ANY = frozenset({Operator.HAS_ANY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`is_given` columns get their value from the system itself: callers may only read them.

    `default` is SQL; a column with a default may be left out when a row is created. `composed_by`
    is the SQL that puts the value together out of other tables; such a column stores nothing.
    """

    name: str
    kind: Kind
    filters: frozenset[Operator] = frozenset()
    default: str | None = None
    references: str | None = None
    is_nullable: bool = False
    is_given: bool = False
    composed_by: str | None = None

    @property
    def is_required(self) -> bool:
        return not (self.is_nullable or self.is_given or self.default is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A collection of the API. Rows are listed by ascending key.

    Keys are numbers of the database, text such as ACC-00001 when there is a `prefix`, or what
    `new_key` makes of the values of a row. `guard` sees a row before it is changed and may refuse;
    `check` sees every write before it is made, `verify` the row once it is written, and a refusal
    undoes the write; both may look at other rows.
    """

    name: str
    key: Column
    columns: tuple[Column, ...]
    prefix: str = ""
    digits: int = 0
    first: int = 1
    new_key: NewKey | None = None
    guard: Callable[[Row], None] | None = None
    check: Check | None = None
    verify: Verify | None = None
    by_name: Mapping[str, Column] = field(init=False)

    def __post_init__(self) -> None:
        columns = {column.name: column for column in (self.key, *self.columns, *STAMPS)}
        object.__setattr__(self, "by_name", columns)

    @property
    def path(self) -> str:
        return self.name.replace("_", "-")


def own(
    name: str,
    kind: Kind = TEXT,
    *,
    by: frozenset[Operator] = frozenset(),
    default: str | None = None,
    references: str | None = None,
) -> Column:
    """A value this system is the authority for."""
    return Column(name=name, kind=kind, filters=by, default=default, references=references)


def optional(
    name: str,
    kind: Kind = TEXT,
    *,
    by: frozenset[Operator] = frozenset(),
    references: str | None = None,
) -> Column:
    """A value this system is the authority for, and that may be unknown."""
    return Column(name=name, kind=kind, filters=by, references=references, is_nullable=True)


def copied(
    name: str,
    kind: Kind = TEXT,
    *,
    by: frozenset[Operator] = frozenset(),
    references: str | None = None,
) -> Column:
    """A copy of another system's truth: null until it has arrived."""
    return Column(name=name, kind=kind, filters=by, references=references, is_nullable=True)


def anchor(name: str, *, is_nullable: bool = False) -> Column:
    """The key of a record in another system, kept as text and not checked."""
    return Column(name=name, kind=KEY, filters=EXACT, is_nullable=is_nullable)


def choice(
    name: str,
    *words: str,
    default: str | None = None,
    by: frozenset[Operator] = EXACT,
) -> Column:
    """A word out of a closed list."""

    def decode(value: object) -> str:
        word = decode_text(value)
        if word not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return word

    default = None if default is None else f"'{default}'"
    return Column(name=name, kind=Kind(sql="text", decode=decode), filters=by, default=default)


def given(
    name: str,
    kind: Kind = TEXT,
    *,
    by: frozenset[Operator] = frozenset(),
    default: str | None = None,
) -> Column:
    """A value the system works out itself; callers may only read it."""
    return Column(
        name=name,
        kind=kind,
        filters=by,
        default=default,
        is_nullable=default is None,
        is_given=True,
    )


def composed(name: str, sql: str) -> Column:
    """A list of JSON objects that live in rows of another table; callers may only read it."""
    kind = document({}, is_list=True)
    return Column(name=name, kind=kind, is_given=True, composed_by=sql)


def text_key(name: str) -> Column:
    return Column(name=name, kind=KEY, filters=EXACT | RANGE, is_given=True)


def number_key(name: str) -> Column:
    return Column(name=name, kind=ID, filters=EXACT | RANGE, is_given=True)


STAMPS = (
    Column(
        name="version",
        kind=Kind(sql="integer", decode=ID.decode),
        default="1",
        is_given=True,
    ),
    Column(
        name="updated_at",
        kind=Kind(sql="timestamptz", decode=decode_text),
        default="now()",
        is_given=True,
    ),
)
