"""Holds whose day has come: they stand on, and ask for a review."""

from __future__ import annotations

from datetime import date

import asyncpg

_CALL = """
UPDATE hub.billing_hold SET status = 'expired_to_review', version = version + 1, updated_at = now()
WHERE status IN ('placed', 'extended') AND review_by < $1
"""


async def call_for_review(pool: asyncpg.Pool, today: date) -> int:
    """Expire what should have been looked at before today; answers how many holds that were.

    It is a write of the hub like any other: captured, projected, copied and heard of.
    """
    status = await pool.execute(_CALL, today)
    return int(status.removeprefix("UPDATE "))
