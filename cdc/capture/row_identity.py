"""How a table's rows are told apart: its primary key, and what a deleted row still tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from cdc.capture.pgoutput import RelationId

_SELECT = """
SELECT n.nspname || '.' || c.relname AS name, c.oid::bigint AS relation,
    c.relreplident::text AS identity, c.relkind = 'r' AS is_table,
    array(
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ) AS columns,
    array(
        SELECT a.attname::text FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary
    ) AS key,
    array(
        SELECT a.attname::text FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
        WHERE i.indrelid = c.oid AND i.indisreplident
    ) AS chosen
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY($1)
ORDER BY 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowIdentity:
    """A relation as the catalogue has it. `told` are the columns that a deleted row tells."""

    is_table: bool
    relation: RelationId
    columns: frozenset[str]
    key: frozenset[str]
    told: frozenset[str]


async def row_identities(
    names: Iterable[str], connection: asyncpg.Connection
) -> dict[str, RowIdentity]:
    """Those of the relations that exist, by their names with schema, in the order of these."""
    rows = await connection.fetch(_SELECT, list(names))
    return {row["name"]: _identity(row) for row in rows}


def _identity(row: asyncpg.Record) -> RowIdentity:
    told = {"d": row["key"], "f": row["columns"], "i": row["chosen"]}
    return RowIdentity(
        is_table=row["is_table"],
        relation=RelationId(row["relation"]),
        columns=frozenset(row["columns"]),
        key=frozenset(row["key"]),
        told=frozenset(told.get(row["identity"], ())),
    )
