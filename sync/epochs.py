"""Source epochs: which of an owner's histories a position is of."""

from __future__ import annotations

import asyncpg
import structlog

from schema.system import System
from sync.signed import Signed

log = structlog.get_logger(__name__)

_BUMP = """
INSERT INTO source_epoch AS known (system, epoch, bumped_at, bumped_by, bumped_why)
VALUES ($1, 2, now(), $2, $3)
ON CONFLICT (system) DO UPDATE SET epoch = known.epoch + 1, bumped_at = excluded.bumped_at,
    bumped_by = excluded.bumped_by, bumped_why = excluded.bumped_why
RETURNING epoch
"""


async def bump_epoch(pool: asyncpg.Pool, system: System, signed: Signed) -> int:
    """Begin a new history of an owner, after a failover, a restore or a new slot; answers it.

    Positions of the new history may start lower than the old one's: from now on they are newer.
    """
    epoch: int = await pool.fetchval(_BUMP, system.value, signed.by, signed.why)
    log.warning("epoch.bumped", system=system.name, epoch=epoch, by=signed.by, why=signed.why)
    return epoch
