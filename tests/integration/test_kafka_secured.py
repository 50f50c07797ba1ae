"""A Kafka behind TLS and a password: reached with the settings it wants, refused without."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from support.kafka import artifacts_or_skip
from support.secured_kafka import PASSWORD, USER, SecuredBroker

from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess
from cdc.log.kafka_consumer import KafkaLogConsumer
from cdc.log.port import NewRecord
from schema.errors import Unavailable
from schema.position import Topic

pytestmark = pytest.mark.kafka

TOPIC = Topic("crm.public.accounts")
RECORD = NewRecord(topic=TOPIC, key=b"1", value=b"{}")
WAIT = timedelta(seconds=1)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    running = SecuredBroker(artifacts_or_skip(), tmp_path_factory.mktemp("secured"))
    yield running
    running.stop()


@pytest.fixture
def access(secured: SecuredBroker) -> KafkaAccess:
    return KafkaAccess(
        bootstrap_servers=(secured.address,),
        security_protocol="SASL_SSL",
        sasl_mechanism="PLAIN",
        user=USER,
        password=PASSWORD,
        ca_file=str(secured.ca_file),
    )


async def test_records_are_written_and_read(access: KafkaAccess) -> None:
    log, consumer = KafkaLog(access), KafkaLogConsumer(access=access, group="hub", topics=(TOPIC,))
    try:
        await log.append([RECORD])
        async with asyncio.timeout(60):
            while not (read := await consumer.poll(10, WAIT)):
                pass
        assert [(one.key, one.value) for one in read] == [(RECORD.key, RECORD.value)]
    finally:
        await consumer.close()
        await log.close()


async def test_a_wrong_password_is_told_where_to_look(access: KafkaAccess) -> None:
    """The client tells no difference between a broker that is down and one that refuses."""
    said = await refused(replace(access, password="guessed", bootstrap_ms=3_000))
    assert "look at the user, the password and the certificates" in said
    assert "guessed" not in said


async def test_a_certificate_nobody_vouches_for_is_not_trusted(access: KafkaAccess) -> None:
    said = await refused(replace(access, ca_file=None, bootstrap_ms=3_000))
    assert "the certificates" in said


async def refused(access: KafkaAccess) -> str:
    with pytest.raises(Unavailable) as told:
        await KafkaLog(access).append([RECORD])
    return str(told.value)
