"""What whoever runs the hub looks at and sets right, in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sync.dead_letters import DeadLetters
from sync.lag import Backlog, Lags
from sync.parked_topics import ParkedTopics


class Counts(Protocol):
    """A log that can tell what a group has not read."""

    async def backlog(self, group: str) -> Sequence[Backlog]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Lags, what waits in the log for `group`, dead letters and parked topics."""

    lags: Lags
    dead_letters: DeadLetters
    parked_topics: ParkedTopics
    log: Counts
    group: str

    async def backlog(self) -> Sequence[Backlog]:
        return await self.log.backlog(self.group)
