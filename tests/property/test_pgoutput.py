"""The pgoutput parser and the array parser: total, and inverse to what the server writes."""

from __future__ import annotations

import struct
from contextlib import suppress
from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.capture.array_literal import parse_array
from cdc.capture.column_types import ColumnType, codec_of
from cdc.capture.pgoutput import (
    UNCHANGED,
    Begin,
    Delete,
    Insert,
    Logical,
    Message,
    Origin,
    Relation,
    Row,
    Truncate,
    Update,
    parse,
)
from cdc.capture.snapshot import parse_copy_line
from schema.errors import Invalid

VALUES = st.one_of(st.none(), st.just(UNCHANGED), st.binary(max_size=40))
ROWS = st.lists(VALUES, max_size=8).map(tuple)
RELATION = st.integers(min_value=1, max_value=2**32 - 1)


def tuple_bytes(row: Row) -> bytes:
    parts = [struct.pack(">h", len(row))]
    for value in row:
        if value is None:
            parts.append(b"n")
        elif isinstance(value, bytes):
            parts.append(b"t" + struct.pack(">i", len(value)) + value)
        else:
            parts.append(b"u")
    return b"".join(parts)


@given(RELATION, ROWS)
def test_an_insert_is_parsed_as_it_was_written(relation: int, row: Row) -> None:
    """Nulls, unchanged values and any bytes come back, with a relation id of 32 bits."""
    raw = b"I" + struct.pack(">I", relation) + b"N" + tuple_bytes(row)
    assert parse(raw) == Insert(relation=relation, new=row)


@given(RELATION, ROWS, ROWS, st.sampled_from([b"K", b"O", b""]))
def test_an_update_tells_what_its_old_row_is(
    relation: int, old: Row, new: Row, kind: bytes
) -> None:
    """The old row is whole, the key alone, or absent, and never mistaken for the new one."""
    raw = b"U" + struct.pack(">I", relation) + (kind + tuple_bytes(old) if kind else b"")
    update = parse(raw + b"N" + tuple_bytes(new))
    expected = old if kind else None
    assert update == Update(relation=relation, old=expected, is_old_whole=kind == b"O", new=new)


@given(RELATION, ROWS, st.sampled_from([b"K", b"O"]))
def test_a_delete_tells_what_its_old_row_is(relation: int, old: Row, kind: bytes) -> None:
    """A delete always has an old row."""
    raw = b"D" + struct.pack(">I", relation) + kind + tuple_bytes(old)
    assert parse(raw) == Delete(relation=relation, old=old, is_old_whole=kind == b"O")


@given(st.sampled_from(b"BCORYIUDTM"), st.binary(max_size=60))
def test_any_bytes_are_a_message_or_refused(kind: int, rest: bytes) -> None:
    """Damaged input raises `Invalid` and nothing else."""
    with suppress(Invalid):
        assert type(parse(bytes([kind]) + rest)) in get_args(Logical)


@pytest.mark.parametrize("raw", [b"", b"Z", b"I\0\0\0\1X", b"I\0\0\0\1N\0\1t\0\0\0\5ab"])
def test_damaged_messages_are_refused(raw: bytes) -> None:
    """An unknown kind, a wrong mark and a value cut short are all named as such."""
    with pytest.raises(Invalid, match="not a pgoutput message"):
        parse(raw)


def test_the_messages_around_the_rows() -> None:
    """Begin, origin, relation, truncate and message, each with what its bytes hold."""
    begin = parse(b"B" + struct.pack(">qqI", 7, 1_000_000, 42))
    assert isinstance(begin, Begin)
    assert (begin.final_lsn, begin.committed_at.isoformat(), begin.xid) == (
        7,
        "2000-01-01T00:00:01+00:00",
        42,
    )
    assert parse(b"O" + struct.pack(">q", 9) + b"hub\0") == Origin(lsn=9, name="hub")
    column = b"\1id\0" + struct.pack(">Ii", 20, -1)
    relation = parse(b"R" + struct.pack(">I", 5) + b"\0t\0d" + struct.pack(">h", 1) + column)
    assert isinstance(relation, Relation)
    assert (relation.schema, relation.name, relation.columns[0].name) == ("pg_catalog", "t", "id")
    assert parse(b"T" + struct.pack(">ibII", 2, 0, 5, 6)) == Truncate(relations=(5, 6))
    assert parse(b"M" + struct.pack(">bq", 1, 3) + b"p\0" + struct.pack(">i", 1) + b"x") == Message(
        is_transactional=True, lsn=3, prefix="p", content=b"x"
    )


def literal(elements: list[object]) -> str:
    return "{" + ",".join(map(element_literal, elements)) + "}"


def element_literal(element: object) -> str:
    if isinstance(element, list):
        return literal(element)
    if element is None:
        return "NULL"
    escaped = str(element).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@given(
    st.recursive(
        st.lists(st.one_of(st.none(), st.text(max_size=8)), max_size=5),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=8,
    )
)
def test_an_array_is_parsed_as_it_was_written(elements: list[object]) -> None:
    """Quotes, backslashes, braces, the word NULL and nested arrays survive."""
    assert parse_array(literal(elements)) == elements


def test_arrays_as_the_server_writes_them() -> None:
    """Bare elements, inner blanks, empty arrays and lower bounds."""
    assert parse_array("{1,NULL,a b}") == ["1", None, "a b"]
    assert parse_array("[0:1]={1,2}") == ["1", "2"]
    assert parse_array("{}") == []
    assert parse_array('{"NULL",""}') == ["NULL", ""]


@pytest.mark.parametrize("literal", ["", "1,2", "{1", "1}", "{1}{2}"])
def test_what_is_no_array_is_refused(literal: str) -> None:
    """The message shows what was found instead."""
    with pytest.raises(Invalid, match="not an array"):
        parse_array(literal)


@given(st.lists(st.one_of(st.none(), st.text(max_size=12)), min_size=1, max_size=5))
def test_a_copy_line_is_parsed_as_it_was_written(values: list[str | None]) -> None:
    """COPY's escapes come back as what they stand for."""
    escapes = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
    fields = [
        r"\N" if v is None else "".join(escapes.get(letter, letter) for letter in v) for v in values
    ]
    parsed = parse_copy_line("\t".join(fields).encode())
    assert parsed == tuple(None if v is None else v.encode() for v in values)


@given(st.dates())
def test_dates_are_days_since_1970(day: date) -> None:
    """The arithmetic agrees with the calendar where the calendar reaches."""
    decode = codec_of(ColumnType(base=1082, element=0, modifier=-1)).decode
    assert decode(day.isoformat().encode()) == (day - date(1970, 1, 1)).days


def test_dates_beyond_the_calendar() -> None:
    """Postgres knows years that Python does not: these are its own numbers."""
    decode = codec_of(ColumnType(base=1082, element=0, modifier=-1)).decode
    assert decode(b"0044-03-15 BC") == -735160
    assert decode(b"10000-01-01") == 2932897
    assert decode(b"5874897-12-31") == 2145042905
