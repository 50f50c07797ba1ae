"""How a mutation ends: with what was written, or with the business reason why it was not.

A refusal of the business (the owner's rule, a step the lifecycle lacks, a record that has moved
on) is an answer with its own type. What is wrong with the request, or with a system, is an error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from operator import getitem
from typing import Annotated, Any, Union

import strawberry

from resolvers.nodes.canon import nullable_node
from schema.errors import ConcordError, Conflict, NotAllowed, Rejected
from schema.system import System


@strawberry.type(description="The business says no; nothing was written.")
class Refused:
    code: str = strawberry.field(
        description="REJECTED, CONFLICT or TRANSITION_NOT_ALLOWED; see the reference of codes."
    )
    message: str = strawberry.field(description="What failed, in its owner's words, and what next.")
    system: System | None = strawberry.field(description="Who says no.")
    owner_code: str | None = strawberry.field(description="The owner's own code for it.")
    current_state: str | None = strawberry.field(
        description="For a step that is not allowed: where the record stands."
    )
    allowed_actions: list[str] | None = strawberry.field(
        description="For a step that is not allowed: what can be asked for instead."
    )


@cache
def written_type(entity: type, member: str) -> Any:
    """The type of a write that took place: the record under its own name, and the token."""
    fields = {
        member: strawberry.field(
            graphql_type=nullable_node(entity), description="The record, read live."
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
    """What a mutation of the type answers: written or refused."""
    either = getitem(Union, (written_type(entity, member), Refused))
    described = f"How a write of a {entity.__name__} ended."
    union = strawberry.union(f"{entity.__name__}Outcome", description=described)
    return getitem(Annotated, (either, union))


async def refusable(write: Callable[[], Awaitable[Any]]) -> Any:
    """What `write` answers, or the business refusal it raises."""
    try:
        return await write()
    except (Rejected, Conflict, NotAllowed) as refusal:
        return _refused(refusal)


def _refused(refusal: ConcordError) -> Refused:
    step = refusal if isinstance(refusal, NotAllowed) else None
    return Refused(
        code=refusal.code,
        message=refusal.message,
        system=refusal.system,
        owner_code=refusal.owner_code,
        current_state=step.current if step else None,
        allowed_actions=list(step.allowed) if step else None,
    )
