"""The SQL of a stand-in: its tables, and reading and writing one row or one page of them."""

from collections.abc import Mapping

import asyncpg
import orjson

from hub.demo.query import ListQuery
from hub.demo.refusals import Reason, Refusal
from hub.demo.tables import STAMPS, Column, Connection, Operator, Row, Table

CONDITION = {
    Operator.IN: "{} = ANY({})",
    Operator.CONTAINS: "strpos(lower({}), lower({})) > 0",
    Operator.ABOVE: "{} > {}",
    Operator.BELOW: "{} < {}",
    Operator.AT_LEAST: "{} >= {}",
    Operator.AT_MOST: "{} <= {}",
    Operator.HAS_ANY: "{} && {}",
}


def table_ddl(table: Table) -> list[str]:
    """The statements that make the table and its indexes; each is a no-op when it exists."""
    stored = [one for one in (*table.columns, *STAMPS) if one.composed_by is None]
    columns = ", ".join([_key_ddl(table), *map(_column_ddl, stored)])
    statements = [f"CREATE TABLE IF NOT EXISTS {table.name} ({columns})"]
    if table.prefix:
        start = f"START {table.first}"
        statements.append(f"CREATE SEQUENCE IF NOT EXISTS {table.name}_serial {start}")
    return statements + [index_ddl(table, one) for one in table.columns if is_indexed(one)]


async def speak_json(connection: Connection) -> None:
    """Let json columns hold Python values, also in COPY; for every connection to a stand-in."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda raw: orjson.loads(raw[1:]),
        format="binary",
    )


async def select_page(connection: Connection, table: Table, query: ListQuery) -> list[Row]:
    """At most `limit + 1` rows: the last one only tells that there are more."""
    conditions = [
        CONDITION[one.operator].format(one.column.name, f"${place}")
        for place, one in enumerate(query.filters, start=1)
    ]
    operands = [one.operand for one in query.filters]
    order = f"{table.key.name} {'DESC' if query.is_descending else 'ASC'}"
    if query.changed is not None:
        order = f"updated_at, {table.key.name}"
        conditions.append(f"updated_at >= ${len(operands) + 1}")
        operands.append(query.changed.since)
        if query.changed.after is not None:
            first = len(operands) + 1
            conditions.append(f"(updated_at, {table.key.name}) > (${first}, ${first + 1})")
            operands += query.changed.after
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    shown = f"SELECT {_shown(table)} FROM {table.name}"
    statement = f"{shown} {where} ORDER BY {order} LIMIT {query.limit + 1}"
    rows: list[Row] = await connection.fetch(statement, *operands)
    return rows


async def select_row(
    connection: Connection, table: Table, key: object, *, is_locked: bool = False
) -> Row:
    lock = "FOR UPDATE" if is_locked else ""
    statement = f"SELECT {_shown(table)} FROM {table.name} WHERE {table.key.name} = $1 {lock}"
    row: Row | None = await connection.fetchrow(statement, key)
    if row is None:
        raise not_found(table, key)
    return row


async def insert_row(connection: Connection, table: Table, values: Mapping[str, object]) -> Row:
    if table.new_key is not None:
        values = {table.key.name: await table.new_key(connection, values), **values}
    elif table.prefix:
        number = await connection.fetchval(f"SELECT nextval('{table.name}_serial')")
        values = {table.key.name: f"{table.prefix}{number:0{table.digits}d}", **values}
    names = ", ".join(values)
    places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
    statement = f"INSERT INTO {table.name} ({names}) VALUES ({places})"
    return await _written(connection, table, statement, *values.values())


async def update_row(
    connection: Connection, table: Table, key: object, values: Mapping[str, object]
) -> Row:
    """Raises the version by one, also when the values are what they were."""
    changes = [f"{name} = ${place}" for place, name in enumerate(values, start=2)]
    changes += ["version = version + 1", "updated_at = now()"]
    statement = f"UPDATE {table.name} SET {', '.join(changes)} WHERE {table.key.name} = $1"
    return await _written(connection, table, statement, key, *values.values())


def not_found(table: Table, key: object) -> Refusal:
    return Refusal(Reason.NOT_FOUND, f"There is no {key} in {table.path}.")


async def _written(connection: Connection, table: Table, statement: str, *values: object) -> Row:
    try:
        row: Row = await connection.fetchrow(f"{statement} RETURNING {_shown(table)}", *values)
    except asyncpg.ForeignKeyViolationError as error:
        raise Refusal(Reason.INVALID, str(error.detail)) from error
    return row


def _shown(table: Table) -> str:
    """What a row shows: what is stored, and what is put together out of other tables."""
    composed = [f"({c.composed_by}) AS {c.name}" for c in table.columns if c.composed_by]
    return ", ".join([f"{table.name}.*", *composed])


def _key_ddl(table: Table) -> str:
    kind = "bigserial" if table.key.kind.sql == "bigint" else table.key.kind.sql
    return f"{table.key.name} {kind} PRIMARY KEY"


def _column_ddl(column: Column) -> str:
    parts = [column.name, column.kind.sql]
    if not column.is_nullable:
        parts.append("NOT NULL")
    if column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if column.references is not None:
        parts.append(f"REFERENCES {column.references}")
    return " ".join(parts)


def is_indexed(column: Column) -> bool:
    return bool({Operator.IN, Operator.HAS_ANY} & column.filters)


def index_ddl(table: Table, column: Column) -> str:
    method = "gin" if column.kind.element else "btree"
    name = f"{table.name}_{column.name}"
    return f"CREATE INDEX IF NOT EXISTS {name} ON {table.name} USING {method} ({column.name})"
