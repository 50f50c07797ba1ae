"""What can be done next with a record, and by whom: derived from its lifecycle."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from resolvers.context import Info
from resolvers.errors import Path
from resolvers.loaders import Scope
from resolvers.nodes.node import Node
from schema.entity import Owner, entity_name
from schema.lifecycle import Facts, Lifecycle, Role, Transition
from schema.listing import listed_fields
from schema.system import System

_LOADS: Mapping[str, Callable[[Scope, str, Path], Awaitable[Any]]] = {"setup": Scope.load_setup}
"""How what the hub tells beside the fields is loaded: for a whole level at once."""


@strawberry.type(description="A step that can be asked for from where the record stands.")
class AvailableAction:
    action: str = strawberry.field(description="The step.")
    mutation: str = strawberry.field(description="The mutation that asks for it.")
    takes: list[str] = strawberry.field(
        description="The arguments it needs beside `id` and `idempotencyKey`."
    )
    resulting_state: str = strawberry.field(description="Where it leads.")
    system: System = strawberry.field(description="Who carries it out, and may still refuse.")
    asked_by: Role | None = strawberry.field(graphql_type=Role, description="Who may ask for it.")


def available_actions(lifecycle: Lifecycle) -> Any:
    """The field that lists them; nothing while the state is unknown."""

    def resolve(root: Node, info: Info) -> Any:
        if told := lifecycle.tells(vars(root)[lifecycle.field]):
            return _listed_once_told(lifecycle, root, told, info.root_path)
        return _listed(lifecycle, vars(root))

    status = listed_fields(lifecycle.entity)[lifecycle.field]
    return strawberry.field(
        resolver=resolve,
        graphql_type=list[AvailableAction],
        description=f"What can be asked for next, and by whom. Follows from `{status.name}`.",
        directives=[Owner(system=system) for system in status.owners],
    )


def _listed(lifecycle: Lifecycle, facts: Facts) -> list[AvailableAction]:
    return [shown(lifecycle, step) for step in lifecycle.available(facts[lifecycle.field], facts)]


async def _listed_once_told(
    lifecycle: Lifecycle, root: Node, told: Iterable[str], path: Path
) -> list[AvailableAction]:
    facts = dict(vars(root))
    for name in told:
        facts[name] = await _LOADS[name](root.scope, root.record.id, path)
    return _listed(lifecycle, facts)


def shown(lifecycle: Lifecycle, transition: Transition) -> AvailableAction:
    """The step in the words of the graph."""
    return AvailableAction(
        action=to_camel_case(transition.action),
        mutation=to_camel_case(mutation_name(lifecycle, transition.action)),
        takes=[to_camel_case(name) for name in transition.takes],
        resulting_state=transition.target.name,
        system=transition.performer,
        asked_by=transition.asked_by,
    )


def mutation_name(lifecycle: Lifecycle, action: str) -> str:
    """`wind_down_project`: the mutation that asks for the step."""
    return f"{action}_{entity_name(lifecycle.entity)}"
