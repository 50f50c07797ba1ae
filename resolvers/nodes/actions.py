"""What can be done next with a record, and by whom: derived from its lifecycle."""

from __future__ import annotations

from typing import Any

import strawberry

from resolvers.nodes.node import Node
from schema.lifecycle import Lifecycle, Transition
from schema.system import System


@strawberry.type(description="A step that can be asked for from where the record stands.")
class AvailableAction:
    action: str = strawberry.field(description="The step; the mutation of that name asks for it.")
    resulting_state: str = strawberry.field(description="Where it leads.")
    system: System = strawberry.field(description="Who carries it out, and may still refuse.")
    asked_by: str = strawberry.field(description="Who may ask for it.")
    takes: list[str] = strawberry.field(description="The arguments it needs.")


def available_actions(lifecycle: Lifecycle) -> Any:
    """The field that lists them; nothing while the state is unknown."""

    def resolve(root: Node) -> list[AvailableAction]:
        state = getattr(root, lifecycle.field)
        return [_shown(transition) for transition in lifecycle.available(state)]

    return strawberry.field(
        resolver=resolve, description="What can be asked for next, and by whom."
    )


def _shown(transition: Transition) -> AvailableAction:
    return AvailableAction(
        action=transition.action,
        resulting_state=transition.target.name,
        system=transition.performer,
        asked_by=transition.asked_by,
        takes=list(transition.takes),
    )
