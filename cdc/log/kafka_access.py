"""How a Kafka cluster is reached, and one translation of its refusals and outages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from kafka import errors

from schema.errors import Invalid, Unavailable

_REFUSALS = (
    errors.AuthorizationError,
    errors.KafkaConfigurationError,
    errors.SaslAuthenticationFailedError,
    errors.UnsupportedSaslMechanismError,
)
"""What no retry mends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaAccess:
    """Where the brokers are and who we are to them.

    `api_version` skips the negotiation of protocol versions, for brokers that cannot do it;
    `bootstrap_ms` is how long a first answer is waited for.
    """

    bootstrap_servers: tuple[str, ...]
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    key_password: str | None = field(default=None, repr=False)
    api_version: tuple[int, int] | None = None
    bootstrap_ms: int = 10_000

    @property
    def options(self) -> dict[str, object]:
        """By the names of the client's configuration."""
        return {
            "bootstrap_servers": list(self.bootstrap_servers),
            "bootstrap_timeout_ms": self.bootstrap_ms,
            "client_id": "concord",
            "security_protocol": self.security_protocol,
            "sasl_mechanism": self.sasl_mechanism,
            "sasl_plain_username": self.user,
            "sasl_plain_password": self.password,
            "ssl_cafile": self.ca_file,
            "ssl_certfile": self.certificate_file,
            "ssl_keyfile": self.key_file,
            "ssl_password": self.key_password,
            "api_version": self.api_version,
        }


@contextmanager
def kafka_outage() -> Iterator[None]:
    """Raise `Invalid` when the cluster refuses us, `Unavailable` when it only does not answer.

    The client keeps a refusal at the first contact to itself, until its time is up.
    """
    try:
        yield
    except _REFUSALS as refusal:
        raise Invalid(f"Kafka refuses us ({refusal}): look at the settings of KAFKA") from refusal
    except errors.KafkaTimeoutError as outage:
        raise Unavailable(
            f"Kafka does not answer ({outage}): try again later; if it is up, look at the user, "
            "the password and the certificates among the settings of KAFKA"
        ) from outage
    except (errors.KafkaError, OSError) as outage:
        raise Unavailable(f"Kafka does not answer ({outage}): try again later") from outage
