"""What the ownership policy names a system for, and what its connector does not hold of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.table import Table

from hub.registry import Connectors
from schema.canon import ENTITIES
from schema.entity import owned_fields
from schema.system import System
from sync.connectors.binding import Binding
from sync.write.ownership import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Fields of one type that a system is to own or to hold a copy of, and does not."""

    system: System
    entity: type
    fields: tuple[str, ...]
    is_whole: bool

    @property
    def words(self) -> str:
        return "any of it" if self.is_whole else ", ".join(map(shown, self.fields))


def gap_of(system: System, entity: type, bindings: Iterable[Binding]) -> Gap | None:
    """None where the connector's bindings hold all that is named, or nothing is."""
    named = _named(system, entity)
    held = {name for one in bindings if one.entity is entity for name in one.places}
    lacking = tuple(name for name in named if name not in held)
    if not lacking:
        return None
    return Gap(system=system, entity=entity, fields=lacking, is_whole=lacking == named)


def gaps(connectors: Connectors) -> Table:
    """What each connected system does not hold, so that no delivery of it is owed."""
    table = Table(title="Named by the policy, not held there", title_justify="left")
    for title in ("System", "Type", "Does not hold"):
        table.add_column(title)
    for gap in _all_of(connectors):
        table.add_row(gap.system.name, gap.entity.__name__, gap.words)
    return table


def _all_of(connectors: Connectors) -> Iterator[Gap]:
    for system, connector in connectors.reads.items():
        for entity in ENTITIES:
            if gap := gap_of(system, entity, connector.bindings):
                yield gap


def _named(system: System, entity: type) -> tuple[str, ...]:
    return tuple(
        name
        for name, field in owned_fields(entity).items()
        if system is field.owner or system in field.group.copies
    )
