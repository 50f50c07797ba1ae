"""What every engine of the log promises, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic

import pytest
from support.logs import Engine, MockCluster, MockLog, kafka_engine, postgres_engine
from support.targets import until

from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from cdc.log.port import Consumes, LogRecord, NewRecord
from hub.kafka.broker import Broker
from schema.position import LogPartition, Topic

AT_ONCE = timedelta(0)
SOON = timedelta(seconds=5)
DEADLINE_S = 120


@pytest.fixture(scope="module")
def mock_cluster() -> MockCluster:
    return MockCluster()


@pytest.fixture
async def postgres(database: str) -> AsyncIterator[Engine]:
    async with postgres_engine(database) as engine:
        yield engine


@pytest.fixture
async def mock(mock_cluster: MockCluster) -> AsyncIterator[Engine]:
    async with kafka_engine(mock_cluster.access, MockLog(mock_cluster)) as engine:
        yield engine


@pytest.fixture
async def kafka(broker: Broker) -> AsyncIterator[Engine]:
    access = KafkaAccess(bootstrap_servers=(broker.address,))
    async with kafka_engine(access, KafkaLog(access)) as engine:
        yield engine


KAFKA = pytest.param("kafka", marks=pytest.mark.kafka)


@pytest.fixture(params=["postgres", "mock", KAFKA])
def engine(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.getfixturevalue(request.param)
    return engine


@pytest.fixture(params=["postgres", KAFKA])
def sharing(request: pytest.FixtureRequest) -> Engine:
    """An engine whose groups work: the mock answers their joins and leaves only sometimes."""
    engine: Engine = request.getfixturevalue(request.param)
    return engine


def records(numbers: range, topic: Topic) -> list[NewRecord]:
    return [NewRecord(topic=topic, key=b"%d" % n, value=b"%d" % n) for n in numbers]


async def drain(consumer: Consumes, count: int) -> list[LogRecord]:
    """What the consumer reads until it has `count` records, or the deadline has passed."""
    read: list[LogRecord] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(read) < count:
            read += await consumer.poll(100, timedelta(seconds=2))
    return read


async def joined(consumer: Consumes) -> frozenset[LogPartition]:
    """The assignment, once a member that is alone has all four partitions of its topic."""
    lanes: frozenset[LogPartition] = frozenset()

    async def has_all() -> bool:
        nonlocal lanes
        lanes = await consumer.assignment()
        return len(lanes) == 4

    await until(has_all, seconds=DEADLINE_S)
    return lanes


async def settle(*consumers: Consumes, within_s: float) -> list[frozenset[LogPartition]]:
    """The assignments once the four partitions are shared out completely."""
    shares: dict[int, frozenset[LogPartition]] = {}

    async def follow(number: int, consumer: Consumes) -> None:
        while True:
            await consumer.poll(1, timedelta(milliseconds=20))
            shares[number] = await consumer.assignment()

    async def are_even() -> bool:
        sizes = [len(share) for share in shares.values()]
        return len(sizes) == len(consumers) and sum(sizes) == 4 and max(sizes) - min(sizes) <= 1

    following = [asyncio.create_task(follow(*one)) for one in enumerate(consumers)]
    await until(are_even, seconds=within_s)
    for task in following:
        task.cancel()
    await asyncio.wait(following)
    return [shares[number] for number in range(len(consumers))]


async def test_every_record_is_read_once_and_in_order(engine: Engine) -> None:
    """Batches smaller than the backlog still deliver each partition's offsets without a gap."""
    await engine.log.append(records(range(500), engine.topic("accounts")))
    read = await drain(engine.member(), 500)
    assert {record.value for record in read} == {b"%d" % n for n in range(500)}
    for lane in {record.position.lane for record in read}:
        offsets = [record.position.offset for record in read if record.position.lane == lane]
        assert offsets == list(range(len(offsets)))


async def test_a_topic_may_be_made_before_its_first_record(engine: Engine) -> None:
    """A member that is there already misses nothing of it; a second making changes nothing."""
    topics, member = [engine.topic("accounts")], engine.member()
    for _ in range(2):
        await engine.log.make(topics)

    async def is_read() -> bool:
        await member.poll(1, timedelta(0))
        return {lane.topic for lane in await member.assignment()} == set(topics)

    await until(is_read, seconds=DEADLINE_S)
    await engine.log.append(records(range(20), topics[0]))
    assert len(await drain(member, 20)) == 20


async def test_records_of_one_key_keep_their_order(engine: Engine) -> None:
    """One key has one partition, and its offsets follow the order of appending."""
    for number in range(5):
        same = NewRecord(topic=engine.topic("accounts"), key=b"same", value=b"%d" % number)
        await engine.log.append([same])
    read = await drain(engine.member(), 5)
    assert len({record.position.lane for record in read}) == 1
    assert [record.value for record in read] == [b"%d" % number for number in range(5)]


async def test_a_record_without_key_goes_to_partition_zero(engine: Engine) -> None:
    """A truncate has no key."""
    truncate = NewRecord(topic=engine.topic("accounts"), key=None, value=b"t")
    await engine.log.append([truncate])
    [record] = await drain(engine.member(), 1)
    assert (record.position.partition, record.key) == (0, None)


async def test_headers_and_nulls_come_back(engine: Engine) -> None:
    """A tombstone with headers is read as it was appended."""
    topic = engine.topic("accounts")
    await engine.log.append(
        [NewRecord(topic=topic, key=b"k", value=None, headers={"a": b"\x00\xff"})]
    )
    [record] = await drain(engine.member(), 1)
    assert (record.key, record.value, dict(record.headers)) == (b"k", None, {"a": b"\x00\xff"})
    assert record.appended_at.tzinfo is not None


async def test_an_append_wakes_a_waiting_poll(sharing: Engine) -> None:
    """It ends the wait, long before the next look would."""
    await sharing.log.append(records(range(1), sharing.topic("accounts")))
    consumer = sharing.member()
    await drain(consumer, 1)
    polling = asyncio.create_task(consumer.poll(10, SOON))
    done, _ = await asyncio.wait({polling}, timeout=0.1)
    assert not done
    started = monotonic()
    await sharing.log.append(records(range(1), sharing.topic("accounts")))
    assert len(await polling) == 1
    assert monotonic() - started < 0.5


async def test_a_new_assignment_is_announced_before_its_records(sharing: Engine) -> None:
    """The caller can seek before the first record of a partition comes."""
    topic = sharing.topic("accounts")
    await sharing.log.append([NewRecord(topic=topic, key=b"k", value=b"%d" % n) for n in range(5)])
    consumer = sharing.member()
    for lane in await joined(consumer):
        consumer.seek(lane, 3)
    assert [record.value for record in await drain(consumer, 2)] == [b"3", b"4"]


async def test_a_poll_that_changes_the_assignment_returns_nothing(sharing: Engine) -> None:
    """The first poll joins the group, and leaves its records to the next one."""
    topic = sharing.topic("accounts")
    await sharing.log.append([NewRecord(topic=topic, key=b"k", value=b"v")])
    consumer = sharing.member()
    assert await consumer.poll(10, SOON) == []
    await joined(consumer)
    assert len(await drain(consumer, 1)) == 1


async def test_a_paused_partition_is_kept_but_silent(sharing: Engine) -> None:
    """Pause holds the records back, resume returns them, the assignment stays."""
    await sharing.log.append([NewRecord(topic=sharing.topic("accounts"), key=b"k", value=b"v")])
    consumer = sharing.member()
    for lane in await joined(consumer):
        consumer.pause(lane)
    assert await consumer.poll(10, timedelta(seconds=1)) == []
    for lane in await joined(consumer):
        consumer.resume(lane)
    assert len(await drain(consumer, 1)) == 1


async def test_what_is_sought_again_is_read_again(engine: Engine) -> None:
    """After a failure the caller goes back to what it has stored."""
    topic = engine.topic("accounts")
    await engine.log.append([NewRecord(topic=topic, key=b"k", value=b"%d" % n) for n in range(5)])
    consumer = engine.member()
    read = await drain(consumer, 5)
    consumer.seek(read[0].position.lane, 2)
    assert [record.value for record in await drain(consumer, 3)] == [b"2", b"3", b"4"]


async def test_a_topic_that_appears_later_is_read(sharing: Engine) -> None:
    """A prefix subscription needs no restart, and takes nothing of other systems."""
    consumer = sharing.member()
    assert await consumer.poll(10, AT_ONCE) == []
    await sharing.log.append(records(range(3), Topic(f"not-{sharing.topic('people')}")))
    await sharing.log.append(records(range(3), sharing.topic("contacts")))
    read = await drain(consumer, 3)
    assert {record.position.topic for record in read} == {sharing.topic("contacts")}


async def test_a_new_member_gets_its_share(sharing: Engine) -> None:
    """Two members have two partitions each, and none in common."""
    await sharing.log.append(records(range(1), sharing.topic("accounts")))
    first, second = sharing.member(), sharing.member()
    await joined(first)
    shares = await settle(first, second, within_s=sharing.settles_s)
    assert [len(share) for share in shares] == [2, 2]
    assert not shares[0] & shares[1]


async def test_a_member_that_leaves_is_inherited(sharing: Engine) -> None:
    """Closing gives the partitions back; what they hold is read by who stays, from its own seek."""
    await sharing.log.append(records(range(100), sharing.topic("accounts")))
    first, second = sharing.member(), sharing.member()
    await settle(first, second, within_s=sharing.settles_s)
    await first.close()
    [share] = await settle(second, within_s=sharing.settles_s)
    for lane in share:
        second.seek(lane, 0)
    assert len({record.value for record in await drain(second, 100)}) == 100


async def test_commit_tells_how_far_the_group_is(sharing: Engine) -> None:
    """The last committed offset is kept per group and partition."""
    await sharing.log.append(records(range(100), sharing.topic("accounts")))
    consumer = sharing.member()
    lane = sorted(await joined(consumer))[2]
    await consumer.commit({lane: 5})
    await consumer.commit({lane: 9})
    assert [one async for one in sharing.committed()] == [(lane, 9)]


async def test_the_backlog_tells_how_old_it_is(sharing: Engine) -> None:
    """By the first record that the group has not committed; nothing of what is read to its end."""
    topic = sharing.topic("accounts")
    for number in range(3):
        await sharing.log.append([NewRecord(topic=topic, key=b"same", value=b"%d" % number)])
    consumer = sharing.member()
    read = await drain(consumer, 3)
    [waiting] = await sharing.backlog(topic)
    assert (waiting.records, waiting.oldest_at) == (3, read[0].appended_at)
    lane = read[0].position.lane
    await consumer.commit({lane: 2})
    [waiting] = await sharing.backlog(topic)
    assert (waiting.records, waiting.oldest_at) == (1, read[2].appended_at)
    await consumer.commit({lane: 3})
    assert await sharing.backlog(topic) == []
