"""What became of records that are no longer there: who deleted them, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import strawberry

from resolvers.context import Info
from schema.canon import entity_of
from schema.entity import anchor
from schema.errors import Invalid
from schema.system import System

MOST_NODES = 100
"""How many records may be asked for by id at once."""


@strawberry.type(description="What is left of a record that its anchor has deleted.")
class Tombstone:
    id: strawberry.ID = strawberry.field(description="Canonical id; it is never used again.")
    type: str = strawberry.field(description="The type it was of.")
    deleted_at: datetime = strawberry.field(description="When the deletion was committed there.")
    deleted_in: System = strawberry.field(description="The system that deleted it.")


async def tombstones(info: Info, ids: Sequence[strawberry.ID]) -> list[Tombstone]:
    """Those of the records that were deleted, in the order asked; one look per type."""
    require_few(ids)
    asked: dict[type, list[str]] = defaultdict(list)
    for record_id in dict.fromkeys(ids):
        asked[entity_of(record_id)].append(record_id)
    reading = info.request.services.reading
    found = {entity: await reading.deleted(entity, some) for entity, some in asked.items()}
    return [
        Tombstone(
            id=strawberry.ID(record_id),
            type=entity.__name__,
            deleted_at=found[entity][record_id],
            deleted_in=anchor(entity),
        )
        for record_id in dict.fromkeys(ids)
        if record_id in found[entity := entity_of(record_id)]
    ]


def require_few(ids: Sequence[str]) -> None:
    if len(ids) > MOST_NODES:
        raise Invalid(f"At most {MOST_NODES} ids at once, not {len(ids)}.")
