"""Listeners over a real Kafka as processes of their own, and one that hangs at the worst moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from support import captured, listening

from cdc.log.kafka_access import KafkaAccess
from cdc.log.kafka_consumer import KafkaLogConsumer
from cdc.log.port import Consumes, LogRecord
from sync.store.pool import connect

HANGS = "the zombie hangs"


async def listen(dsn: str, address: str) -> None:
    """Apply until killed."""
    await _listen(dsn, _member(address))


async def listen_then_hang(dsn: str, address: str) -> None:
    """Hang with the first batch read and none applied, so that no transaction is open."""
    await _listen(dsn, Hanging(_member(address)))


class Hanging:
    """A consumer whose process says so and stops, as soon as it has read something."""

    def __init__(self, consumer: KafkaLogConsumer) -> None:
        self._consumer = consumer
        self._has_hung = False

    async def poll(self, limit: int, wait: timedelta) -> Sequence[LogRecord]:
        records = await self._consumer.poll(limit, wait)
        if records and not self._has_hung:
            self._has_hung = True
            structlog.get_logger().info(HANGS)
            os.kill(os.getpid(), signal.SIGSTOP)
        return records

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)


def _member(address: str) -> KafkaLogConsumer:
    access = KafkaAccess(bootstrap_servers=(address,))
    return KafkaLogConsumer(access=access, group="kills", prefixes=listening.PREFIXES)


async def _listen(dsn: str, consumer: Consumes | Any) -> None:
    async with await connect(dsn, size=4) as pool:
        await listening.listener(pool, consumer, captured.BINDINGS).run()
