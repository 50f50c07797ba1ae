"""Finding records by what people know of them: number, code, name or e-mail address.

What equals the text or starts with it is found through an index; only what merely contains it
takes a walk over the searched columns, and only while there is room left in the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from schema.canon import BY_NAME
from schema.entity import anchor, entity_name, owned_fields
from schema.listing import searched_fields
from sync.store.projection_tables import table_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A record and the field it was found by; `as_of` is the age of that field's part."""

    entity: type
    id: str
    field: str
    text: str
    as_of: datetime | None


class Searched:
    """The searched columns of the projection; one query, or two when few records start so."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def select(self, text: str, entities: Sequence[type], limit: int) -> list[Match]:
        """At most `limit` records, each once: equal first, then starting so, then containing it."""
        if not entities:
            return []
        told = _escaped(text)
        found = await self._fetch(entities, told, f"{told}%", limit)
        if len(found) < limit:
            found = await self._fetch(entities, told, f"%{told}%", limit)
        return found[:limit]

    async def _fetch(
        self, entities: Sequence[type], told: str, pattern: str, limit: int
    ) -> list[Match]:
        rows = await self._pool.fetch(_sql(entities), told, pattern, limit)
        found: dict[str, Match] = {}
        for row in rows:
            match = Match(
                entity=BY_NAME[row["entity"]],
                id=row["id"],
                field=row["field"],
                text=row["text"],
                as_of=row["as_of"],
            )
            found.setdefault(match.id, match)
        return list(found.values())


def _sql(entities: Sequence[type]) -> str:
    """One branch per searched column; the shortest of equally good texts is the best."""
    fields = {entity: searched_fields(entity) for entity in entities}
    branches = [_branch(entity, field) for entity, named in fields.items() for field in named]
    most = max(len(named) for named in fields.values())  # rows that a record may take
    return (
        "SELECT * FROM (" + " UNION ALL ".join(branches) + ") found"
        f" ORDER BY rank, length(text), lower(text), id LIMIT $3 * {most}"
    )


def _branch(entity: type, field: str) -> str:
    home, owner = anchor(entity).value, owned_fields(entity)[field].owner.value
    return f"""(
  SELECT '{entity_name(entity)}' AS entity, id, '{field}' AS field, {field} AS text,
    {owner}_as_of AS as_of,
    CASE WHEN lower({field}) LIKE lower($1) THEN 0
      WHEN lower({field}) LIKE lower($1) || '%' THEN 1 ELSE 2 END AS rank
  FROM {table_for(entity).fullname}
  WHERE lower({field}) LIKE lower($2) AND {home}_as_of IS NOT NULL AND {home}_deleted_at IS NULL
  ORDER BY rank, length({field}), lower({field}), id LIMIT $3
)"""


def _escaped(text: str) -> str:
    """The text as LIKE takes it literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
