"""How far a project is set up in the systems that need it, and how one of them is asked again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from resolvers.context import Info
from resolvers.nodes.node import Node
from schema import setup as canon
from schema.entity import Owner
from schema.setup import SetupStatus
from schema.system import System


@strawberry.type(description="Where one system stands with the set-up of a project.")
class SetupState:
    system: System = strawberry.field(description="The system.")
    status: SetupStatus = strawberry.field(description="How far it is.")
    reason: str | None = strawberry.field(description="What it waits for, or was refused for.")
    at: datetime | None = strawberry.field(description="Since when.")


async def _resolve(root: Node, info: Info) -> list[SetupState] | None:
    found = await root.scope.load_setup(root.record.id, info.root_path)
    return None if found is None else [shown(state) for state in found]


setup = strawberry.field(
    resolver=_resolve,
    description=(
        "Every system that must have the project beside its anchor: those with copies of it. It "
        "is set up, and may be activated, when all are LINKED."
    ),
    directives=[Owner(system=System.HUB)],
)


async def retry_project_setup(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="The project.")],
    system: Annotated[System, strawberry.argument(description="Whom to send it to again.")],
) -> SetupState:
    return shown(await info.request.services.setups.send_again(id, system))


def shown(state: canon.SetupState) -> SetupState:
    """As the graph tells it."""
    return SetupState(system=state.system, status=state.status, reason=state.reason, at=state.at)
