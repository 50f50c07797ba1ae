"""A client at a replica whose rows are captured, with what delivers to it and what compares it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import asyncpg
from support.envelopes import envelope, record, whole
from support.targets import CLIENT, Desk, FakeTarget, drained

from cdc.decode import Decoder
from cdc.log.port import LogRecord
from schema.canon import Client
from sync.clock import utc_now
from sync.connectors import psa
from sync.connectors.binding import Binding
from sync.intake import Claim, Intake
from sync.reconciliation import Reconciliation
from sync.xref import Xref

_NOTED = "SELECT edited_at IS NOT NULL FROM replica_state"
NO_PATIENCE = timedelta(0)


async def watched_client(pool: asyncpg.Pool) -> Watched:
    """The PSA holds the client as the CRM has it, and nothing is on its way."""
    watched = Watched(pool, psa.CLIENT)
    await watched.change(name="First")
    await watched.deliver()
    await watched.capture()
    return watched


class Watched:
    """One client at one replica whose rows are captured, with the worker and the comparison."""

    def __init__(self, pool: asyncpg.Pool, binding: Binding) -> None:
        self.target = FakeTarget(binding.system, binding)
        self.desk = Desk(pool, self.target)
        self.applied: dict[str, datetime] = {}
        """Of each owner that is captured, until when; nobody is, unless a test says so."""
        self._binding = binding
        self._topic = f"{binding.system.value}.{binding.table}"
        self._intake = Intake(pool, Xref(pool), {}, utc_now)
        self._decoder = Decoder([binding])

    @property
    def row(self) -> dict[str, Any]:
        return self.target.only(self._binding)

    async def change(self, **cells: Any) -> None:
        """The owner's word, as far as it has come."""
        await self.desk.client(**cells)
        await self.desk.owe(self.target.system, Client, CLIENT, *cells)

    async def deliver(self) -> None:
        await drained(self.desk.deliverer(), [self.target.system])

    async def capture(self) -> None:
        """The row as it is comes through the log."""
        await self._tell(whole(self._topic, self.row), self.row[self._binding.key], "r")

    async def lose(self, key: str) -> None:
        """The delete of a row comes through a partition of its own."""
        await self._tell(None, key, "d", partition=1)

    async def _tell(self, row: Any, key: str, op: str, partition: int = 0) -> None:
        named = {self._binding.key: key}
        value = envelope(self._topic, row, op=op, before=named, lsn=500 if op == "d" else None)

        def at(offset: int) -> LogRecord:
            return record(self._topic, named, value, offset=offset, partition=partition)

        lane = at(0).position.lane
        start = await self._intake.start_of(lane)
        claim = Claim(lane=lane, expected=start, next_offset=start + 1)
        await self._intake.apply(self._decoder.decode(at(start)), [claim])

    def edit(self, **cells: Any) -> None:
        """By somebody there."""
        self.row.update(cells)
        self.row["version"] += 1

    async def compare(self, patience: timedelta = NO_PATIENCE) -> int:
        async def applied_until() -> dict[str, datetime]:
            return self.applied

        pool = self.desk.pool
        return await Reconciliation(
            self.desk.targets, Xref(pool), pool, applied_until, patience=patience
        ).compare()

    async def is_noted(self) -> bool:
        return bool(await self.desk.pool.fetchval(_NOTED))
