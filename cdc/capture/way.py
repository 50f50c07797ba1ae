"""By which way an owner is captured: each counts positions in its own terms."""

from __future__ import annotations

from typing import Literal

import asyncpg

from schema.errors import Invalid
from schema.system import System

Way = Literal["wal", "poll", "webhook"]

_ENTER = """
INSERT INTO capture_way AS known (system, way, epoch)
VALUES ($1, $2, coalesce((SELECT epoch FROM source_epoch WHERE system = $1), 1))
ON CONFLICT (system) DO UPDATE SET way = excluded.way, epoch = excluded.epoch
WHERE (known.way = 'wal') = (excluded.way = 'wal') OR excluded.epoch > known.epoch
RETURNING true
"""
_KNOWN = "SELECT way FROM capture_way WHERE system = $1"


async def enter(pool: asyncpg.Pool, system: System, way: Way) -> None:
    """Remember the way. Raises Invalid when it has changed and no new history was begun.

    Positions in a write-ahead log are larger than any version, so rows that come with a version
    would look older than all that was streamed, and change nothing.
    """
    if await pool.fetchval(_ENTER, system.value, way):
        return
    known = await pool.fetchval(_KNOWN, system.value)
    raise Invalid(
        f"{system.name} was captured by {known} and is set to {way}, which counts its changes in "
        "other terms. Let `concord listen` finish with the former setting until `concord status` "
        f"shows nothing that waits, then run `concord epoch bump --system {system.value}` and "
        "start again."
    )
