"""A page of a projected list is one walk of an index, however long the list is."""

from __future__ import annotations

import asyncpg
import pytest

from schema.canon import ENTITIES
from schema.entity import anchor, entity_name
from sync.policy import Keyset
from sync.read.projected import page_statement


@pytest.mark.parametrize("is_backward", [False, True])
async def test_no_page_is_sorted(pool: asyncpg.Pool, is_backward: bool) -> None:
    keyset = Keyset(after="100", limit=100, is_backward=is_backward)
    async with pool.acquire() as connection:
        await connection.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        for entity in ENTITIES:
            sql, arguments = page_statement(entity, (), keyset)
            rows = await connection.fetch(f"EXPLAIN {sql}", *arguments)
            plan = "\n".join(row[0] for row in rows)
            key = f"{entity_name(entity)}_{anchor(entity).value}_key_order"
            assert key in plan, plan
            assert "Sort" not in plan, plan
