"""How far a system is with a record that it must have: what the hub knows, and no field holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import strawberry

from schema.system import System


@strawberry.enum(description="How far a system is with a record that it must have.")
class SetupStatus(Enum):
    _value_: str  # what `enum_value` leaves of itself

    MISSING = strawberry.enum_value("missing", description="Nothing was sent yet.")
    PENDING = strawberry.enum_value(
        "pending", description="On its way, or waiting for what `reason` says."
    )
    LINKED = strawberry.enum_value("linked", description="The system has it.")
    FAILED = strawberry.enum_value(
        "failed", description="The system refuses it, until somebody acts."
    )


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
