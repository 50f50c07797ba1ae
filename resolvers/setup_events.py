"""The subscription to the set-up of projects: a system confirms, refuses, or is asked again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.events import CURSOR, After, record_now
from resolvers.filters import ids_of
from resolvers.policies import Read, policy_of
from schema.entities.project import Project
from schema.setup import SetupStatus
from schema.system import System
from sync.feed import StatusEvent
from sync.policy import PROJECTED, ReadPolicy
from sync.setup import ProjectSetup


@strawberry.input(description="Which events to send; all conditions must hold.")
class ProjectSetupEventFilter:
    project_id: list[strawberry.ID] | None = strawberry.field(
        description="Of any of these Projects.", default=None
    )
    system: list[System] | None = strawberry.field(
        description="In any of these systems.", default=None
    )
    to: list[SetupStatus] | None = strawberry.field(
        description="Into any of these states.", default=None
    )


@strawberry.type(description="One system got further with the set-up of a project, or was stopped.")
class ProjectSetupChanged:
    cursor: str = strawberry.field(description=CURSOR)
    system: System = strawberry.field(description="The system.")
    before: SetupStatus = strawberry.field(description="How far it was.")
    after: SetupStatus = strawberry.field(description="How far it is.")
    at: datetime = strawberry.field(description="When.")
    project: Any = record_now(Project)
    record_id: strawberry.Private[str]
    policy: strawberry.Private[ReadPolicy]


async def _subscribe(
    info: Info,
    filter: Annotated[
        ProjectSetupEventFilter | None, strawberry.argument(description="Which events to send.")
    ] = None,
    after: After = None,
    read: Read = None,
) -> AsyncGenerator[ProjectSetupChanged, None]:
    policy, only = policy_of(read, PROJECTED), _selector(filter or ProjectSetupEventFilter())
    feed = info.request.services.feed
    async with aclosing(feed.follow(ProjectSetup, after=after, only=only)) as events:
        async for event in events:
            info.request.renew()
            yield _shown(event, policy)


project_setup_changed = strawberry.subscription(
    resolver=_subscribe,
    description=(
        "Every time a system confirms a project, refuses it or is sent it again. A refusal stands "
        "in `project.setup`, with its reason; `retryProjectSetup` sends it again."
    ),
)


def _selector(given: ProjectSetupEventFilter) -> Callable[[StatusEvent], bool]:
    """Raises Invalid for an id of another type, or for too many."""
    ids = ids_of(Project, given.project_id)
    systems = None if given.system is None else {one.value for one in given.system}
    states = None if given.to is None else {one.value for one in given.to}

    def only(event: StatusEvent) -> bool:
        return (
            (ids is None or event.record_id in ids)
            and (systems is None or event.subject["system"] in systems)
            and (states is None or event.after in states)
        )

    return only


def _shown(event: StatusEvent, policy: ReadPolicy) -> ProjectSetupChanged:
    return ProjectSetupChanged(
        cursor=event.cursor,
        system=System(event.subject["system"]),
        before=SetupStatus(event.before),
        after=SetupStatus(event.after),
        at=event.at,
        record_id=event.record_id,
        policy=policy,
    )
