"""Who is owed a copy of which field."""

from __future__ import annotations

from collections.abc import Iterable

from schema.entity import Owned
from schema.system import System
from sync.connectors.binding import Binding


class Owed:
    """The policy's copies, without those that a connected system has no column for.

    Of a system that is not connected here nothing is known but the policy.
    """

    def __init__(self, bindings: Iterable[Binding]) -> None:
        known = tuple(bindings)
        self._connected = {binding.system for binding in known}
        self._bound = {(b.system, b.entity, name) for b in known for name in b.copies}

    def targets(self, entity: type, field: Owned) -> tuple[System, ...]:
        return tuple(
            system
            for system in field.group.copies
            if system not in self._connected or (system, entity, field.name) in self._bound
        )
