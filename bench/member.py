"""One of several listeners, in a process of its own: `python -m bench.member KAFKA DATABASE SHARE`.

It joins the group, says so when it has its SHARE of the partitions, and applies billing's invoices
from the moment it is sent a line until it is terminated.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from bench.brokered import consumer_of
from bench.connecting import until
from bench.events import TOPIC
from bench.kafka import ALONE, GROUP
from bench.listening import listener_over
from cdc.log.kafka_access import KafkaAccess
from hub.memory import calm_collector
from hub.telemetry import configure_logs
from sync.store.pool import connect

JOINED = b"joined\n"


async def apply(bootstrap_server: str, dsn: str, share: int) -> None:
    pool = await connect(dsn)
    consumer = consumer_of(KafkaAccess(bootstrap_servers=(bootstrap_server,)), TOPIC, GROUP)

    async def has_its_share() -> bool:
        return len(await consumer.assignment()) == share

    await until("its share of the partitions", has_its_share)
    sys.stdout.buffer.write(JOINED)
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    calm_collector()  # as every role of the hub does
    await listener_over(consumer, pool, ALONE).run()


if __name__ == "__main__":
    configure_logs(is_quiet=True)
    uvloop.run(apply(sys.argv[1], sys.argv[2], int(sys.argv[3])))
