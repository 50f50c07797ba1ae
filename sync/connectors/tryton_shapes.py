"""How Tryton's records read as rows, whatever database they are in; pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol

from schema.entity import FilterOp
from sync.connectors.binding import Row
from sync.connectors.cells import texts_of
from sync.connectors.ports import Condition

Record = Mapping[str, Any]
"""One record as Tryton's REST answers it: fields, with the fields of related records nested."""

Domain = list[Any]

CLIENT_MARK = "crm:"
ENGAGEMENT_MARK = "crm:"
PROJECT_MARK = "project:"
CONTRACT_MARK = "contract:"
REFERENCE_MARK = "hub:"
TIME_MARK = "psa:"
"""How foreign ids are told apart in identifiers and in the lines of a comment."""

NUMBERED = frozenset({"id", "party", "currency"})
"""Fields of Tryton that hold one of its own ids, a number."""


class Searches(Protocol):
    """How records are looked up along with others."""

    async def search(
        self, model: str, domain: Domain, fields: tuple[str, ...], *, limit: int
    ) -> list[Record]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one of Tryton's models reads as rows.

    `scope` is the domain that keeps foreign records out; `paths` are the fields that a condition
    on a column asks for, of a reference field with its model after a colon. `marks` are the columns
    that are lines of a comment, or the field of `paths` where there is no such line; `states` those
    with words of ours, and the states behind each; `codes` those that spell Tryton's id with a
    prefix; `leading` those that a text begins with, which some words may follow. `complete` reads
    what the records do not tell themselves, such as the columns that are `unasked`: no domain
    narrows down to one of their values.
    """

    fields: tuple[str, ...]
    scope: Domain
    read: Callable[[Record], Row]
    paths: Mapping[str, str]
    marks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    states: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    leading: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unasked: frozenset[str] = frozenset()
    complete: Callable[[Searches, Sequence[Record]], Awaitable[list[Record]]] | None = None

    def operand(self, column: str, value: Any) -> Any:
        """A column's value as Tryton holds it; a text that is no id of its belongs to no record."""
        if column in self.codes:
            return _number_of(self.codes[column], value)
        if self.paths[column] not in NUMBERED:
            return value
        return int(value) if str(value).isdecimal() else 0


def domain_of(shape: Shape, conditions: Iterable[Condition]) -> Domain:
    """The conditions as Tryton asks them; `holds` must still confirm each row."""
    asked = (one for one in conditions if one.column not in shape.unasked)
    return [*shape.scope, *(_clause(shape, condition) for condition in asked)]


def holds(row: Row, conditions: Iterable[Condition]) -> bool:
    """Whether a row really meets the conditions that a domain can only narrow down to."""
    return all(
        not {str(value) for value in one.value}.isdisjoint(texts_of(row[one.column]))
        for one in conditions
        if one.op is FilterOp.IN
    )


def plain(value: Any) -> Any:
    """Tryton's typed JSON as plain JSON: texts for decimals and days, seconds for durations."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    match value.get("__class__"):
        case None:
            return {name: plain(one) for name, one in value.items()}
        case "Decimal":
            return value["decimal"]
        case "date":
            return date(value["year"], value["month"], value["day"]).isoformat()
        case "timedelta":
            return int(value["seconds"])
        case kind:
            raise ValueError(f"{kind} is not expected of Tryton")


def typed_decimal(amount: str) -> Record:
    return {"__class__": "Decimal", "decimal": amount}


def typed_day(day: str | None) -> Record | None:
    if day is None:
        return None
    when = date.fromisoformat(day)
    return {"__class__": "date", "year": when.year, "month": when.month, "day": when.day}


def typed_hours(hours: int | None) -> Record | None:
    return typed_seconds(None if hours is None else hours * 3600)


def typed_seconds(seconds: int | None) -> Record | None:
    return None if seconds is None else {"__class__": "timedelta", "seconds": seconds}


def timestamp_of(version: int) -> str:
    """The `_timestamp` of a row's version."""
    return f"{version // 1_000_000}.{version % 1_000_000:06d}"


def stamps_of(record: Record) -> Row:
    """A row's version and the instant it is from."""
    seconds, _, fraction = str(record["_timestamp"]).partition(".")
    micros = int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6])
    changed = datetime.fromtimestamp(micros / 1_000_000, UTC)
    return {"version": micros, "updated_at": changed.isoformat()}


def code_of(prefix: str, number: int) -> str:
    """Tryton's id as a code that people can tell apart: `CHG-00017`."""
    return f"{prefix}{number:05d}"


def _number_of(prefix: str, code: str) -> int:
    digits = code.removeprefix(prefix)
    number = int(digits) if digits.isdecimal() else 0
    return number if code_of(prefix, number) == code else 0


def marked(mark: str, texts: Iterable[str]) -> str | None:
    return next((text.removeprefix(mark) for text in texts if text.startswith(mark)), None)


def days_of(term: Record | None) -> int | None:
    """The net days of a payment term: those of its last line."""
    if not term or not term["lines"]:
        return None
    return sum(delta["days"] or 0 for delta in term["lines"][-1]["relativedeltas"] or ())


def word_of(words: Mapping[str, tuple[str, ...]], state: str) -> str:
    """Our word for a state."""
    return next(word for word, states in words.items() if state in states)


def _clause(shape: Shape, condition: Condition) -> Domain:
    column, value = condition.column, condition.value
    if column in shape.states:
        hidden = shape.states[column]
        return ["state", "in", [state for word in value for state in hidden.get(word, ())]]
    if column in shape.marks:
        path, mark = shape.marks[column]
        said = [[path, "like", f"%{_escaped(mark + one)}%"] for one in value]
        unsaid = [_asked(shape, column, "in", list(value))] if column in shape.paths else []
        return ["OR", *said, *unsaid]
    if column in shape.leading:
        path, mark = shape.leading[column]
        followed = [[path, "like", f"{_escaped(mark + one)} %"] for one in value]
        return ["OR", [path, "in", [mark + one for one in value]], *followed]
    match condition.op:
        case FilterOp.IN:
            return _asked(shape, column, "in", [shape.operand(column, one) for one in value])
        case FilterOp.CONTAINS:
            return _asked(shape, column, "ilike", f"%{_escaped(value)}%")
        case FilterOp.FROM:
            return _asked(shape, column, ">=", typed_day(str(value)))
        case FilterOp.TO:
            return _asked(shape, column, "<=", typed_day(str(value)))


def _asked(shape: Shape, column: str, operator: str, operand: Any) -> Domain:
    path, _, model = shape.paths[column].partition(":")
    return [path, operator, operand, *filter(None, [model])]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
