"""Business actions as a system spells them: where the call goes, and what its body holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from schema.entity import plural
from schema.errors import Invalid
from sync.connectors.binding import Binding


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One action of a system on one record.

    `names` are the canonical arguments and the fields they travel in; `fixed` travels always.
    """

    path: str
    names: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)

    def body(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The call's body. Raises Invalid for an argument that it does not take."""
        unknown = sorted(arguments.keys() - self.names.keys())
        if unknown:
            raise Invalid(f"The action does not take {', '.join(unknown)}.")
        told = {self.names[name]: _plain(value) for name, value in arguments.items()}
        return {**self.fixed, **told}


Calls = Mapping[tuple[type, str], Call]
"""What a system can be asked for: canonical type and action -> its own call."""


def call_of(calls: Calls, binding: Binding, action: str) -> Call:
    """Raises Invalid for what the system cannot be asked for."""
    call = calls.get((binding.entity, action))
    if call is None:
        raise Invalid(f"{binding.system.name} cannot {action} {plural(binding.entity)}.")
    return call


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
