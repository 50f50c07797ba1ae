"""Which known keys a page of a table should have shown, and how few are looked at to know it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from schema.entity import entity_name
from sync.connectors.psa import CLIENT
from sync.resnapshots import KeyRange
from sync.store.holdings import unmet_of

OF = CLIENT.system.value, entity_name(CLIENT.entity)
KEYS = ["0", "7", "98", "100", "105", "1000", "10000", "007", "abc", "abd"]
_LINK = """
INSERT INTO xref (system, entity, external_id, record_id)
SELECT $1, $2, key, 'R' || key FROM unnest($3::text[]) AS key
"""
_HOLD = """
INSERT INTO replica_state (system, entity, record_id, key, copies)
SELECT $1, $2, 'R' || key, key, '{}' FROM unnest($3::text[]) AS key
"""
_EXPLAIN = "EXPLAIN (ANALYZE, FORMAT JSON)"
LATER = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
async def known(pool: asyncpg.Pool) -> asyncpg.Pool:
    """A hub that knows copies by these keys."""
    await pool.execute(_LINK, *OF, KEYS)
    await pool.execute(_HOLD, *OF, KEYS)
    return pool


@pytest.mark.parametrize(
    ("low", "high", "unmet"),
    [
        ("98", "105", {"98", "100"}),
        ("100", "999", {"100"}),
        ("1000", "10000", {"1000", "10000"}),
        ("007", "100", {"007", "7", "98", "100"}),
        (None, "98", {"0", "007", "7", "98"}),
        ("0", "7", {"0", "007", "7"}),
        ("00", "0", {"0"}),
        ("105", None, {"1000", "10000"}),
        ("abc", "abc", {"abc"}),
        (None, None, {*KEYS} - {"105"}),
    ],
)
async def test_what_is_known_in_a_range_and_was_not_met(
    known: asyncpg.Pool, low: str | None, high: str | None, unmet: set[str]
) -> None:
    """Numbers are in the order of numbers; 105 was met."""
    assert await _unmet(known, KeyRange(low=low, high=high)) == unmet


async def test_what_is_learnt_after_the_page_is_not_missed(known: asyncpg.Pool) -> None:
    before = await known.fetchval("SELECT min(first_seen) FROM xref")
    async with known.acquire() as connection:
        assert await unmet_of(connection, [CLIENT], KeyRange(), [], before) == []


@pytest.mark.parametrize(
    ("form", "low"),
    [("{}", 200_500), ("{:07}", 500), ("{:07}", 950), ("D-{}", 200_500)],
    ids=["numbers", "behind zeros", "behind fewer zeros", "text"],
)
async def test_a_page_looks_at_its_own_keys_alone(known: asyncpg.Pool, form: str, low: int) -> None:
    """The bounds go into an index: a table is read in one pass, not in one for each page."""
    many = [form.format(n) for n in range(low - 400, low + 12_000)]
    await known.execute(_LINK, *OF, many)
    await known.execute(_HOLD, *OF, many)
    await known.execute("ANALYZE xref, replica_state")
    told: list[asyncpg.LoggedQuery] = []
    page = KeyRange(low=form.format(low), high=form.format(low + 49))
    async with known.acquire() as connection:
        with connection.query_logger(told.append):
            assert len(await unmet_of(connection, [CLIENT], page, [], LATER)) == 50
            await connection.fetchval("SELECT 'what was asked before is told'")
        [(plan,)] = await connection.fetch(f"{_EXPLAIN} {told[0].query}", *told[0].args)
    assert rows_read(plan[0]["Plan"]) < 500, plan


def rows_read(plan: dict[str, Any]) -> int:
    """How many rows the plan has looked at, those that it has thrown away included."""
    thrown = (
        plan.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Join Filter")
    )
    mine = (plan["Actual Rows"] + sum(thrown)) * plan["Actual Loops"]
    return int(mine) + sum(map(rows_read, plan.get("Plans", ())))


async def _unmet(pool: asyncpg.Pool, keys: KeyRange) -> set[str]:
    async with pool.acquire() as connection:
        return {*await unmet_of(connection, [CLIENT], keys, ["105"], LATER)}
