"""Finding records by what people know of them: number, code, name or e-mail address.

What equals the text or starts with it is found through an index; only what merely contains it
takes a walk over the searched columns, and only while there is room left on the page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from schema.canon import BY_NAME
from schema.entity import anchor, entity_name, owned_fields
from schema.errors import Invalid
from schema.listing import searched_fields
from sync.store.projection_tables import table_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a match stands among all of them, the best first.

    What equals the text has the rank 0, what starts with it 1, what contains it 2; of equally
    good texts the shortest is the best.
    """

    rank: int
    length: int
    lowered: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A record and the field it was found by; `as_of` is the age of that field's part."""

    entity: type
    field: str
    text: str
    place: Place
    as_of: datetime | None

    @property
    def id(self) -> str:
        return self.place.id


class Searched:
    """The searched columns of the projection; one query, or two when few records start so."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def select(
        self, text: str, entities: Sequence[type], limit: int, after: Place | None = None
    ) -> list[Match]:
        """At most `limit` records, each once, in the order of their places.

        Raises Invalid for a place that no answer of ours has.
        """
        if not entities:
            return []
        told = _escaped(text)
        found = await self._fetch(entities, told, f"{told}%", limit, after)
        if len(found) < limit:
            found = await self._fetch(entities, told, f"%{told}%", limit, after)
        return found

    async def _fetch(
        self, entities: Sequence[type], told: str, pattern: str, limit: int, after: Place | None
    ) -> list[Match]:
        start = (after.rank, after.length, after.lowered, after.id) if after else (None,) * 4
        try:
            rows = await self._pool.fetch(search_sql(entities), told, pattern, limit, *start)
        except asyncpg.DataError as error:  # the text comes checked, the place in a cursor
            raise Invalid(
                "The cursor is not one of this graph; pass it back as it was given."
            ) from error
        return [_match(row) for row in rows]


def search_sql(entities: Sequence[type]) -> str:
    """One branch per searched column.

    Of the text $1 and the pattern $2, at most $3 matches whose place is beyond $4 to $7.
    """
    branches = (b for entity in entities for b in _branches(entity, searched_fields(entity)))
    return (
        "SELECT * FROM (" + " UNION ALL ".join(branches) + ") found"
        " ORDER BY rank, length, lowered, id LIMIT $3"
    )


def _branches(entity: type, fields: Sequence[str]) -> Iterator[str]:
    """A record that matches by several fields is found by the best of them alone."""
    home = anchor(entity).value
    for at, field in enumerate(fields):
        owner = owned_fields(entity)[field].owner.value
        others = (
            f"AND (lower({other}) LIKE lower($2)"
            f" AND {_place(other)} {'<=' if fields.index(other) < at else '<'} {_place(field)})"
            " IS NOT TRUE"
            for other in fields
            if other != field
        )
        yield f"""(
  SELECT * FROM (
    SELECT '{entity_name(entity)}' AS entity, id, '{field}' AS field, {field} AS text,
      {owner}_as_of AS as_of, {_rank(field)} AS rank, length({field}) AS length,
      lower({field}) AS lowered
    FROM {table_for(entity).fullname}
    WHERE lower({field}) LIKE lower($2) AND {home}_as_of IS NOT NULL AND {home}_deleted_at IS NULL
      {" ".join(others)}
  ) matched
  WHERE $4::int IS NULL OR (rank, length, lowered, id) > ($4, $5::int, $6::text, $7::text)
  ORDER BY rank, length, lowered, id LIMIT $3
)"""


def _place(field: str) -> str:
    return f"({_rank(field)}, length({field}), lower({field}))"


def _rank(field: str) -> str:
    return (
        f"CASE WHEN lower({field}) LIKE lower($1) THEN 0"
        f" WHEN lower({field}) LIKE lower($1) || '%' THEN 1 ELSE 2 END"
    )


def _match(row: asyncpg.Record) -> Match:
    return Match(
        entity=BY_NAME[row["entity"]],
        field=row["field"],
        text=row["text"],
        place=Place(rank=row["rank"], length=row["length"], lowered=row["lowered"], id=row["id"]),
        as_of=row["as_of"],
    )


def _escaped(text: str) -> str:
    """The text as LIKE takes it literally."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
