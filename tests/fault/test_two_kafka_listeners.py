"""Listeners over Kafka that both believe the partitions are theirs: nothing is doubled or lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
from structlog.testing import capture_logs
from support.captured import BINDINGS, Firm
from support.listening import PREFIXES, listener
from support.logs import MockCluster, MockLog
from support.oracle import assert_holds
from support.targets import until
from support.working import at_work

from cdc.log.kafka_consumer import KafkaLogConsumer
from schema.position import LogPartition, Topic

LANES = 3 * 4
DEADLINE_S = 240
"""The mock takes its time to let a member join, and the more the less it gets to run."""
_APPLIED = "SELECT topic, partition, next_offset FROM consumer_offset WHERE next_offset > 0"


async def test_a_zombie_and_its_heir_apply_everything_once(pool: asyncpg.Pool) -> None:
    """Each is alone in a group of its own, so each reads every partition, as a zombie would.

    Whoever is second finds the offset moved; its transaction is undone and it starts over.
    """
    firm, cluster = Firm(51), MockCluster()
    log, topics = MockLog(cluster), [Topic(source.table) for source in firm.sources]
    for topic in topics:
        cluster.create_topic(topic)
    with capture_logs() as logs:
        async with listening(pool, cluster, "zombie"), listening(pool, cluster, "heir"):
            for _ in range(40):
                await log.append([record for _ in range(25) for record in firm.step()])
            ends = await log.ends(topics)
            await until(lambda: has_applied(pool, ends), seconds=DEADLINE_S)
        await log.close()
    assert "listener.superseded" in {entry["event"] for entry in logs}
    await assert_holds(pool, firm)


async def has_applied(pool: asyncpg.Pool, ends: dict[LogPartition, int]) -> bool:
    applied = {
        LogPartition(topic=topic, partition=p): end for topic, p, end in await pool.fetch(_APPLIED)
    }
    return applied == {lane: end for lane, end in ends.items() if end}


@asynccontextmanager
async def listening(pool: asyncpg.Pool, cluster: MockCluster, group: str) -> AsyncIterator[None]:
    """A listener while the block runs, entered once it has all partitions.

    All of them store their offsets as one consumer.
    """
    consumer = KafkaLogConsumer(access=cluster.access, group=group, prefixes=PREFIXES)

    async def has_all() -> bool:
        await consumer.poll(1, timedelta(milliseconds=100))
        return len(await consumer.assignment()) == LANES

    await until(has_all, seconds=DEADLINE_S)
    async with at_work(listener(pool, consumer, BINDINGS).run):
        yield
