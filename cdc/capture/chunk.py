"""A chunk of a table's rows, in the order of its primary key, as pgoutput would write them."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from cdc.capture.pgoutput import Relation, Row
from cdc.capture.snapshot import parse_copy_line
from cdc.capture.table_shape import TableShape
from sync.resnapshots import Resnapshot

ROWS_PER_CHUNK = 1000


async def read_chunk(
    relation: Relation, shape: TableShape, wanted: Resnapshot, *, connection: asyncpg.Connection
) -> Sequence[Row]:
    """The wanted rows behind the key that was reached."""
    text = bytearray()

    async def take(piece: bytes) -> None:
        text.extend(piece)

    query = _query(relation, shape.key, wanted)
    await connection.copy_from_query(query, output=take, format="text")
    return [parse_copy_line(line) for line in bytes(text).split(b"\n")[:-1]]


def key_text(row: Row, relation: Relation, shape: TableShape) -> tuple[str, ...]:
    """The primary key of a row, as the owner writes it."""
    cells = {c.name: cell for c, cell in zip(relation.columns, row, strict=True)}
    return tuple(_text(cells[name]) for name in shape.key)


def _query(relation: Relation, key: Sequence[str], wanted: Resnapshot) -> str:
    order = ", ".join(map(_name, key))
    conditions = []
    if wanted.reached is not None:
        conditions.append(f"({order}) > ({', '.join(map(_literal, wanted.reached))})")
    if wanted.keys.low is not None:
        conditions.append(f"{_name(key[0])} >= {_literal(wanted.keys.low)}")
    if wanted.keys.high is not None:
        conditions.append(f"{_name(key[0])} <= {_literal(wanted.keys.high)}")
    columns = ", ".join(_name(column.name) for column in relation.columns)
    table = f"{_name(relation.schema)}.{_name(relation.name)}"
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    return f"SELECT {columns} FROM {table} {where} ORDER BY {order} LIMIT {ROWS_PER_CHUNK}"


def _text(cell: object) -> str:
    if not isinstance(cell, bytes):
        raise TypeError("a column of a primary key is never null")
    return cell.decode()


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    """Without a type, so that it takes that of the column it is compared with."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
