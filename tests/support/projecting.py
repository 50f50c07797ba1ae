"""Putting parts into the projection by hand, as the intake would."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg

from schema.system import System
from sync.store.projection_tables import table_for


async def project(
    pool: asyncpg.Pool,
    entity: type,
    record_id: str,
    system: System,
    key: str,
    *,
    as_of: datetime,
    version: int = 1,
    deleted_at: datetime | None = None,
    **cells: Any,
) -> None:
    """Insert or replace one system's part of a row; `cells` are columns of the table."""
    s = system.value
    row = {
        "id": record_id,
        f"{s}_key": key,
        f"{s}_version": version,
        f"{s}_as_of": as_of,
        f"{s}_deleted_at": deleted_at,
        **cells,
    }
    names, places = ", ".join(row), ", ".join(f"${n}" for n in range(1, len(row) + 1))
    updates = ", ".join(f"{name} = excluded.{name}" for name in row)
    await pool.execute(
        f"INSERT INTO {table_for(entity).fullname} ({names}) VALUES ({places})"
        f" ON CONFLICT (id) DO UPDATE SET {updates}",
        *row.values(),
    )
