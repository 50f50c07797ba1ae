"""What whoever runs the hub looks at and sets right, in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sync.dead_letters import DeadLetters
from sync.lag import Backlog, Lags
from sync.parked_topics import ParkedTopics
from sync.resnapshots import Resnapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Lags, dead letters, parked topics and re-snapshots; `backlog` tells what waits in the log."""

    lags: Lags
    dead_letters: DeadLetters
    parked_topics: ParkedTopics
    resnapshots: Resnapshots
    backlog: Callable[[], Awaitable[Sequence[Backlog]]]
