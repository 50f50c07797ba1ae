"""What a capture publishes: made before the slot, and refused when changes were lost since."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import structlog

from cdc.capture.pgoutput import RelationId
from cdc.capture.slot import Slot
from cdc.capture.table_shape import CapturedTable
from schema.errors import Invalid

_log = structlog.get_logger()

_SELECT_TABLE = """
SELECT c.oid::bigint AS relation, c.relreplident AS identity,
    array(
        SELECT a.attname::text FROM pg_attribute AS a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ) AS columns,
    array(
        SELECT a.attname::text FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
        WHERE i.indrelid = c.oid AND i.indisprimary
    ) AS key
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind = 'r'
"""

_SELECT_PUBLICATION = """
SELECT p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate AND NOT p.puballtables
        AS is_usable,
    array(
        SELECT t.schemaname || '.' || t.tablename FROM pg_publication_tables AS t
        WHERE t.pubname = p.pubname
    ) AS tables
FROM pg_publication AS p WHERE p.pubname = $1
"""

_SELECT_PUBLISHED_COLUMNS = """
SELECT attnames::text[] FROM pg_publication_tables
WHERE pubname = $1 AND schemaname = $2 AND tablename = $3
"""

_QUOTE = """
SELECT quote_ident(name) FROM unnest($1::text[]) WITH ORDINALITY AS t (name, n) ORDER BY n
"""


async def check_tables(
    tables: Sequence[CapturedTable], connection: asyncpg.Connection
) -> dict[CapturedTable, RelationId]:
    """Find the tables; raises `Invalid` for one whose updates or deletes could not be captured."""
    return {table: await _check_table(table, connection) for table in tables}


async def _check_table(table: CapturedTable, connection: asyncpg.Connection) -> RelationId:
    row = await connection.fetchrow(_SELECT_TABLE, table.schema, table.name)
    if row is None:
        raise Invalid(f"there is no table {table} to capture: create it, or do not name it")
    if not row["key"]:
        raise Invalid(f"{table} has no primary key, so its changes have no identity: add one")
    if row["identity"] not in (b"d", b"f"):
        raise Invalid(f"{table}: set its REPLICA IDENTITY to DEFAULT or FULL")
    if table.columns is not None:
        _check_columns(table, table.columns, row)
    return RelationId(row["relation"])


def _check_columns(table: CapturedTable, columns: tuple[str, ...], found: asyncpg.Record) -> None:
    if unknown := sorted(set(columns) - set(found["columns"])):
        raise Invalid(f"{table} has no column {', '.join(unknown)} to capture")
    if missing := sorted(set(found["key"]) - set(columns)):
        raise Invalid(f"{table}: capture {', '.join(missing)} too, the primary key")
    if found["identity"] == b"f" and set(columns) != set(found["columns"]):
        raise Invalid(f"{table} has REPLICA IDENTITY FULL: capture all its columns, or set DEFAULT")


async def ensure_publication(
    publication: str,
    tables: Sequence[CapturedTable],
    slot: Slot,
    connection: asyncpg.Connection,
) -> None:
    """Publish exactly `tables`, before there is a slot.

    Afterwards a difference means changes that no reader will ever see: raises `Invalid`.
    """
    fault = await _fault_of(publication, tables, connection)
    if fault is None:
        return
    if await slot.exists():
        raise Invalid(f"{fault}, so changes since then are lost: {slot.start_over}")
    try:
        async with connection.transaction():
            await _publish(publication, tables, connection)
    except asyncpg.InsufficientPrivilegeError as refusal:
        raise Invalid(
            f"{fault}, and we may not create it ({refusal}): let the owner of the tables do it"
        ) from refusal
    _log.info("capture.published", publication=publication, tables=len(tables))


async def _fault_of(
    publication: str, tables: Sequence[CapturedTable], connection: asyncpg.Connection
) -> str | None:
    row = await connection.fetchrow(_SELECT_PUBLICATION, publication)
    if row is None:
        return f"the publication {publication} does not exist"
    if not row["is_usable"] or set(row["tables"]) != {str(table) for table in tables}:
        return f"the publication {publication} is not for {', '.join(map(str, tables))} alone"
    for table in tables:
        if table.columns is None:
            continue
        published = await connection.fetchval(
            _SELECT_PUBLISHED_COLUMNS, publication, table.schema, table.name
        )
        if set(published) != set(table.columns):
            return f"the publication {publication} has other columns of {table}"
    return None


async def _publish(
    publication: str, tables: Sequence[CapturedTable], connection: asyncpg.Connection
) -> None:
    [name] = await _quote([publication], connection)
    members = ", ".join([await _member(table, connection) for table in tables])
    await connection.execute(f"DROP PUBLICATION IF EXISTS {name}")
    await connection.execute(f"CREATE PUBLICATION {name} FOR TABLE {members}")


async def _member(table: CapturedTable, connection: asyncpg.Connection) -> str:
    schema, name, *columns = await _quote(
        [table.schema, table.name, *(table.columns or ())], connection
    )
    return f"{schema}.{name} ({', '.join(columns)})" if columns else f"{schema}.{name}"


async def _quote(names: list[str], connection: asyncpg.Connection) -> list[str]:
    return [row[0] for row in await connection.fetch(_QUOTE, names)]
