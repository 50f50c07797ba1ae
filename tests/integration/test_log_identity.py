"""A database that has applied one log refuses another; and topics that are made before reading."""

from __future__ import annotations

import asyncpg
import pytest

from hub.log import _identify
from hub.registry import captured_tables
from hub.settings import Settings
from hub.stage import SYSTEMS
from hub.wiring import build_hub
from schema.errors import Invalid
from schema.system import System


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


async def test_the_topics_of_transactions_that_are_waited_for_are_made(
    pool: asyncpg.Pool, hub_database: str
) -> None:
    """All tables of such a system, and where its transactions end; nothing of the others."""
    reached = {name: {"url": "http://127.0.0.1:9", "key": "-"} for name in SYSTEMS}
    reached["crm"]["transactions"] = True
    settings = Settings.model_validate({"database_url": hub_database, **reached})
    async with build_hub(settings) as hub:
        for _ in range(2):
            await hub.log.make_topics()
        tables = captured_tables(hub.connectors.reads[System.CRM].bindings)
    made = await pool.fetch("SELECT topic, count(*) FROM log_partition GROUP BY topic")
    expected = dict.fromkeys((f"crm.{table}" for table in tables), settings.log_partitions)
    assert dict(map(tuple, made)) == expected | {"crm.transaction": 1}
