"""Loading many rows at once: indexes and references are made after them, in one pass each."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from hub.demo.storage import index_ddl, is_indexed
from hub.demo.tables import Column, Connection, Table


@asynccontextmanager
async def unindexed(connection: Connection, tables: Sequence[Table]) -> AsyncIterator[None]:
    """The tables without indexes and references while the block runs; for a transaction.

    Raises what Postgres says when the rows break a reference.
    """
    references = [(table, one) for table in tables for one in table.columns if one.references]
    indexed = [(table, one) for table in tables for one in table.columns if is_indexed(one)]
    drops = [f"DROP INDEX {table.name}_{one.name}" for table, one in indexed]
    drops += [f"ALTER TABLE {t.name} DROP CONSTRAINT {_fkey(t, one)}" for t, one in references]
    for statement in drops:
        await connection.execute(statement)
    yield
    makes = [index_ddl(table, one) for table, one in indexed]
    makes += [_reference_ddl(table, one) for table, one in references]
    for statement in makes:
        await connection.execute(statement)


def _fkey(table: Table, column: Column) -> str:
    """The name Postgres gives to it."""
    return f"{table.name}_{column.name}_fkey"


def _reference_ddl(table: Table, column: Column) -> str:
    return (
        f"ALTER TABLE {table.name} ADD CONSTRAINT {_fkey(table, column)}"
        f" FOREIGN KEY ({column.name}) REFERENCES {column.references}"
    )
