"""What whoever runs the hub looks at and sets right, in one place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sync.dead_deliveries import DeadDeliveries
from sync.dead_letters import DeadLetters
from sync.extra import ExtraColumns
from sync.lag import Backlog, Lags
from sync.parked_topics import ParkedTopics
from sync.resnapshots import Resnapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """Lags, and what needs somebody; `backlog` is what waits in the log."""

    lags: Lags
    dead_letters: DeadLetters
    dead_deliveries: DeadDeliveries
    parked_topics: ParkedTopics
    extra_columns: ExtraColumns
    resnapshots: Resnapshots
    backlog: Callable[[], Awaitable[Sequence[Backlog]]]
