"""What an owner's database does not tell of the rows it deletes, though a binding needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set

import asyncpg

from cdc.capture.row_identity import RowIdentity, row_identities
from cdc.checks import Trouble
from cdc.log.outage import outage_of
from sync.connectors.binding import Binding


async def owner_troubles(system: str, dsn: str, bindings: Iterable[Binding]) -> list[Trouble]:
    """What is wrong with the captured tables. Raises Unavailable while the owner is down."""
    known = tuple(bindings)
    keys, touched = _keys(known), _touched(known)
    with outage_of(f"the database of {system}"):
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            found = await row_identities({*keys, *touched}, connection)
        finally:
            await connection.close()
    return [
        trouble
        for table, identity in found.items()
        for trouble in _of_table(
            f"{system}.{table}", identity, keys.get(table, set()), touched.get(table, set())
        )
    ]


def _of_table(
    table: str, identity: RowIdentity, keys: Set[str], touched: Set[str]
) -> Iterator[Trouble]:
    if unkeyed := sorted(keys - identity.key):
        yield Trouble(
            name="unkeyed_rows",
            text=f"{table}: {', '.join(unkeyed)} is not in the primary key, so its changes "
            "are keyed by something else and cannot be applied: make it the primary key, or set "
            "message.key.columns of its connector",
        )
    if untold := sorted(touched - identity.told):
        yield Trouble(
            name="weak_identity",
            text=f"{table}: a deleted row does not tell its {', '.join(untold)}, so the "
            "record it was part of is not read back: make a unique index over its primary key and "
            "these, and set REPLICA IDENTITY USING INDEX",
        )


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
