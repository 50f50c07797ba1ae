"""How a mutation ends: with what was written, or with the business reason why it was not.

A refusal of the business (the owner's rule, a step the lifecycle lacks, a record that has moved
on) is an answer with its own type. What is wrong with the request, or with a system, is an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from functools import cache
from operator import getitem
from typing import Annotated, Any, Union

import strawberry

from resolvers.nodes.actions import AvailableAction, shown
from resolvers.nodes.canon import nullable_node
from schema import errors
from schema.lifecycles import LIFECYCLES
from schema.system import System


@strawberry.enum(description="Why the business says no.")
class RefusalCode(Enum):
    REJECTED = strawberry.enum_value(
        errors.Rejected.code, description="A rule of the owner: change the business facts."
    )
    CONFLICT = strawberry.enum_value(
        errors.Conflict.code, description="The record has moved on: read it again, then decide."
    )
    TRANSITION_NOT_ALLOWED = strawberry.enum_value(
        errors.NotAllowed.code, description="Its state has no such step: ask for one it has."
    )


@strawberry.interface(description="The business says no; nothing was written.")
class Refused:
    code: RefusalCode = strawberry.field(description="Why.")
    message: str = strawberry.field(description="What failed, in its owner's words, and what next.")


@strawberry.type(description="A rule of the owner forbids it.")
class RejectedByOwner(Refused):
    system: System = strawberry.field(description="The owner.")
    owner_code: str | None = strawberry.field(description="The owner's own code for the rule.")


@strawberry.type(description="The record is no longer what it was when it was read.")
class Stale(Refused):
    system: System | None = strawberry.field(description="The owner, which holds a newer one.")


@strawberry.type(description="The record stands where it has no such step.")
class ActionNotAllowed(Refused):
    current_state: str = strawberry.field(description="Where it stands.")
    available_actions: list[AvailableAction] = strawberry.field(
        description="What can be asked for instead."
    )


@cache
def written_type(entity: type, member: str) -> Any:
    """The type of a write that took place: the record under its own name, and the token."""
    fields = {
        member: strawberry.field(
            graphql_type=nullable_node(entity),
            description=(
                "The record, read live; null where reading it back failed: the write took place."
            ),
        ),
        "token": strawberry.field(
            description="Pass it as `read: {after: token}` and the answer shows this write."
        ),
    }
    declared = type(
        f"{entity.__name__}Written", (), {**fields, "__annotations__": {member: Any, "token": str}}
    )
    return strawberry.type(declared, description="The write took place.")


@cache
def outcome_of(entity: type, member: str) -> Any:
    """What a mutation of the type answers: written, or refused in one of the possible ways."""
    refusals = (RejectedByOwner, Stale, *((ActionNotAllowed,) if entity in LIFECYCLES else ()))
    either = getitem(Union, (written_type(entity, member), *refusals))
    described = f"How a write of one {entity.__name__} ended."
    union = strawberry.union(f"{entity.__name__}Outcome", description=described)
    return getitem(Annotated, (either, union))


async def refusable(entity: type, write: Callable[[], Awaitable[Any]]) -> Any:
    """What `write` answers, or the business refusal it raises."""
    try:
        return await write()
    except errors.Rejected as refusal:
        return RejectedByOwner(
            code=RefusalCode.REJECTED,
            message=refusal.message,
            system=refusal.system,
            owner_code=refusal.owner_code,
        )
    except errors.Conflict as refusal:
        return Stale(code=RefusalCode.CONFLICT, message=refusal.message, system=refusal.system)
    except errors.NotAllowed as refusal:
        return _not_allowed(entity, refusal)


def _not_allowed(entity: type, refusal: errors.NotAllowed) -> ActionNotAllowed:
    lifecycle = LIFECYCLES[entity]
    steps = [
        transition
        for transition in lifecycle.transitions
        if transition.action in refusal.allowed
        and any(source.name == refusal.current for source in transition.sources)
    ]
    return ActionNotAllowed(
        code=RefusalCode.TRANSITION_NOT_ALLOWED,
        message=refusal.message,
        current_state=refusal.current,
        available_actions=[shown(lifecycle, step) for step in steps],
    )
