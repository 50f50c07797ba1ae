"""What every connector promises of its reads, tried against the system's API over HTTP.

A test inherits `ReadingConformance` and has a fixture `connected`, a connector to a seeded system.
"""

from __future__ import annotations

from typing import Any

from schema.entity import FilterOp
from sync.connectors.binding import Binding, Column, Row
from sync.connectors.codec import decode
from sync.connectors.encoding import encode
from sync.connectors.ports import PAGE_LIMIT, Condition, Reads, RowQuery
from sync.connectors.refs import Ref

NOBODY = "999999999"
"""A well-formed key, in every system, of no record."""


class ReadingConformance:
    """The part of the suite that changes nothing."""

    async def test_every_bound_column_is_there_and_reads(self, connected: Reads) -> None:
        """No row lacks a bound column, and each decodes, owned and copied fields alike."""
        for binding in connected.bindings:
            for row in await all_of(connected, binding):
                for copies in (False, True):
                    decoded = decode(binding, row, copies=copies)
                    assert decoded.keys() == (binding.copies if copies else binding.owns).keys()

    async def test_encoding_what_was_decoded_changes_nothing(self, connected: Reads) -> None:
        """Row to canonical values to row to canonical values: the values stay."""
        for binding in connected.bindings:
            for row in await all_of(connected, binding):
                for copies in (False, True):
                    values = decode(binding, row, copies=copies)
                    kept = {n: v for n, v in values.items() if n not in binding.read_only}
                    written = encode(binding, {n: _local(v) for n, v in kept.items()})
                    again = decode(binding, {**row, **written}, copies=copies)
                    assert {name: again[name] for name in kept} == kept

    async def test_a_column_nobody_knows_is_ignored(self, connected: Reads) -> None:
        """A system may grow columns."""
        for binding in connected.bindings:
            row = (await first_of(connected, binding))[0]
            assert decode(binding, {**row, "shoe_size": 43}) == decode(binding, row)

    async def test_asked_for_keys_come_back_or_are_missing(self, connected: Reads) -> None:
        """By the system's own key and by the anchor's: only what exists comes."""
        for binding in connected.bindings:
            rows = (await first_of(connected, binding))[2:5]
            for column in {binding.key, binding.anchor_key}:
                keys = {str(row[column]) for row in rows}
                found = await fetch_by(connected, binding, column, *keys, NOBODY)
                assert {str(row[column]) for row in found} == keys

    async def test_asking_for_no_key_answers_no_row(self, connected: Reads) -> None:
        """An empty list is not the lack of a condition."""
        for binding in connected.bindings:
            assert await fetch_by(connected, binding, binding.anchor_key) == []

    async def test_every_filter_is_carried_out_by_the_system(self, connected: Reads) -> None:
        """Each declared filter answers exactly the rows that a full scan would pick."""
        for binding in (b for b in connected.bindings if b.is_anchor):
            rows = await all_of(connected, binding)
            for name, place in binding.owns.items():
                if not (isinstance(place, Column) and place.can_be_compared):
                    continue
                for op in binding.field(name).filters:
                    condition = _condition(place.name, op, rows)
                    found = await all_of(connected, binding, condition)
                    assert found == [row for row in rows if _passes(row, condition)]
                    assert 0 < len(found) < len(rows), condition

    async def test_filters_hold_together(self, connected: Reads) -> None:
        """Two conditions on one query: a row must pass both."""
        for binding in (b for b in connected.bindings if b.key != b.anchor_key):
            first, other = (await first_of(connected, binding))[:2]
            key, anchor_key = binding.key, binding.anchor_key
            both = (
                Condition(column=key, op=FilterOp.IN, value=(str(first[key]), str(other[key]))),
                Condition(column=anchor_key, op=FilterOp.IN, value=(str(other[anchor_key]),)),
            )
            assert await all_of(connected, binding, *both) == [other]

    async def test_pages_join_without_gap_or_overlap(self, connected: Reads) -> None:
        """Walking by small pages, up or down, meets every row once and in order."""
        for binding in connected.bindings:
            rows = await all_of(connected, binding)
            limit = min(len(rows) // 4 + 1, PAGE_LIMIT)
            assert await walk(connected, binding, limit=limit) == rows
            assert await walk(connected, binding, limit=limit, descending=True) == rows[::-1]

    async def test_a_window_excludes_both_its_bounds(self, connected: Reads) -> None:
        """`after` and `before` together: what lies between them."""
        for binding in connected.bindings:
            rows = await first_of(connected, binding)
            first, last = 0, min(4, len(rows) - 1)
            after, before = str(rows[first][binding.key]), str(rows[last][binding.key])
            page = await connected.fetch(RowQuery(binding=binding, after=after, before=before))
            assert list(page.rows) == rows[first + 1 : last]


async def first_of(connector: Reads, binding: Binding) -> list[Row]:
    """The first page, where a few rows are enough."""
    return list((await connector.fetch(RowQuery(binding=binding, limit=PAGE_LIMIT))).rows)


async def all_of(connector: Reads, binding: Binding, *where: Condition) -> list[Row]:
    return await walk(connector, binding, *where, limit=500)


async def walk(
    connector: Reads,
    binding: Binding,
    *where: Condition,
    descending: bool = False,
    limit: int,
) -> list[Row]:
    rows: list[Row] = []
    edge: str | None = None
    while True:
        bound = {"before" if descending else "after": edge}
        query = RowQuery(binding=binding, where=where, descending=descending, limit=limit, **bound)
        page = await connector.fetch(query)
        rows += page.rows
        if not page.has_more:
            return rows
        assert len(page.rows) == limit
        edge = str(page.rows[-1][binding.key])


async def fetch_by(connector: Reads, binding: Binding, column: str, *keys: str) -> list[Row]:
    asked = Condition(column=column, op=FilterOp.IN, value=keys)
    return list((await connector.fetch(RowQuery(binding=binding, where=(asked,)))).rows)


def _condition(column: str, op: FilterOp, rows: list[Row]) -> Condition:
    """A condition that some rows pass, and others do not."""
    cells = sorted({_text(row[column]) for row in rows if row[column] is not None})
    middle = cells[len(cells) // 2]
    match op:
        case FilterOp.IN:
            return Condition(column=column, op=op, value=(middle, cells[0])[: len(cells) - 1])
        case FilterOp.CONTAINS:
            return Condition(column=column, op=op, value=middle[1:-1].lower())
        case FilterOp.FROM | FilterOp.TO:
            return Condition(column=column, op=op, value=middle)


def _passes(row: Row, condition: Condition) -> bool:
    if row[condition.column] is None:
        return False
    cell = _text(row[condition.column])
    match condition.op:
        case FilterOp.IN:
            return cell in condition.value
        case FilterOp.CONTAINS:
            return condition.value.lower() in cell.lower()
        case FilterOp.FROM:
            return bool(cell >= condition.value)
        case FilterOp.TO:
            return bool(cell <= condition.value)


def _text(cell: Any) -> str:
    """As a parameter spells it."""
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _local(value: Any) -> Any:
    """A decoded value with the system's own keys in the place of references."""
    if isinstance(value, list):
        return [_local(part) for part in value]
    return value.external_id if isinstance(value, Ref) else value
