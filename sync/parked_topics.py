"""Topics that are not read, because their rows no longer hold what their binding reads.

Nothing of them is lost: their records stay in the log, and reading goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import structlog

from schema.errors import NotFound
from schema.position import Position, Topic
from sync.signed import Signed

log = structlog.get_logger(__name__)

_PARK = """
INSERT INTO parked_topic (topic, partition, "offset", reason) VALUES ($1, $2, $3, $4)
ON CONFLICT (topic) WHERE resumed_at IS NULL DO NOTHING
"""
_NOW = """
SELECT topic, partition, "offset", reason, parked_at FROM parked_topic
WHERE resumed_at IS NULL ORDER BY topic
"""
_RESUME = """
UPDATE parked_topic SET resumed_at = now(), resumed_by = $2, resumed_why = $3
WHERE topic = $1 AND resumed_at IS NULL RETURNING topic
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedTopic:
    """A topic that waits for somebody; `position` is the record that broke the contract."""

    position: Position
    reason: str
    parked_at: datetime


class ParkedTopics:
    """The topics of one hub that wait."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def park(self, position: Position, reason: str) -> None:
        """Stop reading a topic, at every listener; one that is parked stays as it was parked."""
        log.error("topic.parked", position=str(position), reason=reason)
        await self._pool.execute(_PARK, position.topic, position.partition, position.offset, reason)

    async def now(self) -> Sequence[ParkedTopic]:
        return [_parked(row) for row in await self._pool.fetch(_NOW)]

    async def resume(self, topic: str, signed: Signed) -> None:
        """Read a topic again. Raises NotFound for one that is not parked."""
        if await self._pool.fetchval(_RESUME, topic, signed.by, signed.why) is None:
            raise NotFound(f"{topic} is not parked.")
        log.info("topic.resumed", topic=topic, by=signed.by)


def _parked(row: asyncpg.Record) -> ParkedTopic:
    topic, partition, offset, reason, parked_at = row
    position = Position(topic=Topic(topic), partition=partition, offset=offset)
    return ParkedTopic(position=position, reason=reason, parked_at=parked_at)
