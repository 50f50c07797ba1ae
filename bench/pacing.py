"""A steady rate of updates, and how long each takes from its append to the commit."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

from bench.events import events
from cdc.listener import Listener
from cdc.log.port import Appends

RATE = 1_000
SECONDS = 8
_TICKS_PER_S = 50
_PER_TICK = RATE // _TICKS_PER_S
_TICKS = SECONDS * _TICKS_PER_S


async def paced(log: Appends, listener: Listener, keys: int) -> dict[str, float]:
    """Milliseconds; the clock of an event starts when it is handed to the log."""
    appended: list[float] = []
    latencies: list[float] = []
    writer = asyncio.create_task(_append(log, keys, appended))
    while len(latencies) < _TICKS * _PER_TICK:
        applied = len(latencies)
        count = await listener.step()
        done = time.monotonic()
        latencies += [done - at for at in appended[applied : applied + count]]
    await writer
    return {
        "commit_p50_ms": statistics.median(latencies) * 1000,
        "commit_p99_ms": statistics.quantiles(latencies, n=100)[98] * 1000,
    }


async def _append(log: Appends, keys: int, appended: list[float]) -> None:
    start = time.monotonic()
    for tick in range(_TICKS):
        numbers: Sequence[int] = [(tick * _PER_TICK + n) % keys for n in range(_PER_TICK)]
        appended.extend([time.monotonic()] * _PER_TICK)
        await log.append(list(events(numbers, "u", lsn=10 + tick)))
        await asyncio.sleep(max(0.0, start + (tick + 1) / _TICKS_PER_S - time.monotonic()))
