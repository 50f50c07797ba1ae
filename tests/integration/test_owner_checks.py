"""A table that tells too little of what it deletes is named before anything is read from it."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest

from cdc.capture.owner_checks import owner_troubles
from sync.connectors import crm, tryton_erp_bindings
from sync.connectors.binding import Touch

ADDRESSES = "CREATE TABLE party_address (id int PRIMARY KEY, party int NOT NULL)"
TOUCHED = replace(
    tryton_erp_bindings.CLIENT, touches=(Touch(table="public.party_address", key="party"),)
)


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("DEFAULT", ["weak_identity"]),
        ("NOTHING", ["weak_identity"]),
        ("FULL", []),
        ("USING INDEX chosen", []),
    ],
)
async def test_a_deleted_row_must_tell_what_it_was_part_of(
    database: str, identity: str, expected: list[str]
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(ADDRESSES)
    await connection.execute("CREATE UNIQUE INDEX chosen ON party_address (party, id)")
    await connection.execute(f"ALTER TABLE party_address REPLICA IDENTITY {identity}")
    await connection.close()
    found = await owner_troubles("erp", database, [TOUCHED])
    assert [trouble.name for trouble in found] == expected


async def test_a_binding_s_key_is_the_primary_key(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE accounts (serial int PRIMARY KEY, id text UNIQUE)")
    await connection.close()
    [trouble] = await owner_troubles("crm", database, [crm.CLIENT])
    assert trouble.name == "unkeyed_rows"
    assert "id is not in the primary key" in trouble.text
