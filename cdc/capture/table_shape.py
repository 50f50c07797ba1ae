"""What a captured table looks like: its columns with their codecs, and its primary key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from cdc.capture.column_types import ColumnCodec, ColumnType, codec_of
from cdc.capture.pgoutput import Relation, RelationColumn, RelationId, Row, Unchanged

JsonRow = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedTable:
    """A table to capture: all its columns, or the named ones and the primary key."""

    schema: str
    name: str
    columns: tuple[str, ...] | None = None

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """One version of a table, enough to write its rows as JSON."""

    schema: str
    name: str
    key: tuple[str, ...]
    columns: tuple[tuple[str, ColumnCodec], ...]

    def decode(self, row: Row) -> JsonRow:
        return {
            name: None
            if text is None
            else codec.unchanged
            if isinstance(text, Unchanged)
            else codec.decode(text)
            for (name, codec), text in zip(self.columns, row, strict=True)
        }

    def key_of(self, row: JsonRow) -> JsonRow:
        return {name: row[name] for name in self.key}


_SELECT_COLUMNS = """
SELECT a.attname AS name, a.atttypid::bigint AS type_id, a.atttypmod AS modifier
FROM pg_attribute AS a
WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""

_SELECT_KEY = """
SELECT a.attname AS name
FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = $1::bigint::oid AND i.indisprimary
ORDER BY array_position(i.indkey::int2[], a.attnum)
"""

# A domain is followed to its base type, whose modifier it may set.
_SELECT_TYPES = """
WITH RECURSIVE resolved (id, base, modifier) AS (
    SELECT oid, oid, -1 FROM pg_type WHERE oid = ANY($1::bigint[]::oid[])
    UNION ALL
    SELECT id, typbasetype, typtypmod FROM resolved JOIN pg_type ON oid = base WHERE typtype = 'd'
)
SELECT id::bigint, base::bigint, modifier,
    CASE WHEN typsubscript = 'array_subscript_handler'::regproc THEN typelem ELSE 0 END::bigint
        AS element
FROM resolved JOIN pg_type ON oid = base WHERE typtype <> 'd'
"""


async def describe_table(
    table: CapturedTable, relation: RelationId, connection: asyncpg.Connection
) -> Relation:
    """The relation as a stream would announce it now, for reading it in a snapshot."""
    rows = await connection.fetch(_SELECT_COLUMNS, relation)
    return Relation(
        id=relation,
        schema=table.schema,
        name=table.name,
        columns=tuple(
            RelationColumn(name=row["name"], type_id=row["type_id"], type_modifier=row["modifier"])
            for row in rows
            if table.columns is None or row["name"] in table.columns
        ),
    )


async def fetch_shape(relation: Relation, connection: asyncpg.Connection) -> TableShape:
    """Resolve the column types and the primary key of a relation, as the catalogue has them now."""
    types = await _fetch_types({column.type_id for column in relation.columns}, connection)
    key = await connection.fetch(_SELECT_KEY, relation.id)
    return TableShape(
        schema=relation.schema,
        name=relation.name,
        key=tuple(row["name"] for row in key),
        columns=tuple((column.name, _codec(column, types)) for column in relation.columns),
    )


async def _fetch_types(type_ids: set[int], connection: asyncpg.Connection) -> dict[int, ColumnType]:
    rows: Sequence[asyncpg.Record] = await connection.fetch(_SELECT_TYPES, sorted(type_ids))
    return {
        row["id"]: ColumnType(base=row["base"], element=row["element"], modifier=row["modifier"])
        for row in rows
    }


def _codec(column: RelationColumn, types: dict[int, ColumnType]) -> ColumnCodec:
    """A type dropped since is written as text; the column's own modifier beats its domain's."""
    resolved = types.get(column.type_id, ColumnType(base=column.type_id, element=0, modifier=-1))
    modifier = resolved.modifier if column.type_modifier < 0 else column.type_modifier
    return codec_of(ColumnType(base=resolved.base, element=resolved.element, modifier=modifier))
