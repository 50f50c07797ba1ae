"""Statements over the projection: what every query of it is put together from."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from schema.entity import FilterOp, anchor
from sync.policy import Filter
from sync.store.projection_tables import table_for

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]
_TEXT = sa.Text()


def alive(entity: type, *columns: Any) -> sa.Select[Any]:
    """The columns of the rows whose anchor has said that they exist."""
    known, home = table_for(entity).c, anchor(entity).value
    return sa.select(*columns).where(
        known[f"{home}_as_of"].is_not(None), known[f"{home}_deleted_at"].is_(None)
    )


def comparison(entity: type, narrowed: Filter) -> Any:
    """The filter as a condition on the type's table."""
    column = table_for(entity).c[narrowed.field]
    match narrowed.op:
        case FilterOp.IN:
            return column == any_of([_cell(value) for value in narrowed.value], column.type)
        case FilterOp.CONTAINS:
            return sa.func.strpos(sa.func.lower(column), sa.func.lower(narrowed.value)) > 0
        case FilterOp.FROM:
            return column >= narrowed.value
        case FilterOp.TO:
            return column <= narrowed.value


def each_near(nears: Sequence[str]) -> Any:
    """The ids as a table, in their order."""
    asked = sa.func.unnest(sa.bindparam(None, list(nears), type_=pg.ARRAY(_TEXT)))
    return asked.table_valued("id", with_ordinality="place", name="near").render_derived()


def refers_to(entity: type, key: str, near: Any) -> Any:
    """Whether the reference field holds the id, or has it among others where it is a list."""
    column = table_for(entity).c[key]
    is_list = isinstance(column.type, pg.ARRAY)
    return column.op("@>")(pg.array([near])) if is_list else column == near


def holds_any(entity: type, key: str) -> Any:
    """Whether the reference field holds one of the ids, or any of them where it is a list."""
    column = table_for(entity).c[key]
    if isinstance(column.type, pg.ARRAY):
        return column.op("&&")(sa.bindparam(None, (), type_=pg.ARRAY(_TEXT)))
    return column == any_of()


def any_of(values: Sequence[Any] = (), kind: sa.types.TypeEngine[Any] = _TEXT) -> Any:
    plain = _TEXT if isinstance(kind, sa.Text) else kind  # without its collation
    return sa.any_(sa.bindparam(None, values, type_=pg.ARRAY(plain)))


def compiled(statement: sa.Select[Any]) -> tuple[str, list[Any]]:
    """The statement as asyncpg takes it: SQL and its arguments."""
    made = statement.compile(dialect=_DIALECT)
    return str(made), [made.params[name] for name in made.positiontup or ()]


def _cell(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
