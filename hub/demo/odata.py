"""The small part of OData's query grammar the ERP stand-in understands."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from hub.demo.kinds import Kind
from hub.demo.query import (
    DEFAULT_LIMIT,
    Changed,
    Filter,
    ListQuery,
    Parameters,
    read_instant,
    read_limit,
    read_operand,
    unknown_filter,
)
from hub.demo.refusals import Reason, Refusal
from hub.demo.tables import Column, Operator, Table

TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark>[(),])|(?P<word>[^\s'(),]+))")

COMPARISON = {
    "gt": Operator.ABOVE,
    "lt": Operator.BELOW,
    "ge": Operator.AT_LEAST,
    "le": Operator.AT_MOST,
}

UNQUOTED = ("bigint", "date")
CHANGED_AT = "updated_at"


@dataclass(slots=True)
class Tokens:
    """The words of one expression, taken from the left."""

    expression: str
    words: list[str]

    def take(self, *expected: str) -> str:
        """The next word; refuses when it is missing or not one of `expected`."""
        word = self.words.pop(0) if self.words else "the end"
        if (expected and word not in expected) or word == "the end":
            wanted = f"expected {' or '.join(expected)}" if expected else "expected more"
            raise malformed(f"{wanted} but found {word} in $filter {self.expression!r}")
        return word


def read_options(table: Table, parameters: Parameters) -> ListQuery:
    """`$filter`, `$top`, and `$orderby` on the key, or on the time of changes and the key."""
    told = list(parameters)
    given = dict(told)
    if len(given) < len(told):
        raise malformed("an option is given twice; give each once")
    if unknown := given.keys() - {"$filter", "$top", "$orderby"}:
        raise unknown_filter(min(unknown), ("$filter", "$top", "$orderby"))
    limit = read_limit("$top", given["$top"]) if "$top" in given else DEFAULT_LIMIT
    expression, order = given.get("$filter"), given.get("$orderby", table.key.name)
    if expression is not None and order == f"{CHANGED_AT},{table.key.name}":
        return ListQuery(limit=limit, changed=read_changed(table, expression))
    filters = () if expression is None else tuple(read_filter(table, expression))
    return ListQuery(filters=filters, is_descending=read_order(table, order), limit=limit)


def read_changed(table: Table, expression: str) -> Changed:
    """`updated_at ge T`, and behind a row `updated_at gt T or updated_at eq T and key gt K`."""
    tokens = Tokens(expression=expression, words=_split(expression))
    tokens.take(CHANGED_AT)
    is_first = tokens.take("ge", "gt") == "ge"
    at = tokens.take()
    since = read_instant(CHANGED_AT, at)
    after: tuple[datetime, object] | None = None
    if not is_first:
        for word in ("or", CHANGED_AT, "eq", at, "and", table.key.name, "gt"):
            tokens.take(word)
        after = (since, _operand(table.key, tokens.take()))
    if tokens.words:
        raise malformed(f"nothing can follow in $filter {expression!r}")
    return Changed(since=since, after=after)


def read_order(table: Table, text: str) -> bool:
    directions = {"asc": False, "desc": True}
    column, _, direction = text.partition(" ")
    if column != table.key.name or (direction or "asc") not in directions:
        raise malformed(f"$orderby takes {table.key.name} asc or {table.key.name} desc")
    return directions[direction or "asc"]


def read_filter(table: Table, expression: str) -> Iterator[Filter]:
    """Conditions joined by `and`; nothing else combines them."""
    tokens = Tokens(expression=expression, words=_split(expression))
    yield _condition(table, tokens)
    while tokens.words:
        tokens.take("and")
        yield _condition(table, tokens)


def malformed(message: str) -> Refusal:
    return Refusal(Reason.UNKNOWN_FILTER, f"{message}.")


def _split(expression: str) -> list[str]:
    words, place = [], 0
    text = expression.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise malformed(f"a text is not closed in $filter {expression!r}")
        words.append(match.group().strip())
        place = match.end()
    return words


def _condition(table: Table, tokens: Tokens) -> Filter:
    word = tokens.take()
    if word == "contains":
        return _contains(table, tokens)
    operator = tokens.take("in", "eq", *COMPARISON)
    if operator in COMPARISON:
        column = _column(table, word, COMPARISON[operator])
        operand = _operand(column, tokens.take())
        return Filter(column=column, operator=COMPARISON[operator], operand=operand)
    column = _column(table, word, Operator.IN)
    values = _list(column, tokens) if operator == "in" else [_operand(column, tokens.take())]
    return Filter(column=column, operator=Operator.IN, operand=values)


def _contains(table: Table, tokens: Tokens) -> Filter:
    tokens.take("(")
    column = _column(table, tokens.take(), Operator.CONTAINS)
    tokens.take(",")
    operand = _operand(column, tokens.take())
    tokens.take(")")
    return Filter(column=column, operator=Operator.CONTAINS, operand=operand)


def _list(column: Column, tokens: Tokens) -> list[object]:
    tokens.take("(")
    values = [_operand(column, tokens.take())]
    while tokens.take(",", ")") == ",":
        values.append(_operand(column, tokens.take()))
    return values


def _column(table: Table, name: str, operator: Operator) -> Column:
    column = table.by_name.get(name)
    if column is None or operator not in column.filters:
        known = [one.name for one in table.by_name.values() if operator in one.filters]
        raise unknown_filter(name, known)
    return column


def _operand(column: Column, word: str) -> object:
    kind: Kind = column.kind
    is_quoted = word.startswith("'")
    if is_quoted == (kind.sql in UNQUOTED):
        wanted = "without quotes" if is_quoted else "in single quotes"
        raise malformed(f"{column.name} is compared with a value {wanted}, got {word}")
    text = word[1:-1].replace("''", "'") if is_quoted else word
    return read_operand(column.name, column, text)
