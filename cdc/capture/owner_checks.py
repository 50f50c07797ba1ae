"""What an owner's database does not tell of the rows it deletes, though a binding needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

import asyncpg

from cdc.checks import Trouble
from cdc.log.outage import outage_of
from sync.connectors.binding import Binding

_IDENTITIES = """
SELECT n.nspname || '.' || c.relname AS name, c.relreplident::text AS identity,
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


async def owner_troubles(system: str, dsn: str, bindings: Iterable[Binding]) -> list[Trouble]:
    """What is wrong with the captured tables. Raises Unavailable while the owner is down."""
    known = tuple(bindings)
    keys, touched = _keys(known), _touched(known)
    with outage_of(f"the database of {system}"):
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            found = await connection.fetch(_IDENTITIES, sorted({*keys, *touched}))
        finally:
            await connection.close()
    return [trouble for row in found for trouble in _of_table(system, row, keys, touched)]


def _of_table(
    system: str, row: asyncpg.Record, keys: Mapping[str, Set[str]], touched: Mapping[str, Set[str]]
) -> Iterator[Trouble]:
    name, key = row["name"], set(row["key"])
    if unkeyed := sorted(keys.get(name, set()) - key):
        yield Trouble(
            name="unkeyed_rows",
            text=f"{system}.{name}: {', '.join(unkeyed)} is not in the primary key, so its changes "
            "are keyed by something else and cannot be applied: make it the primary key, or set "
            "message.key.columns of its connector",
        )
    told = _told(row)
    if told is not None and (untold := sorted(touched.get(name, set()) - told)):
        yield Trouble(
            name="weak_identity",
            text=f"{system}.{name}: a deleted row does not tell its {', '.join(untold)}, so the "
            "record it was part of is not read back: make a unique index over its primary key and "
            "these, and set REPLICA IDENTITY USING INDEX",
        )


def _told(row: asyncpg.Record) -> Set[str] | None:
    """The columns that a deleted row tells; None for all."""
    by_identity = {"f": None, "d": set(row["key"]), "i": set(row["chosen"])}
    return by_identity.get(row["identity"], set())


def _keys(bindings: Iterable[Binding]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for binding in bindings:
        if binding.table is not None:
            found.setdefault(binding.table, set()).add(binding.key)
    return found


def _touched(bindings: Iterable[Binding]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for touch in (touch for binding in bindings for touch in binding.touches):
        found.setdefault(touch.table, set()).add(touch.key)
    return found
