"""Every stand-in, polled: the projection is what its write-ahead log makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import pytest
from support.both_ways import Held, both_ways

from schema.system import System

_COPY = """
INSERT INTO {table} SELECT (jsonb_populate_record(one, jsonb_build_object(
    '{key}', $1::text, 'version', 1, 'updated_at', now()))).*
FROM {table} AS one ORDER BY {key} LIMIT 1
"""
_CHANGE = """
UPDATE {table} SET {column} = $1, version = version + 1, updated_at = now()
WHERE {key} = (SELECT min({key}) FROM {table})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A table of a system, two keys that are free in it, and a text that is changed.

    `beside` changes what only a sweep sees.
    """

    table: str
    key: str
    free: tuple[str, str]
    column: str
    beside: str = "SELECT"

    async def insert(self, owner: asyncpg.Pool) -> None:
        for key in self.free:
            await owner.execute(_COPY.format(table=self.table, key=self.key), key)

    async def change(self, owner: asyncpg.Pool) -> None:
        sql = _CHANGE.format(table=self.table, key=self.key, column=self.column)
        await owner.execute(sql, "Changed")

    async def delete(self, owner: asyncpg.Pool) -> None:
        sql = f"DELETE FROM {self.table} WHERE {self.key}::text = $1"
        await owner.execute(self.beside)
        await owner.execute(sql, self.free[0])


TOLD = {
    System.CRM: Told(
        table="accounts", key="id", free=("ACC-90001", "ACC-90002"), column="account_name"
    ),
    System.PSA: Told(table="time_entries", key="id", free=("900001", "900002"), column="memo"),
    System.HR: Told(
        table="employees", key="employee_number", free=("E9001", "E9002"), column="full_name"
    ),
    System.ERP: Told(
        table="projects",
        key="project_no",
        free=("P-90001", "P-90002"),
        column="description",
        beside="UPDATE periods SET is_open = NOT is_open",
    ),
    System.BILLING: Told(
        table="invoices", key="id", free=("in_900001", "in_900002"), column="description"
    ),
}
TOLD_AGAIN = {"erp.public.entities", "psa.public.receivables"}
"""What each sweep tells: what is read back, and copies of what no other system here knows."""


@pytest.mark.parametrize("system", TOLD)
async def test_what_is_polled_is_what_the_log_tells(
    create_database: Callable[[str | None], str],
    seeded_database: Callable[[str], str],
    hub_template: str,
    system: System,
) -> None:
    """From the first filling on: inserts and updates by the next turn, deletes by a sweep."""
    told = TOLD[system]
    hubs = [create_database(hub_template) for _ in range(2)]
    async with both_ways(system, seeded_database(system.value), *hubs) as ways:
        await ways.turn()
        first = await ways.come_to_the_same()
        assert all(records for name, records in first.items() if "copied" not in name)
        before = await ways.by_api.appended()
        await ways.sweep()
        after = await ways.by_api.appended()
        assert {topic for topic, count in after.items() if count != before[topic]} <= TOLD_AGAIN
        await told.insert(ways.owner.pool)
        await told.change(ways.owner.pool)
        await ways.turn()
        second = await ways.come_to_the_same()
        assert _count(second) > _count(first)
        await told.delete(ways.owner.pool)
        await ways.sweep()
        third = await ways.come_to_the_same()
        assert _count(third) < _count(second)
        entities = "legal_entity in entities"
        assert (third.get(entities) != second.get(entities)) == (system is System.ERP)


def _count(held: Held) -> int:
    return sum(map(len, held.values()))
