"""Settings: read once from the environment, frozen, and printed without secrets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cdc.capture.way import Way
from schema.errors import Invalid
from schema.system import System

PREFIX = "CONCORD_"
OUTSIDE = frozenset({"CONCORD_STATE", "CONCORD_TRYTON", "CONCORD_REQUIRE_KAFKA"})
"""Variables that the demo and the tests read; a server does not."""


ColumnType = Annotated[
    str, Field(pattern=r"^(decimal\(\d{1,3}\)|time_ms|time_ns|timestamp_ms|timestamp_ns)$")
]
ColumnName = Annotated[str, Field(pattern=r"^[^.]+\.[^.]+\.[^.]+$")]
TableName = Annotated[str, Field(pattern=r"^[^.]+\.[^.]+$")]


class OutboxSettings(BaseModel):
    """What the events of an outbox's topic tell of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: TableName
    key: str


class SystemSettings(BaseModel):
    """How to reach one system: its API, our key for it, and the database we capture from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Root of the system's REST API.")
    key: SecretStr = Field(description="Our API key at the system.")
    capture_url: SecretStr | None = Field(
        default=None, description="DSN of its database to capture; none: not captured."
    )
    kind: Literal["standard", "tryton"] = Field(
        default="standard",
        description="Which connector speaks to it; `tryton` for the CRM and the ERP only.",
    )
    transactions: bool = Field(
        default=False, description="Make each transaction of its database visible as a whole."
    )
    placeholder: str = Field(
        default="__debezium_unavailable_value",
        min_length=1,
        description="`unavailable.value.placeholder` of its connector.",
    )
    signal_table: TableName = Field(
        default="public.concord_signal", description="Where its connector is asked for snapshots."
    )
    column_types: dict[ColumnName, ColumnType] = Field(
        default={},
        description="Of columns whose envelopes carry no schema, JSON: `schema.table.column` to "
        "`decimal(<scale>)`, `time_ms`, `time_ns`, `timestamp_ms` or `timestamp_ns`.",
    )
    outboxes: dict[str, OutboxSettings] = Field(
        default={},
        description="Topics of its outbox, JSON: topic to `table` and `key`, the column of the "
        "aggregate's id.",
    )
    database: str = Field(default="", description="Tryton: the name of its database.")
    user: str = Field(default="", description="Tryton: the user our guarded writes log in as.")
    password: SecretStr = Field(default=SecretStr(""), description="Tryton: that user's password.")
    capture: Way = Field(
        default="wal",
        description="How its changes are heard of: its write-ahead log, its API, or its webhooks.",
    )
    poll_every: timedelta = Field(
        default=timedelta(seconds=10), description="`poll`: how often its API is asked."
    )
    poll_overlap: timedelta = Field(
        default=timedelta(minutes=5),
        description="`poll`: how far each turn goes back; more than its clocks and commits differ.",
    )
    sweep_every: timedelta = Field(
        default=timedelta(days=1),
        description="`poll`, `webhook`: how often all it has is looked through.",
    )
    webhook_secrets: SecretStr = Field(
        default=SecretStr(""),
        description="What its webhooks are signed by, separated by commas; none: no endpoint.",
    )
    webhook_form: Literal["standard", "stripe"] = Field(
        default="standard", description="How its webhooks are signed and worded."
    )

    @model_validator(mode="after")
    def _has_one_way(self) -> Self:
        if self.capture == "wal" and self.webhook_secrets.get_secret_value():
            raise ValueError(
                "webhook_secrets are for capture=webhook or poll: its write-ahead log tells all"
            )
        if self.capture != "wal" and self.kind == "tryton":
            raise ValueError(
                "Tryton cannot be polled and does not call: its records are spread over tables of "
                "which its database alone tells. Leave capture=wal and set capture_url."
            )
        return self


class KafkaSettings(BaseModel):
    """How to reach Kafka, and what fills it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_servers: str = Field(
        default="localhost:9092", description="Addresses of the brokers, separated by commas."
    )
    security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="Kafka's `security.protocol`."
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="Kafka's `sasl.mechanism`, where the security is SASL."
    )
    user: str | None = Field(default=None, description="Who we are, where the security is SASL.")
    password: SecretStr = Field(default=SecretStr(""), description="That user's password.")
    ca_file: str | None = Field(default=None, description="PEM of who signed the brokers.")
    certificate_file: str | None = Field(default=None, description="PEM of our own certificate.")
    key_file: str | None = Field(default=None, description="PEM of its key.")
    key_password: SecretStr = Field(default=SecretStr(""), description="What unlocks that key.")
    longest_outage: timedelta = Field(
        default=timedelta(days=3),
        description="No listener is down for longer; a topic that keeps less is warned about.",
    )
    capture: Literal["debezium", "wal"] = Field(
        default="debezium",
        description="Who fills Kafka: Debezium's connectors, or our own WAL readers.",
    )
    connect_url: str | None = Field(
        default=None, description="REST address of Kafka Connect, for `debezium` and `doctor`."
    )


class Settings(BaseSettings):
    """Everything a process of Concord is told from outside."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    database_url: SecretStr = Field(description="DSN of Concord's own PostgreSQL 18 database.")
    host: str = Field(default="127.0.0.1", description="Address `serve` listens on; loopback only.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port of `serve`; 0 picks one.")
    read_timeout: timedelta = Field(
        default=timedelta(seconds=2),
        description="Deadline of one read at an owner, such as `PT2S`.",
    )
    write_timeout: timedelta = Field(
        default=timedelta(seconds=10),
        description="Deadline of one write at an owner, such as `PT10S`.",
    )
    log: Literal["postgres", "kafka"] = Field(
        default="postgres", description="Which engine keeps the log of changes."
    )
    log_partitions: int = Field(
        default=4, ge=1, le=64, description="Partitions of a new topic in the log."
    )
    log_retention: timedelta = Field(
        default=timedelta(days=7), description="How long the log keeps records."
    )
    transaction_patience: timedelta = Field(
        default=timedelta(seconds=5),
        description="How long the rest of a transaction is waited for, such as `PT5S`.",
    )
    transaction_records: int = Field(
        default=20_000, ge=1, description="Records held at most while transactions are waited for."
    )
    kafka: KafkaSettings = Field(default=KafkaSettings(), description="See below.")
    answer_retention: timedelta = Field(
        default=timedelta(days=30),
        description="How long the answer to an idempotency key is kept and given again.",
    )
    webhook_window: timedelta = Field(
        default=timedelta(minutes=5),
        description="How far from now a webhook's signature may be; an older one is a replay.",
    )
    webhook_memory: timedelta = Field(
        default=timedelta(days=7),
        description="How long the ids of webhooks are kept; longer than any sender tries again.",
    )
    crm: SystemSettings
    psa: SystemSettings
    hr: SystemSettings
    erp: SystemSettings
    billing: SystemSettings

    @model_validator(mode="after")
    def _remembers_long_enough(self) -> Self:
        if self.webhook_memory <= 2 * self.webhook_window:
            raise ValueError("webhook_memory must be more than twice webhook_window")
        return self

    @classmethod
    def from_env(cls) -> Self:
        """Read the environment. Raises Invalid naming a variable nobody knows."""
        unknown = sorted(name for name in os.environ if _is_unknown(cls, name))
        if unknown:
            names = ", ".join(unknown)
            raise Invalid(f"No setting is called {names}. See docs/reference/settings.md.")
        return cls()

    @property
    def reads_wal(self) -> bool:
        """Whether our own WAL readers capture the owners' databases."""
        return self.log == "postgres" or self.kafka.capture == "wal"

    def has_transactions(self, system: System) -> bool:
        """Whether its transactions are to be seen as wholes; the hub's own need not."""
        return system is not System.HUB and self.system(system).transactions

    def capture_url(self, system: System) -> SecretStr | None:
        """The database whose changes of this system's records we read; the hub's own is ours."""
        if system is System.HUB:
            return self.database_url
        return self.system(system).capture_url if self.way(system) == "wal" else None

    def way(self, system: System) -> Way:
        """By which way its changes are heard of."""
        return "wal" if system is System.HUB else self.system(system).capture

    def system(self, system: System) -> SystemSettings:
        found: SystemSettings = getattr(self, system.value)
        return found


def setting_names(place: Sequence[int | str]) -> list[str]:
    """The variables of a place in the settings; of a whole system, those that it must have."""
    name = PREFIX + ("__".join(map(str, place)).upper() or "*")
    field = Settings.model_fields.get(str(place[0])) if len(place) == 1 else None
    if field is None or field.annotation is not SystemSettings:
        return [name]
    needed = [part for part, one in SystemSettings.model_fields.items() if one.is_required()]
    return [f"{name}__{part.upper()}" for part in needed]


def _is_unknown(settings: type[Settings], name: str) -> bool:
    if not name.startswith(PREFIX) or name in OUTSIDE:
        return False
    field, _, part = name.removeprefix(PREFIX).lower().partition("__")
    if field not in settings.model_fields:
        return True
    nested = KafkaSettings if field == "kafka" else SystemSettings
    return bool(part) and part not in nested.model_fields
