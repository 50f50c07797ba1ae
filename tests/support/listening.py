"""A listener as a process of its own: `python -m support.listening DSN [SECONDS]`.

It applies what the tables of `support.captured` had appended, in small batches, so that whenever
it is killed it is likely to be in the middle of one. SECONDS is how long the server bears with
a session of a process that hangs, in the place of the minute it has otherwise.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from support.captured import BINDINGS

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.postgres_consumer import PostgresConsumer
from hub.telemetry import configure_logs
from sync.clock import utc_now
from sync.intake import Intake
from sync.store.pool import connect
from sync.xref import Xref

PACE = Pace(batch=200, wait=timedelta(milliseconds=200), backoff=timedelta(milliseconds=100))
PREFIXES = ("crm.", "erp.", "billing.")


async def listen(dsn: str) -> None:
    """Apply until killed."""
    async with await connect(dsn, size=4) as pool:
        consumer = PostgresConsumer(dsn=dsn, group="intake", prefixes=PREFIXES)
        intake = Intake(pool, Xref(pool), {}, utc_now)
        await Listener(consumer, Decoder(BINDINGS), intake, PACE).run()


if __name__ == "__main__":
    configure_logs()
    asyncio.run(listen(*sys.argv[1:]))
