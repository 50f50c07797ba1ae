"""What a process remembers of the keys by which systems call a record."""

from __future__ import annotations

import asyncpg

from schema.canon import Client
from schema.ids import mint
from schema.system import System
from sync.connectors.refs import Ref
from sync.xref import Xref, find

CLIENT = mint("cli", "crm", "ACC-00001")
FILL = """
INSERT INTO xref (system, entity, external_id, record_id)
SELECT 'psa', 'client', 'key-' || n, 'cli_key-' || n FROM generate_series(1, 10000) AS n
"""
ROWS_READ = """
SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'xref'
"""


async def test_a_record_that_is_made_again_is_called_by_its_new_key_within_a_minute(
    pool: asyncpg.Pool,
) -> None:
    """No version tells of a second link; the first key used to be gone by until a restart."""
    seconds = [1000.0]
    xref = Xref(pool, lambda: seconds[0])
    for key, later, expected in (("K7", 0, "K7"), ("K9", 59, "K7"), ("K9", 1, "K9")):
        await Xref(pool).link([(Ref(Client, "psa", key), CLIENT)])
        seconds[0] += later
        assert await xref.external_ids(Client, System.PSA, [CLIENT]) == {CLIENT: expected}


async def test_a_few_keys_cost_a_few_rows_of_a_table_that_was_never_analysed(
    pool: asyncpg.Pool,
) -> None:
    """It is being filled for the first time, and the planner takes it for nearly empty."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(FILL)
        before = await connection.fetchval(ROWS_READ)
        keys = [Ref(Client, "psa", f"key-{n}") for n in (1, 5_000, 9_999)]
        links, _ = await find(connection, keys)
        assert links == {key: f"cli_{key.external_id}" for key in keys}
        assert await connection.fetchval(ROWS_READ) - before <= len(keys)
