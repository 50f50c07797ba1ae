"""A capture at a steady rate, in a process of its own: `python -m bench.writer LOG ADDRESS KEYS`.

LOG is `postgres` (its address a DSN) or `kafka` (its address a bootstrap server). It shares no
interpreter with the listener, as no capture of Debezium's does.
"""

from __future__ import annotations

import asyncio
import sys
import time

import asyncpg

from bench.events import events
from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from cdc.log.port import Appends
from cdc.log.postgres import PostgresLog

RATE = 1_000
SECONDS = 10
EVENTS = RATE * SECONDS
_TICKS_PER_S = 50
_PER_TICK = RATE // _TICKS_PER_S


async def write(kind: str, address: str, keys: int) -> None:
    if kind == "kafka":
        kafka = KafkaLog(KafkaAccess(bootstrap_servers=(address,)))
        await _append(kafka, keys)
        await kafka.close()
    else:
        async with asyncpg.create_pool(address) as pool:
            await _append(PostgresLog(pool), keys)


async def _append(log: Appends, keys: int) -> None:
    start = time.monotonic()
    for tick in range(SECONDS * _TICKS_PER_S):
        numbers = [(tick * _PER_TICK + n) % keys for n in range(_PER_TICK)]
        await log.append(list(events(numbers, "u", lsn=10 + tick)))
        await asyncio.sleep(max(0.0, start + (tick + 1) / _TICKS_PER_S - time.monotonic()))


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3])))
