"""Counting in the projection: how many records of a list there are, up to a bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import sqlalchemy as sa

from sync.policy import Filter
from sync.read.statements import alive, any_of, comparison, compiled, each_near, refers_to
from sync.store.projection_tables import table_for

_ONE: sa.Label[Any] = sa.literal_column("1").label("one")


class Tallies:
    """One query per call; nobody is counted beyond `most` and one."""

    def __init__(self, pool: asyncpg.Pool, most: int) -> None:
        self._pool = pool
        self._most = most

    async def of_list(self, entity: type, filters: Sequence[Filter]) -> int:
        """How many records of the type pass the filters."""
        passing = self._passing(entity, filters).subquery()
        sql, arguments = compiled(sa.select(sa.func.count()).select_from(passing))
        return int(await self._pool.fetchval(sql, *arguments))

    async def of_each(
        self, entity: type, key: str, nears: Sequence[str], filters: Sequence[Filter]
    ) -> Mapping[str, int]:
        """How many records refer to each near end, of which none stands twice, and pass."""
        near = each_near(nears)
        far = self._passing(entity, filters, refers_to(entity, key, near.c.id)).lateral("far")
        counted = sa.select(near.c.id, sa.func.count(far.c.one).label("count"))
        grouped = counted.select_from(near.outerjoin(far, sa.true())).group_by(near.c.id)
        sql, arguments = compiled(grouped)
        return {row["id"]: row["count"] for row in await self._pool.fetch(sql, *arguments)}

    async def passing(
        self, entity: type, ids: Sequence[str], filters: Sequence[Filter]
    ) -> frozenset[str]:
        """Those of the records that pass the filters."""
        columns = table_for(entity).c
        among = alive(entity, columns.id).where(columns.id == any_of(list(ids)))
        sql, arguments = compiled(among.where(*(comparison(entity, one) for one in filters)))
        return frozenset(row["id"] for row in await self._pool.fetch(sql, *arguments))

    def _passing(self, entity: type, filters: Sequence[Filter], *conditions: Any) -> sa.Select[Any]:
        passing = (comparison(entity, narrowed) for narrowed in filters)
        return alive(entity, _ONE).where(*conditions, *passing).limit(self._most + 1)
