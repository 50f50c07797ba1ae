"""A listener that applies until everything appended is applied, and what that took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.port import Consumes
from schema.system import System
from sync.clock import utc_now
from sync.connectors.billing_bindings import INVOICE
from sync.connectors.ports import Reads
from sync.intake import Intake
from sync.xref import Xref

BATCH = Pace().batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """How long it took, and how much CPU of this process; Postgres has its own."""

    events: int
    seconds: float
    cpu_seconds: float

    @property
    def per_s(self) -> float:
        return self.events / self.seconds

    @property
    def cpu_us(self) -> float:
        return self.cpu_seconds / self.events * 1e6


def listener_over(
    consumer: Consumes, pool: asyncpg.Pool, connectors: Mapping[System, Reads] | None = None
) -> Listener:
    """Of billing's invoices. With no connectors the policy alone says who is owed copies."""
    intake = Intake(pool, Xref(pool), connectors or {}, utc_now)
    pace = Pace(wait=timedelta(milliseconds=50))
    return Listener(consumer, Decoder([INVOICE]), intake, pace)


async def drain(listener: Listener, events: int) -> Drained:
    """Apply `events` records; the clock starts when the first batch has been applied.

    So joining a group and opening connections are not counted, and neither is the first batch.
    """
    applied = 0
    while applied == 0:
        applied = await listener.step()
    first, started, cpu = applied, time.monotonic(), time.process_time()
    while applied < events:
        applied += await listener.step()
    return Drained(
        events=applied - first,
        seconds=time.monotonic() - started,
        cpu_seconds=time.process_time() - cpu,
    )
