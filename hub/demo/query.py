"""What a list call asks for, and the query-string dialects that spell it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from hub.demo.kinds import FLAG, Kind
from hub.demo.refusals import Reason, Refusal
from hub.demo.tables import Column, Operator, Table

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
FLAG_WORDS = {"true": True, "false": False}

Parameters = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`operand` is a list for IN and HAS_ANY, else one value."""

    column: Column
    operator: Operator
    operand: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """Only rows that changed at `since` or later, in the order of that time and the key.

    `after` are the time and the key of the last row that was had.
    """

    since: datetime
    after: tuple[datetime, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """Rows in key order that pass every filter; paging is a filter on the key.

    With `changed` the rows come in the order of their changes instead.
    """

    filters: tuple[Filter, ...] = ()
    is_descending: bool = False
    limit: int = DEFAULT_LIMIT
    changed: Changed | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """The names one dialect gives to the parts of a list call; `{}` stands for the column.

    What changed is listed by `changed_since`, page by page with `changed_after`, which takes a
    time, a comma and a key; where there is a `changed_order`, it must be asked for as well. `order`
    maps the accepted order parameter and value to "is descending". With `is_repeated` several
    values are sent as one parameter each, else separated by commas.
    """

    ids: str
    after: str
    before: str
    limit: str
    order: dict[tuple[str, str], bool]
    exact: str
    contains: str
    at_least: str
    at_most: str
    has_any: str
    changed_since: str
    changed_after: str
    changed_order: tuple[str, str] | None = None
    is_repeated: bool = False

    def read(self, table: Table, parameters: Parameters) -> ListQuery:
        """Refuses a parameter it does not know, or that is given twice without being a list."""
        filters = self._filters_of(table)
        values: dict[str, list[str]] = {}
        for name, value in parameters:
            values.setdefault(name, []).append(value)
        chosen: list[Filter] = []
        is_descending = False
        limit = DEFAULT_LIMIT
        changed = self._changed(table, values)
        for name, given in values.items():
            if name in filters:
                chosen.append(self._filter(name, *filters[name], given))
            elif name == self.limit:
                limit = read_limit(name, _only(name, given))
            elif (name, _only(name, given)) in self.order:
                is_descending = self.order[name, given[0]]
            else:
                raise unknown_filter(name, (*filters, self.limit, *self._order_names()))
        return ListQuery(
            filters=tuple(chosen), is_descending=is_descending, limit=limit, changed=changed
        )

    def _changed(self, table: Table, values: dict[str, list[str]]) -> Changed | None:
        """What changed is to be listed; takes the parameters that say so."""
        given = values.pop(self.changed_since, None)
        if given is None:
            return None
        since = read_instant(self.changed_since, _only(self.changed_since, given))
        self._require_order(values)
        after = values.pop(self.changed_after, None)
        if after is None:
            return Changed(since=since)
        text, _, key = _only(self.changed_after, after).partition(",")
        moment = read_instant(self.changed_after, text)
        return Changed(
            since=since, after=(moment, read_operand(self.changed_after, table.key, key))
        )

    def _require_order(self, values: dict[str, list[str]]) -> None:
        if self.changed_order is None:
            return
        name, order = self.changed_order
        if values.pop(name, None) != [order]:
            message = f"{self.changed_since} lists in the order of changes: add {name}={order}."
            raise Refusal(Reason.UNKNOWN_FILTER, message)

    def _filters_of(self, table: Table) -> dict[str, tuple[Column, Operator]]:
        names = {
            self.ids: (table.key, Operator.IN),
            self.after: (table.key, Operator.ABOVE),
            self.before: (table.key, Operator.BELOW),
        }
        patterns = {
            Operator.IN: self.exact,
            Operator.CONTAINS: self.contains,
            Operator.AT_LEAST: self.at_least,
            Operator.AT_MOST: self.at_most,
            Operator.HAS_ANY: self.has_any,
        }
        for column in table.columns:
            for operator in patterns.keys() & column.filters:
                names[patterns[operator].format(column.name)] = (column, operator)
        return names

    def _filter(self, name: str, column: Column, operator: Operator, given: list[str]) -> Filter:
        if operator in (Operator.IN, Operator.HAS_ANY):
            texts = given if self.is_repeated else _only(name, given).split(",")
            operand: object = [read_operand(name, column, text) for text in texts if text]
        else:
            operand = read_operand(name, column, _only(name, given))
        return Filter(column=column, operator=operator, operand=operand)

    def _order_names(self) -> list[str]:
        return sorted({name for name, _ in self.order})


def read_operand(name: str, column: Column, text: str) -> object:
    """One value to compare the column with; for an array column, one element of it."""
    kind: Kind = column.kind.element or column.kind
    try:
        return kind.decode(FLAG_WORDS.get(text, text) if kind is FLAG else text)
    except ValueError as error:
        raise Refusal(Reason.UNKNOWN_FILTER, f"Filter {name}: {text!r} {error}.") from None


def read_instant(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{name} must be an ISO 8601 time, got {text!r}."
        raise Refusal(Reason.UNKNOWN_FILTER, message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_limit(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 0 < int(text) <= MAX_LIMIT):
        message = f"{name} must be a whole number from 1 to {MAX_LIMIT}, got {text!r}."
        raise Refusal(Reason.UNKNOWN_FILTER, message)
    return int(text)


def unknown_filter(name: str, known: Iterable[str]) -> Refusal:
    message = f"{name} is not a filter here; use one of {', '.join(known)}."
    return Refusal(Reason.UNKNOWN_FILTER, message)


def _only(name: str, given: list[str]) -> str:
    if len(given) > 1:
        raise Refusal(Reason.UNKNOWN_FILTER, f"{name} is given {len(given)} times; give it once.")
    return given[0]
