"""A listener as a process of its own.

It applies what the tables of `support.captured` had appended, in small batches, so that whenever
it is killed it is likely to be in the middle of one.
"""

from __future__ import annotations

from datetime import timedelta

from support.captured import BINDINGS

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log import postgres_consumer
from cdc.log.postgres_consumer import PostgresConsumer
from sync.clock import utc_now
from sync.intake import Intake
from sync.store import pool as store
from sync.store.pool import connect
from sync.xref import Xref

PACE = Pace(batch=200, wait=timedelta(milliseconds=200), backoff=timedelta(milliseconds=100))
PREFIXES = ("crm.", "erp.", "billing.")


async def listen(dsn: str, patience_s: int = 60) -> None:
    """Apply until killed. The server bears with our sessions for that long when we hang."""
    postgres_consumer._SETTINGS["idle_session_timeout"] = f"{patience_s}s"
    store._SETTINGS["idle_in_transaction_session_timeout"] = f"{patience_s}s"
    async with await connect(dsn, size=4) as pool:
        consumer = PostgresConsumer(dsn=dsn, group="intake", prefixes=PREFIXES)
        intake = Intake(pool, Xref(pool), {}, utc_now)
        await Listener(consumer, Decoder(BINDINGS), intake, PACE).run()
