"""The projection's tables, derived from the canon: one table per canonical type.

Beside its fields, a row carries for each owning system what is known of that owner's part: the
owner's key and version, how fresh it is, and the fence that keeps older changes out.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateSchema, CreateTable

from schema.canon import BY_ID_TYPE, ENTITIES
from schema.entity import Owned, bare_type, derived_fields, entity_name, owned_fields, owners
from schema.fx import FxRate
from schema.local_time import TimeZone
from schema.minutes import Minutes
from schema.money import Money
from schema.part import is_part
from schema.rate import Rate
from schema.system import System
from sync.store.projection_indexes import indexes_for
from sync.store.projection_triggers import triggers_for

SCHEMA = "projection"
KEY = sa.Text(collation="C")
AMOUNT = sa.Numeric(20, 6)
_FILL_PERCENT = 50
"""Room for a page's rows to change in place: an update that moves a row writes every index."""
_PLAIN: dict[Any, sa.types.TypeEngine[Any]] = {
    str: sa.Text(),
    int: sa.BigInteger(),
    bool: sa.Boolean(),
    date: sa.Date(),
    datetime: sa.DateTime(timezone=True),
    Decimal: sa.Numeric(24, 10),
    Minutes: sa.BigInteger(),
    TimeZone: sa.Text(),
}
_FX = sa.Numeric()
"""Ten significant digits, wherever they begin."""
_COLUMNS: dict[Any, dict[str, sa.types.TypeEngine[Any]]] = {
    Money: {"amount": AMOUNT, "currency": sa.Text()},
    Rate: {"amount": AMOUNT, "currency": sa.Text(), "per": sa.Text()},
    FxRate: {
        "rate": _FX,
        "base": sa.Text(),
        "quote": sa.Text(),
        "on": sa.Date(),
        "source": sa.Text(),
    },
}
"""The columns of a value that has several."""


@cache
def table_for(entity: type, schema: str = SCHEMA) -> sa.Table:
    """The projection table of a canonical type, or its twin in another schema."""
    return sa.Table(
        entity_name(entity),
        sa.MetaData(schema=schema),
        sa.Column("id", KEY, primary_key=True),
        *(c for field in owned_fields(entity).values() for c in _field_columns(field)),
        *(_derived_column(field.name, field.sources) for field in derived_fields(entity).values()),
        *(c for system in owners(entity) for c in (*fence_columns(system), extra_column(system))),
        *indexes_for(entity, entity_name(entity)),
        comment=f"{(entity.__doc__ or '').strip()} Derived from schema/entities.",
    )


def fence_columns(system: System) -> tuple[sa.Column[Any], ...]:
    """What is known of one owner's part of a row; see docs/adr on the fence."""
    s = system.value
    return (
        sa.Column(f"{s}_key", KEY),
        sa.Column(f"{s}_version", sa.BigInteger),
        sa.Column(f"{s}_as_of", sa.DateTime(timezone=True)),
        sa.Column(f"{s}_partition", sa.Integer),
        sa.Column(f"{s}_offset", sa.BigInteger),
        sa.Column(f"{s}_epoch", sa.Integer),
        sa.Column(f"{s}_lsn", sa.BigInteger),
        sa.Column(f"{s}_deleted_at", sa.DateTime(timezone=True)),
    )


def extra_column(system: System) -> sa.Column[Any]:
    """Cells of an owner's columns that no binding reads, as its envelopes spell them."""
    return sa.Column(f"{system.value}_extra", pg.JSONB)


def column_names(field: Owned) -> tuple[str, ...]:
    """The table columns of a field: two for Money, three for a Rate, five for FxRate, else one."""
    parts = _COLUMNS.get(bare_type(field.type))
    return tuple(f"{field.name}_{part}" for part in parts) if parts else (field.name,)


def has_parts(bare: Any) -> bool:
    """Whether a field holds a part or a list of them: such a field is one JSON column."""
    return is_part(get_args(bare)[0] if get_origin(bare) is list else bare)


def create_statements(entity: type, schema: str = SCHEMA) -> list[str]:
    """The DDL of a type's table, indexes and triggers, each runnable any number of times.

    A field added to the entity becomes an `ADD COLUMN IF NOT EXISTS`; nothing is ever dropped.
    """
    table = table_for(entity, schema)
    return [
        _sql(CreateTable(table, if_not_exists=True)),
        _leave_room(table),
        *(_add_column(table, column) for column in table.columns if not column.primary_key),
        *(
            _sql(CreateIndex(index, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda i: str(i.name))
        ),
        *triggers_for(entity, schema),
    ]


def projection_ddl() -> str:
    """The DDL of the whole projection as one text: the committed snapshot."""
    statements = [_sql(CreateSchema(SCHEMA, if_not_exists=True))]
    for entity in ENTITIES:
        table = table_for(entity)
        statements += [_sql(CreateTable(table)), _leave_room(table)]
        statements += [
            _sql(CreateIndex(i)) for i in sorted(table.indexes, key=lambda i: str(i.name))
        ]
        statements += triggers_for(entity, SCHEMA)
    return ";\n\n".join(statements) + ";\n"


def _field_columns(field: Owned) -> list[sa.Column[Any]]:
    bare = bare_type(field.type)
    if bare in _COLUMNS:
        kinds = _COLUMNS[bare].values()
        return [sa.Column(*pair) for pair in zip(column_names(field), kinds, strict=True)]
    return [sa.Column(field.name, _column_type(field, bare))]


def _column_type(field: Owned, bare: Any) -> sa.types.TypeEngine[Any]:
    if has_parts(bare):
        return pg.JSONB()
    if get_origin(bare) is list:
        return pg.ARRAY(_column_type(field, get_args(bare)[0]))
    if bare in BY_ID_TYPE:
        return KEY
    if isinstance(bare, type) and issubclass(bare, Enum):
        return sa.Text()
    if bare not in _PLAIN:
        raise TypeError(f"The projection has no column type for {field.name}: {bare}.")
    return _PLAIN[bare]


def _derived_column(name: str, sources: tuple[str, ...]) -> sa.Column[Any]:
    expression = f"coalesce({', '.join(sources)})"
    return sa.Column(name, sa.Text, sa.Computed(expression, persisted=True))


def _add_column(table: sa.Table, column: sa.Column[Any]) -> str:
    return f"ALTER TABLE {table.fullname} ADD COLUMN IF NOT EXISTS {_sql(CreateColumn(column))}"


def _leave_room(table: sa.Table) -> str:
    return f"ALTER TABLE {table.fullname} SET (fillfactor = {_FILL_PERCENT})"


def _sql(statement: Any) -> str:
    dialect = pg.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    return str(statement.compile(dialect=dialect)).strip().replace(" \n", "\n")
