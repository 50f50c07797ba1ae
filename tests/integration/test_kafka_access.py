"""A Kafka that does not answer, and how it is told."""

from __future__ import annotations

import gc

import pytest
from kafka import errors

from cdc.log.kafka import KafkaLog
from cdc.log.kafka_access import KafkaAccess, kafka_outage
from schema.errors import Invalid, Unavailable


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_cluster_that_is_not_there_is_unavailable() -> None:
    """The caller learns that trying again later is the thing to do; the password is not told."""
    access = KafkaAccess(
        bootstrap_servers=("127.0.0.1:9",), user="hub", password="secret", bootstrap_ms=500
    )
    with pytest.raises(Unavailable, match="Kafka does not answer") as told:
        await KafkaLog(access).cluster_id()
    assert "secret" not in f"{told.value}{access}"
    gc.collect()  # the client leaves sockets open that never connected


@pytest.mark.parametrize(
    "refusal",
    [
        errors.SaslAuthenticationFailedError(),
        errors.TopicAuthorizationFailedError(),
        errors.KafkaConfigurationError(),
    ],
)
def test_a_refusal_is_not_an_outage(refusal: Exception) -> None:
    """No retry mends it: somebody has to change the settings."""
    with pytest.raises(Invalid, match="Kafka refuses us"), kafka_outage():
        raise refusal
