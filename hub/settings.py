"""Settings: read once from the environment, frozen, and printed without secrets."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from schema.errors import Invalid
from schema.system import System

PREFIX = "CONCORD_"
OUTSIDE = frozenset({"CONCORD_STATE", "CONCORD_TRYTON", "CONCORD_REQUIRE_KAFKA"})
"""Variables that the demo and the tests read; a server does not."""


class SystemSettings(BaseModel):
    """How to reach one system: its API, our key for it, and the database we capture from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(description="Root of the system's REST API.")
    key: SecretStr = Field(description="Our API key at the system.")
    capture_url: SecretStr | None = Field(
        default=None, description="DSN of its database for the WAL reader; none: not captured here."
    )
    kind: Literal["standard", "tryton"] = Field(
        default="standard", description="Which connector speaks to it; `tryton` for the ERP only."
    )
    database: str = Field(default="", description="Tryton: the name of its database.")
    user: str = Field(default="", description="Tryton: the user our guarded writes log in as.")
    password: SecretStr = Field(default=SecretStr(""), description="Tryton: that user's password.")


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
    log_partitions: int = Field(
        default=4, ge=1, le=64, description="Partitions of a new topic in the Postgres log."
    )
    log_retention: timedelta = Field(
        default=timedelta(days=7), description="How long the Postgres log keeps records."
    )
    answer_retention: timedelta = Field(
        default=timedelta(days=30),
        description="How long the answer to an idempotency key is kept and given again.",
    )
    crm: SystemSettings
    psa: SystemSettings
    hr: SystemSettings
    erp: SystemSettings
    billing: SystemSettings

    @classmethod
    def from_env(cls) -> Self:
        """Read the environment. Raises Invalid naming a variable nobody knows."""
        unknown = sorted(name for name in os.environ if _is_unknown(cls, name))
        if unknown:
            names = ", ".join(unknown)
            raise Invalid(f"No setting is called {names}. See docs/reference/settings.md.")
        return cls()

    def capture_url(self, system: System) -> SecretStr | None:
        """The database whose changes of this system's records we read; the hub's own is ours."""
        return self.database_url if system is System.HUB else self.system(system).capture_url

    def system(self, system: System) -> SystemSettings:
        found: SystemSettings = getattr(self, system.value)
        return found


def _is_unknown(settings: type[Settings], name: str) -> bool:
    if not name.startswith(PREFIX) or name in OUTSIDE:
        return False
    field, _, part = name.removeprefix(PREFIX).lower().partition("__")
    return field not in settings.model_fields or (
        bool(part) and part not in SystemSettings.model_fields
    )
