"""The projection rebuilt from a real Kafka that Debezium fills, while its owner goes on writing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import asyncpg
import pytest
from kafka import KafkaAdminClient, TopicPartition
from support.captured_owner import World, world_of
from support.debezium import DEADLINE_S, captured
from support.kafka import artifacts_or_skip, broker_in
from support.rebuilding import differing, effects, history, leftovers, writing
from support.targets import until
from support.working import at_work

from cdc.capture.debezium import password_variable
from cdc.capture.signals import Signals
from cdc.capture.transaction import transaction_topic
from cdc.decode import Decoder
from cdc.envelope.markers import HEARTBEAT
from cdc.listener import Listener, Pace
from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from cdc.log.kafka_consumer import KafkaLogConsumer
from cdc.rebuild import Rebuild, Rebuilt
from hub.embedded import Cluster
from hub.kafka.broker import Broker
from hub.kafka.connect import Connect
from hub.registry import captured_tables
from schema.errors import Invalid
from schema.position import Topic
from schema.system import System
from sync.connectors import crm
from sync.resnapshots import Resnapshots

pytestmark = pytest.mark.kafka

TABLES = captured_tables([crm.CLIENT])
ACCOUNTS = Topic("crm.public.accounts")
READ = (*(Topic(f"crm.{table}") for table in TABLES), transaction_topic("crm"))
BESIDE = Topic(f"{HEARTBEAT}crm")
_PACE = Pace(wait=timedelta(milliseconds=200), backoff=timedelta(milliseconds=50))
_HEARD = "SELECT count(*) FROM consumer_offset WHERE topic = ANY ($1) AND next_offset > 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverKafka:
    """A captured owner whose changes come over Kafka, as the hub wires it."""

    world: World
    access: KafkaAccess
    log: KafkaLog

    def reader(self, group: str, *further: Topic) -> KafkaLogConsumer:
        return KafkaLogConsumer(access=self.access, group=group, topics=(*READ, *further))

    async def listen(self) -> None:
        """The live listener hears heartbeats too, and ends of transactions."""
        consumer = self.reader("intake", BESIDE)
        await Listener(consumer, Decoder([crm.CLIENT]), self.world.intake(), _PACE).run()

    async def rebuild(self) -> Rebuilt:
        rebuilding = Rebuild(
            dsn=self.world.dsn,
            connectors={System.CRM: self.world.api},
            firsts=partial(self.log.firsts, READ),
            reader=self.reader,
        )
        async with asyncio.timeout(DEADLINE_S):
            return await rebuilding.run()

    async def is_heard_of(self) -> bool:
        """Whether heartbeats and ends of transactions have been applied, beside the rows."""
        topics = [BESIDE, transaction_topic("crm")]
        return bool(await self.world.pool.fetchval(_HEARD, topics) >= len(topics))


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The topics have the names that the bindings know, so nobody else may use them."""
    with broker_in(tmp_path_factory.mktemp("rebuilt")) as running:
        yield running


@pytest.fixture(scope="module")
def worker(
    own_broker: Broker, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connect]:
    secrets = {password_variable("crm"): urlsplit(cluster.dsn()).password or ""}
    folder = tmp_path_factory.mktemp("connect")
    running = Connect(artifacts_or_skip(), folder, own_broker.address, secrets)
    yield running
    running.stop()


@pytest.fixture
async def kafka(
    database: str, hub_database: str, pool: asyncpg.Pool, own_broker: Broker
) -> AsyncIterator[OverKafka]:
    access = KafkaAccess(bootstrap_servers=(own_broker.address,))
    log = KafkaLog(access)
    async with world_of(database, hub_database, pool) as world:
        resnapshots = Resnapshots(world.pool, partial(log.ends, READ))
        yield OverKafka(world=replace(world, resnapshots=resnapshots), access=access, log=log)
    await log.close()
    await asyncio.to_thread(delete_topics, access)


async def test_what_is_rebuilt_is_what_was_there_and_nobody_hears_of_it(
    kafka: OverKafka, worker: Connect
) -> None:
    """Snapshot, updates, a key change, a reused key, deletes; then again while changes come."""
    world = kafka.world
    await world.add(1, 100)
    async with at_work_over(kafka, worker, "-alike"):
        await history(world)
        await until(kafka.is_heard_of, seconds=DEADLINE_S)
        before = await effects(world)
        assert before["delivery"]
        rebuilt = await kafka.rebuild()
        assert (rebuilt.is_swapped, differing(rebuilt)) == (True, {})
        assert await effects(world) == before
        async with at_work(lambda: writing(world)):
            rebuilt = await kafka.rebuild()
            assert (rebuilt.is_swapped, differing(rebuilt)) == (True, {})
        await world.settled()
    assert await leftovers(world) == 0


async def test_a_topic_that_lost_its_beginning_needs_a_reading_first(
    kafka: OverKafka, worker: Connect
) -> None:
    """Retention took the snapshot away: it says what to do, which Debezium does by a signal."""
    world = kafka.world
    await world.add(1, 40)
    async with at_work_over(kafka, worker, "-trimmed"):
        await history(world)
        await asyncio.to_thread(trim, kafka.access, await kafka.log.ends([ACCOUNTS]))
        with pytest.raises(Invalid, match=r"concord resnapshot --system crm"):
            await kafka.rebuild()
        assert await leftovers(world) == 0
        await world.done(await world.resnapshot())
        await world.owner.execute("UPDATE accounts SET id = 'ACC-77777' WHERE id = 'ACC-00005'")
        await world.settled()
        rebuilt = await kafka.rebuild()
    assert (rebuilt.is_swapped, differing(rebuilt)) == (True, {})


@asynccontextmanager
async def at_work_over(kafka: OverKafka, worker: Connect, run: str) -> AsyncIterator[None]:
    """Debezium, the listener and the sweep; the projection is level when the block begins."""
    world, sweep = kafka.world, kafka.world.sweep()
    signals = Signals(
        system="crm",
        dsn=world.owner_dsn,
        resnapshots=world.resnapshots,
        unseen=sweep.unseen,
        quiet=timedelta(seconds=5),
    )
    async with (
        captured(worker, "crm", world.owner_dsn, TABLES, run=run, partitions=4),
        at_work(kafka.listen, sweep.run, signals.run),
    ):
        await until(world.is_level, seconds=DEADLINE_S)
        yield


def trim(access: KafkaAccess, ends: dict[object, int]) -> None:
    """Delete what the accounts' partitions hold now, as retention would."""
    admin = KafkaAdminClient(**access.options)
    admin.delete_records(
        {TopicPartition(lane.topic, lane.partition): end for lane, end in ends.items() if end}
    )
    admin.close()


def delete_topics(access: KafkaAccess) -> None:
    admin = KafkaAdminClient(**access.options)
    admin.delete_topics([t for t in admin.list_topics() if t.startswith(("crm.", HEARTBEAT))])
    admin.close()
