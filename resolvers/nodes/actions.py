"""What can be done next with a record, and by whom: derived from its lifecycle."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from resolvers.nodes.node import Node
from schema.entity import Owner, entity_name
from schema.lifecycle import Lifecycle, Role, Transition
from schema.listing import listed_fields
from schema.system import System


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

    def resolve(root: Node) -> list[AvailableAction]:
        facts = vars(root)
        state = facts[lifecycle.field]
        return [shown(lifecycle, step) for step in lifecycle.available(state, facts)]

    status = listed_fields(lifecycle.entity)[lifecycle.field]
    return strawberry.field(
        resolver=resolve,
        description=f"What can be asked for next, and by whom. Follows from `{status.name}`.",
        directives=[Owner(system=system) for system in status.owners],
    )


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
