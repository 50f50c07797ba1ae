"""Migrations: numbered SQL for the ledgers, derived DDL for the projection."""

from __future__ import annotations

from importlib.resources import files

import asyncpg

from schema.canon import ENTITIES
from sync.store.projection_tables import SCHEMA, create_statements

_LOCK = 0x434F4E43  # "CONC": one migrator at a time
_DONE = """
CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, applied_at timestamptz DEFAULT now())
"""


async def migrate(pool: asyncpg.Pool, *others: str) -> list[str]:
    """Bring the database to this version and return the names of what was applied.

    Safe to run by several processes at once and any number of times. The projection's tables
    only ever grow: a new field is added, nothing is dropped. `others` is repeatable DDL of
    whoever else keeps tables in this database.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_DONE)
        applied = [name for name in _numbered() if await _apply(connection, name)]
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        for entity in ENTITIES:
            await connection.execute(";\n".join(create_statements(entity)))
        for statements in others:
            await connection.execute(statements)
    return applied


def _numbered() -> list[str]:
    folder = files("sync.store") / "migrations"
    return sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))


async def _apply(connection: asyncpg.Connection, name: str) -> bool:
    insert = "INSERT INTO migration (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING name"
    if await connection.fetchval(insert, name) is None:
        return False
    await connection.execute((files("sync.store") / "migrations" / name).read_text())
    return True
