"""What a capture publishes: made before the slot, and refused when changes were lost since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import asyncpg
import structlog

from cdc.capture.pgoutput import RelationId
from cdc.capture.row_identity import RowIdentity, row_identities
from cdc.capture.slot import Slot
from cdc.capture.table_shape import CapturedTable
from schema.errors import Invalid

_log = structlog.get_logger()

_SELECT_PUBLICATION = """
SELECT pubinsert AND pubupdate AND pubdelete AND pubtruncate AND NOT puballtables
FROM pg_publication WHERE pubname = $1
"""

_SELECT_PUBLISHED = """
SELECT t.schemaname || '.' || t.tablename AS name,
    CASE WHEN r.prattrs IS NOT NULL THEN t.attnames::text[] END AS columns
FROM pg_publication_tables AS t
JOIN pg_publication AS p ON p.pubname = t.pubname
LEFT JOIN pg_publication_rel AS r
    ON r.prpubid = p.oid AND r.prrelid = format('%I.%I', t.schemaname, t.tablename)::regclass
WHERE t.pubname = $1
"""

_QUOTE = """
SELECT quote_ident(name) FROM unnest($1::text[]) WITH ORDINALITY AS t (name, n) ORDER BY n
"""

_Columns = frozenset[str] | None
"""The published columns of a table; None when it is published whole."""


async def check_tables(
    tables: Sequence[CapturedTable], connection: asyncpg.Connection
) -> dict[CapturedTable, RelationId]:
    """Find the tables, each with its primary key among the named columns.

    Raises `Invalid` for one whose updates or deletes could not be captured.
    """
    found = await row_identities(map(str, tables), connection)
    return dict(_check_table(table, found.get(str(table))) for table in tables)


def _check_table(
    table: CapturedTable, identity: RowIdentity | None
) -> tuple[CapturedTable, RelationId]:
    if identity is None or not identity.is_table:
        raise Invalid(f"there is no table {table} to capture: create it, or do not name it")
    if not identity.key:
        raise Invalid(f"{table} has no primary key, so its changes have no identity: add one")
    if not identity.key <= identity.told:
        raise Invalid(
            f"{table}: set its REPLICA IDENTITY to DEFAULT, FULL, or an index over the primary key"
        )
    if table.columns is not None:
        columns = tuple(dict.fromkeys([*sorted(identity.key), *table.columns]))
        _check_columns(table, columns, identity)
        table = replace(table, columns=columns)
    return table, identity.relation


def _check_columns(table: CapturedTable, columns: Sequence[str], identity: RowIdentity) -> None:
    """A publication that leaves out what a deleted row tells would stop the owner's own writes."""
    if unknown := sorted(set(columns) - identity.columns):
        raise Invalid(f"{table} has no column {', '.join(unknown)} to capture")
    if untaken := sorted(identity.told - set(columns)):
        raise Invalid(
            f"{table}: its REPLICA IDENTITY holds {', '.join(untaken)}, which is not captured: "
            "capture these too, or set it to DEFAULT"
        )


async def ensure_publication(
    publication: str,
    tables: Sequence[CapturedTable],
    slot: Slot,
    connection: asyncpg.Connection,
) -> None:
    """Publish exactly `tables` with their columns.

    Once there is a slot, a publication that holds more columns is narrowed; one that lacks
    something means changes that no reader will ever see: raises `Invalid`.
    """
    wanted = {
        str(table): None if table.columns is None else frozenset(table.columns) for table in tables
    }
    published = await _fetch_published(publication, connection)
    if published == wanted:
        return
    fault = _fault_of(publication, published, wanted)
    if not _is_enough(published, wanted) and await slot.exists():
        raise Invalid(f"{fault}, so changes since then are lost: {slot.start_over}")
    try:
        async with connection.transaction():
            await _publish(publication, tables, connection)
    except asyncpg.InsufficientPrivilegeError as refusal:
        raise Invalid(
            f"{fault}, and we may not create it ({refusal}): let the owner of the tables do it"
        ) from refusal
    _log.info("capture.published", publication=publication, tables=len(tables))


async def _fetch_published(
    publication: str, connection: asyncpg.Connection
) -> dict[str, _Columns] | None:
    """What the publication publishes: nothing we could use, if not every kind of change."""
    is_usable = await connection.fetchval(_SELECT_PUBLICATION, publication)
    if not is_usable:
        return None if is_usable is None else {}
    rows = await connection.fetch(_SELECT_PUBLISHED, publication)
    return {
        row["name"]: None if row["columns"] is None else frozenset(row["columns"]) for row in rows
    }


def _is_enough(published: Mapping[str, _Columns] | None, wanted: Mapping[str, _Columns]) -> bool:
    """Whether the tables are the wanted ones, none with fewer columns."""
    if published is None or published.keys() != wanted.keys():
        return False
    return all(_are_enough(published[name], columns) for name, columns in wanted.items())


def _are_enough(published: _Columns, wanted: _Columns) -> bool:
    return published is None or (wanted is not None and published >= wanted)


def _fault_of(
    publication: str, published: Mapping[str, _Columns] | None, wanted: Mapping[str, _Columns]
) -> str:
    if published is None:
        return f"the publication {publication} does not exist"
    if published.keys() != wanted.keys():
        return f"the publication {publication} is not for {', '.join(wanted)} alone"
    other = [name for name in wanted if published[name] != wanted[name]]
    return f"the publication {publication} has other columns of {', '.join(other)}"


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
