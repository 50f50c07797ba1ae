"""Hub: system of record for billing holds, billing events and frozen prices.

The one owner that is Concord itself: its records lie in Concord's own database and are reached by
SQL; for everything above it is a system like any other. Creates are idempotent by reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any, get_origin

import asyncpg

from schema.entities.billing_event import BillingEvent
from schema.entities.billing_hold import BillingHold
from schema.entity import FilterOp, bare_type
from schema.errors import Conflict, Invalid, NotFound, Rejected, Unavailable
from schema.lifecycles import LIFECYCLES
from schema.system import System
from sync.connectors.binding import Binding, Column, Row
from sync.connectors.codec import decode
from sync.connectors.hub_bindings import EVENT, EXPENSE_PRICE, HOLD, INVOICE_HOLDS, TIME_PRICE
from sync.connectors.ports import Condition, RowQuery, Rows
from sync.outage import OUTAGE, UNSTORABLE

_COMPARE = {
    FilterOp.IN: "{column} = ANY({value}::text[])",
    FilterOp.CONTAINS: "strpos(lower({column}), lower({value}::text)) > 0",
    FilterOp.FROM: "{column} >= {value}::text::date",
    FilterOp.TO: "{column} <= {value}::text::date",
}
_HOLDS_ANY = "{column} && {value}::text[]"
"""IN, of a column that holds a list."""
_SETS = {
    (BillingHold, "extend"): "status = 'extended', review_by = $3::text::date",
    (BillingHold, "release"): "status = 'released', released_by = $3, released_at = now()",
    (BillingEvent, "cancel"): "status = 'cancelled'",
    (BillingEvent, "write_off"): (
        "status = 'written_off', written_off_by = $3, write_off_reason = $4, written_off_at = now()"
    ),
    (BillingEvent, "reinstate"): (
        "status = 'ready', written_off_by = NULL, write_off_reason = NULL, written_off_at = NULL"
    ),
}
"""What each action changes, with what it takes from $3 on."""


class Hub:
    """Concord's own records in Concord's own database."""

    system = System.HUB
    bindings = (HOLD, EVENT, TIME_PRICE, EXPENSE_PRICE, INVOICE_HOLDS)

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def fetch(self, query: RowQuery) -> Rows:
        if query.binding is INVOICE_HOLDS:
            return await self._standing_holds(query)
        clauses, values = _clauses(query)
        where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        order = f"{query.binding.key} {'DESC' if query.descending else 'ASC'}"
        table = query.binding.table
        sql = f"SELECT * FROM {table} {where} ORDER BY {order} LIMIT {query.limit + 1}"
        with _translated():
            rows = await self._pool.fetch(sql, *values)
        kept = rows[: query.limit]
        return Rows(rows=tuple(map(_plain, kept)), has_more=len(rows) > query.limit)

    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        columns = ", ".join(row)
        sql = (
            f"INSERT INTO {binding.table} AS t ({columns})"
            f" SELECT {columns} FROM jsonb_populate_record(NULL::{binding.table}, $1)"
            " ON CONFLICT (hub_reference) DO UPDATE SET hub_reference = t.hub_reference"
            " RETURNING *"
        )
        with _translated():
            return _plain(await self._pool.fetchrow(sql, dict(row)))

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        columns = ", ".join(row)
        sql = (
            f"UPDATE {binding.table} SET ({columns}) = ROW("
            f"{', '.join(f'(told).{name}' for name in row)}),"
            " version = version + 1, updated_at = now()"
            f" FROM (SELECT jsonb_populate_record(NULL::{binding.table}, $2) AS told) AS given"
            f" WHERE {binding.key} = $1 AND coalesce($3::int, version) = version"
            f" RETURNING {binding.table}.*"
        )
        with _translated():
            updated = await self._pool.fetchrow(sql, key, dict(row), version)
            if updated is None:
                await self._require(binding, key)
                raise Conflict(
                    f"{key} has moved on from version {version}: read it again.",
                    system=self.system,
                )
        return _plain(updated)

    async def act(
        self, binding: Binding, key: str, action: str, arguments: Mapping[str, Any]
    ) -> Row:
        """Take one step of a hold or an event. Raises NotAllowed when its state has none such."""
        if (binding.entity, action) not in _SETS:
            raise Invalid(f"The hub cannot {action} a {binding.entity.__name__}.")
        steps = [t for t in LIFECYCLES[binding.entity].transitions if t.action == action]
        sources = [source.value for step in steps for source in step.sources]
        taken = [_cell(arguments[name]) for name in steps[0].takes]
        sql = (
            f"UPDATE {binding.table} SET {_SETS[binding.entity, action]},"
            " version = version + 1, updated_at = now()"
            f" WHERE {binding.key} = $1 AND status = ANY($2) RETURNING *"
        )
        with _translated():
            row = await self._pool.fetchrow(sql, key, sources, *taken)
            return _plain(row) if row else await self._refuse(binding, key, action)

    async def close(self) -> None:
        """The pool is the hub's, and is closed with it."""

    async def _standing_holds(self, query: RowQuery) -> Rows:
        """Of the invoices that are asked about; there is no list of them here."""
        asked = [key for condition in query.where for key in _operand(condition)]
        with _translated():
            rows = await self._pool.fetch("SELECT * FROM hub.standing_holds($1)", asked)
        return Rows(rows=tuple(map(_plain, rows)), has_more=False)

    async def _refuse(self, binding: Binding, key: str, action: str) -> Row:
        """Raises what keeps a row from the action, as it stands now."""
        row = await self._pool.fetchrow(f"SELECT * FROM {binding.table} WHERE id = $1", key)
        if row is None:
            raise _missing(binding, key)
        state = decode(binding, _plain(row), fields=frozenset({"status"}))["status"]
        LIFECYCLES[binding.entity].step(action, state)
        raise Conflict(f"{key} moved while it was acted on: ask again.", system=self.system)

    async def _require(self, binding: Binding, key: str) -> None:
        sql = f"SELECT EXISTS (SELECT FROM {binding.table} WHERE {binding.key} = $1)"
        if not await self._pool.fetchval(sql, key):
            raise _missing(binding, key)


def _clauses(query: RowQuery) -> tuple[list[str], list[Any]]:
    clauses: list[str] = []
    values: list[Any] = []
    for column, pattern, value in _conditions(query):
        values.append(value)
        clauses.append(pattern.format(column=column, value=f"${len(values)}"))
    return clauses, values


def _conditions(query: RowQuery) -> Iterator[tuple[str, str, Any]]:
    for condition in query.where:
        is_list = condition.column in _lists(query.binding)
        pattern = _HOLDS_ANY if is_list else _COMPARE[condition.op]
        yield condition.column, pattern, _operand(condition)
    if query.after is not None:
        yield query.binding.key, "{column} > {value}", query.after
    if query.before is not None:
        yield query.binding.key, "{column} < {value}", query.before


@cache
def _lists(binding: Binding) -> frozenset[str]:
    """The columns that hold lists of references."""
    return frozenset(
        place.name
        for name, place in binding.owns.items()
        if isinstance(place, Column) and get_origin(bare_type(binding.field(name).type)) is list
    )


def _operand(condition: Condition) -> Any:
    if condition.op is FilterOp.IN:
        return [str(part) for part in condition.value]
    return str(condition.value)


def _plain(row: asyncpg.Record) -> Row:
    """The row as an API would spell it: amounts and days as text."""
    return {name: _cell(cell) for name, cell in row.items()}


def _cell(cell: Any) -> Any:
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return cell.isoformat() if isinstance(cell, date) else cell


def _missing(binding: Binding, key: str) -> NotFound:
    return NotFound(f"The hub has no {binding.entity.__name__} {key}.", system=System.HUB)


@contextmanager
def _translated() -> Iterator[None]:
    """The database's refusals in the hub's words; an outage is Unavailable."""
    try:
        yield
    except OUTAGE as error:
        raise Unavailable("The hub's database does not answer.", system=System.HUB) from error
    except asyncpg.TransactionRollbackError as error:  # the victim of a deadlock
        raise Unavailable("Others write the same: send it again.", system=System.HUB) from error
    except asyncpg.IntegrityConstraintViolationError as error:
        raise Rejected(
            f"HUB: {error.message}.", system=System.HUB, owner_code=error.constraint_name
        ) from error
    except UNSTORABLE as error:
        raise Rejected(f"HUB: {error}.", system=System.HUB, owner_code="unstorable") from error
