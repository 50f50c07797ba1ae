"""A listener as a process of its own.

It applies what the tables of `support.captured` had appended, in small batches, so that whenever
it is killed it is likely to be in the middle of one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import asyncpg
from support.captured import BINDINGS

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log import postgres_consumer
from cdc.log.port import Consumes
from cdc.log.postgres_consumer import PostgresConsumer
from sync.clock import utc_now
from sync.connectors.binding import Binding
from sync.intake import Intake
from sync.store import pool as store
from sync.store.pool import connect
from sync.xref import Xref

PACE = Pace(batch=200, wait=timedelta(milliseconds=200), backoff=timedelta(milliseconds=100))
PREFIXES = ("crm.", "erp.", "billing.")


async def listen(dsn: str, patience_s: int = 60) -> None:
    """Apply until killed. The server bears with our sessions for that long when we hang."""
    bear_with_us(patience_s)
    async with await connect(dsn, size=4) as pool:
        consumer = PostgresConsumer(dsn=dsn, group="intake", prefixes=PREFIXES)
        await listener(pool, consumer, BINDINGS).run()


def listener(pool: asyncpg.Pool, consumer: Consumes, bindings: Iterable[Binding]) -> Listener:
    return Listener(consumer, Decoder(bindings), Intake(pool, Xref(pool), {}, utc_now), PACE)


def bear_with_us(seconds: int) -> None:
    """In this process: sessions that hang for longer than that end, and let go of all they hold."""
    for settings, name in (
        (postgres_consumer._SETTINGS, "idle_session_timeout"),
        (postgres_consumer._SETTINGS, "tcp_user_timeout"),
        (store._SETTINGS, "idle_in_transaction_session_timeout"),
        (store._SETTINGS, "tcp_user_timeout"),
    ):
        assert name in settings
        settings[name] = f"{seconds}s"
