"""A steady rate of updates, and how long each takes from its append to the commit."""

from __future__ import annotations

import statistics
import sys
from asyncio.subprocess import create_subprocess_exec
from collections.abc import Sequence
from datetime import datetime, timedelta

from bench.writer import EVENTS
from cdc.listener import Listener
from cdc.log.port import Consumes, LogRecord
from sync.clock import utc_now


class Watched:
    """A consumer, and when each record that it has handed out was appended."""

    def __init__(self, consumer: Consumes) -> None:
        self.appended: list[datetime] = []
        self._consumer = consumer
        self.assignment, self.close = consumer.assignment, consumer.close
        self.seek, self.pause, self.resume = consumer.seek, consumer.pause, consumer.resume
        self.commit = consumer.commit

    async def poll(self, limit: int, wait: timedelta) -> Sequence[LogRecord]:
        records = await self._consumer.poll(limit, wait)
        self.appended += [record.appended_at for record in records]
        return records


async def paced(
    listener: Listener, watched: Watched, log: str, address: str, keys: int
) -> dict[str, float]:
    """Milliseconds, of records that a process of its own appends."""
    arguments = "-m", "bench.writer", log, address, str(keys)
    writer = await create_subprocess_exec(sys.executable, *arguments)
    latencies: list[float] = []
    watched.appended.clear()
    while len(latencies) < EVENTS:
        applied = len(latencies)
        count = await listener.step()
        done = utc_now()
        these = watched.appended[applied : applied + count]
        latencies += [(done - at).total_seconds() * 1000 for at in these]
        if writer.returncode:
            raise RuntimeError("the writer has failed")
    await writer.wait()
    return {
        "commit_p50_ms": statistics.median(latencies),
        "commit_p99_ms": statistics.quantiles(latencies, n=100)[98],
    }
