"""A database that has applied one log refuses another; positions would mean something else."""

from __future__ import annotations

import asyncpg
import pytest

from hub.log import _identify
from schema.errors import Invalid


async def test_the_first_log_stays_the_log(pool: asyncpg.Pool) -> None:
    """Another cluster is another log, also when it was made to take the first one's place."""
    for _ in range(2):
        await _identify(pool, "kafka one")
    for other in ("kafka two", "postgres"):
        with pytest.raises(Invalid, match="kafka one"):
            await _identify(pool, other)


async def test_positions_from_before_there_was_a_choice_are_of_the_postgres_log(
    pool: asyncpg.Pool,
) -> None:
    """A database that was filled by an earlier version goes on, and refuses a Kafka."""
    await pool.execute("INSERT INTO consumer_offset VALUES ('intake', 'crm.public.accounts', 0, 7)")
    with pytest.raises(Invalid, match="postgres"):
        await _identify(pool, "kafka one")
    await _identify(pool, "postgres")
