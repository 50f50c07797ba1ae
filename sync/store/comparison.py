"""Two projections compared: by hashes of buckets first, then by the rows of those that differ.

Compared is what a reader can see: each living record's fields, and its owners' keys and versions.
Where in the log a row was told of, and what is left of deleted ones, may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import asyncpg

from schema.canon import ENTITIES
from schema.entity import entity_name, owners
from sync.store.projection_tables import SCHEMA, fence_columns, table_for

BUCKETS = 1024
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One record that is not the same: in which columns, if it is on both sides."""

    id: str
    is_here: bool
    is_there: bool
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How many living records a table has here and there, and how many of them differ.

    `examples` are the first of those.
    """

    table: str
    here: int
    there: int
    different: int
    examples: tuple[Difference, ...]


async def compare(connection: asyncpg.Connection, other: str) -> list[Compared]:
    """The live projection against the one in the schema `other`, table by table."""
    return [await _compare(connection, entity, other) for entity in ENTITIES]


async def _compare(connection: asyncpg.Connection, entity: type, other: str) -> Compared:
    here = await _buckets(connection, entity, SCHEMA)
    there = await _buckets(connection, entity, other)
    buckets = [b for b in here.keys() | there.keys() if here.get(b) != there.get(b)]
    different, examples = await _rows(connection, entity, other, buckets)
    return Compared(
        table=entity_name(entity),
        here=sum(count for count, _ in here.values()),
        there=sum(count for count, _ in there.values()),
        different=different,
        examples=examples,
    )


async def _buckets(
    connection: asyncpg.Connection, entity: type, schema: str
) -> Mapping[int, tuple[int, Any]]:
    """By bucket: how many records, and the sum of their hashes, in whatever order they lie."""
    rows = await connection.fetch(
        f"SELECT {_BUCKET} AS bucket, count(*) AS n, sum(hashtextextended(told::text, 0)) AS hash"
        f" FROM ({_visible(entity, schema)}) AS told GROUP BY 1"
    )
    return {row["bucket"]: (row["n"], row["hash"]) for row in rows}


async def _rows(
    connection: asyncpg.Connection, entity: type, other: str, buckets: list[int]
) -> tuple[int, tuple[Difference, ...]]:
    """How many records of these buckets differ, and the first of them."""
    if not buckets:
        return 0, ()
    sides = (
        f"SELECT id, to_jsonb(told) AS row FROM ({_visible(entity, schema)}) AS told"
        f" WHERE {_BUCKET} = ANY ($1)"
        for schema in (SCHEMA, other)
    )
    rows = await connection.fetch(
        "SELECT id, here.row AS here, there.row AS there, count(*) OVER () AS n"
        f" FROM ({next(sides)}) AS here FULL JOIN ({next(sides)}) AS there USING (id)"
        f" WHERE here.row IS DISTINCT FROM there.row ORDER BY id LIMIT {_SHOWN}",
        buckets,
    )
    found = [
        Difference(
            id=id_,
            is_here=here is not None,
            is_there=there is not None,
            columns=_differing(here or {}, there or {}),
        )
        for id_, here, there, _ in rows
    ]
    return (rows[0]["n"] if rows else 0), tuple(found)


def _differing(here: Mapping[str, Any], there: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name in here if name in there and here[name] != there[name])


_BUCKET = f"(hashtextextended(id, 0) & {BUCKETS - 1})::int"


@cache
def _visible(entity: type, schema: str) -> str:
    """The living records of a table, without what tells of the log."""
    table = table_for(entity, schema)
    hidden = {c.name for system in owners(entity) for c in fence_columns(system)}
    columns = [c.name for c in table.columns if c.name not in hidden and c.computed is None]
    alive = {s.value: f"{s.value}_deleted_at IS NULL" for s in owners(entity)}
    parts = [
        f"CASE WHEN {is_alive} THEN {s}_{name} END AS {s}_{name}"
        for s, is_alive in alive.items()
        for name in ("key", "version")
    ]
    living = " OR ".join(f"{s}_key IS NOT NULL AND {is_alive}" for s, is_alive in alive.items())
    return f"SELECT {', '.join([*columns, *parts])} FROM {table.fullname} WHERE {living}"
