"""How far a system is with a record that it must have: what the hub knows, and no field holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import strawberry

from schema.system import System


@strawberry.enum(
    description=(
        "MISSING: nothing was sent yet. PENDING: on its way, or waiting for what `reason` says. "
        "LINKED: the system has it. FAILED: the system refuses it, until somebody acts."
    )
)
class SetupStatus(Enum):
    MISSING = "missing"
    PENDING = "pending"
    LINKED = "linked"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupState:
    """Where one system stands, why, and since when."""

    system: System
    status: SetupStatus
    reason: str | None = None
    at: datetime | None = None

    def __str__(self) -> str:
        why = f": {self.reason}" if self.reason else ""
        return f"{self.system.name} ({self.status.name}{why})"
