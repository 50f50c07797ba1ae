"""Listeners that share a real Kafka: killed, or hung past their session, they double nothing."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from support.captured import Firm
from support.kafka import broker_in
from support.load import filling
from support.oracle import assert_holds
from support.over_kafka import HANGS, listen, listen_then_hang
from support.processes import Worker, running
from support.targets import until

from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from hub.kafka.broker import Broker
from schema.position import LogPartition, Topic

pytestmark = pytest.mark.kafka

SEED = 20_261_128
KILLS = 3
TAKES_OVER_S = 90
"""Longer than the group waits for a member that said nothing, on a machine with much to do."""
SUPERSEDED = "listener.superseded"
_APPLIED = "SELECT topic, partition, next_offset FROM consumer_offset WHERE next_offset > 0"


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """The topics have the names that the bindings know, so nobody else may use them."""
    with broker_in(tmp_path / "kafka") as running_broker:
        yield running_broker


@pytest.fixture
async def log(own_broker: Broker) -> AsyncIterator[KafkaLog]:
    opened = KafkaLog(KafkaAccess(bootstrap_servers=(own_broker.address,)))
    yield opened
    await opened.close()


async def test_killed_or_hung_they_apply_everything_once(
    hub_database: str, pool: asyncpg.Pool, own_broker: Broker, log: KafkaLog, tmp_path: Path
) -> None:
    """The group gives a dead member's partitions to the other, which goes on where it was."""
    firm, rng = Firm(SEED), random.Random(SEED)
    where = hub_database, own_broker.address
    async with running(tmp_path / "first", listen, *where) as first:
        async with filling(log, firm), running(tmp_path / "second", listen, *where) as second:
            for _ in range(KILLS):
                await progress(pool, first, second)
                victim = rng.choice((first, second))
                await victim.runs_for(rng.uniform(0, 0.5))
                await victim.kill()
                await victim.start()
            await progress(pool, first, second)
        await caught_up(pool, log, firm, first)
        async with running(tmp_path / "zombie", listen_then_hang, *where) as zombie:
            await superseded(zombie, first, log, firm, pool)
            async with filling(log, firm):
                await progress(pool, zombie, first)
            await caught_up(pool, log, firm, zombie, first)
    await assert_holds(pool, firm)


async def superseded(
    zombie: Worker, heir: Worker, log: KafkaLog, firm: Firm, pool: asyncpg.Pool
) -> None:
    """It wakes up past its session, with a batch that its heir has applied, and is undone."""
    async with filling(log, firm):
        await told(zombie, HANGS)
    await caught_up(pool, log, firm, heir)
    assert SUPERSEDED not in zombie.said
    zombie.thaw()
    await told(zombie, SUPERSEDED)


async def told(worker: Worker, word: str) -> None:
    """Return once it has said so."""

    async def has_said() -> bool:
        worker.is_alive()
        return word in worker.said

    await until(has_said, seconds=TAKES_OVER_S)


async def progress(pool: asyncpg.Pool, *workers: Worker) -> None:
    before = await pool.fetch(_APPLIED)

    async def has_applied() -> bool:
        for worker in workers:
            worker.is_alive()
        return bool(await pool.fetch(_APPLIED) != before)

    await until(has_applied, seconds=TAKES_OVER_S)


async def caught_up(pool: asyncpg.Pool, log: KafkaLog, firm: Firm, *workers: Worker) -> None:
    """Return once all that is in the log has been applied."""
    ends = await log.ends([Topic(source.table) for source in firm.sources])
    expected = {lane: end for lane, end in ends.items() if end}

    async def has_caught_up() -> bool:
        for worker in workers:
            worker.is_alive()
        rows = await pool.fetch(_APPLIED)
        return {LogPartition(topic=t, partition=p): end for t, p, end in rows} == expected

    await until(has_caught_up, seconds=TAKES_OVER_S)
