"""Which sources' transactions a listener can apply as wholes, and the gate they pass.

Only of a source whose partitions this member reads all of, those with the ends of transactions
among them: what another member reads, it cannot wait for. Everything else passes as it comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog

from cdc.capture.transaction import transaction_topic
from cdc.transactions import Gate, Limits, Told, Torn
from schema.position import LogPartition

log = structlog.get_logger(__name__)

Lanes = Callable[[], Awaitable[Collection[LogPartition]]]
"""All partitions there are, whoever reads them."""

Report = Callable[[str, str], Awaitable[None]]
"""Told of each torn transaction: its system, and why."""


class Wholes:
    """The transactions of `systems`, for one listener."""

    def __init__(
        self, systems: Collection[str], lanes: Lanes, report: Report, limits: Limits | None = None
    ) -> None:
        self._systems = frozenset(systems)
        self._lanes = lanes
        self._report = report
        self._gate = Gate(limits)
        self._mine: frozenset[LogPartition] = frozenset()
        self._whole: frozenset[str] = frozenset()

    def has(self, lane: LogPartition) -> bool:
        """Whether transactions of the partition's source are waited for now."""
        return _system(lane) in self._whole

    async def follow(self, mine: Collection[LogPartition]) -> None:
        """Look at what this member reads now. Raises Unavailable when the log does not say."""
        if self._mine == mine:
            return
        told = [lane for lane in await self._lanes() if _system(lane) in self._systems]
        shared = {_system(lane) for lane in told if lane not in mine}
        ended = {_system(lane) for lane in mine if lane.topic == transaction_topic(_system(lane))}
        whole = (self._systems & ended) - shared
        for system in sorted(self._whole - whole):
            log.warning("transactions.shared", system=system)
        self._mine, self._whole = frozenset(mine), whole
        self._gate.keep(self._mine)
        self._gate.open_up(self._systems - whole)

    async def admit(self, told: Sequence[Told]) -> list[Told]:
        """What may be applied of these, and of what was held before them."""
        admitted = self._gate.take(told)
        tearings, self._gate.tearings = self._gate.tearings, []
        if any(why is Torn.LATE for _, why in tearings):
            self._mine = frozenset()  # perhaps others read new partitions: look again
        for system, why in tearings:
            await self._report(system, why.value)
        return admitted

    def clear(self) -> None:
        """Forget what is held: it is read again."""
        self._gate.clear()


def _system(lane: LogPartition) -> str:
    return lane.topic.partition(".")[0]
