"""The `read` argument: how fresh an answer must be."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Annotated

import strawberry

from schema.errors import Invalid
from sync.policy import LIVE, PROJECTED, PolicyKind, ReadPolicy


@strawberry.enum(description="Who is asked.")
class ReadMode(Enum):
    LIVE = strawberry.enum_value(
        "live", description="The owners; the projection answers in the place of one that fails."
    )
    PROJECTED = strawberry.enum_value(
        "projected", description="The projection only; no owner is called."
    )


@strawberry.input(
    name="ReadPolicy",
    one_of=True,
    description=(
        "How fresh the answer must be; nested fields inherit it. Without one, queries are LIVE."
    ),
)
class ReadPolicyInput:
    mode: strawberry.Maybe[ReadMode] = strawberry.field(description="Who is asked.", default=None)
    max_age_seconds: strawberry.Maybe[int] = strawberry.field(
        description="Take from the projection what was true within this many seconds.",
        default=None,
    )
    after: strawberry.Maybe[str] = strawberry.field(
        description="A mutation's `token`: the answer shows that write.", default=None
    )


Read = Annotated[
    ReadPolicyInput | None, strawberry.argument(description="How fresh the answer must be.")
]


def policy_of(read: ReadPolicyInput | None, default: ReadPolicy = LIVE) -> ReadPolicy:
    """Raises Invalid for a negative age."""
    if read is None:
        return default
    if read.after:
        return ReadPolicy(kind=PolicyKind.AFTER, token=read.after.value)
    if read.max_age_seconds:
        return _no_older_than(read.max_age_seconds.value)
    return PROJECTED if read.mode and read.mode.value is ReadMode.PROJECTED else LIVE


def _no_older_than(seconds: int) -> ReadPolicy:
    if seconds < 0:
        raise Invalid(f"maxAgeSeconds must be 0 or more, not {seconds}.")
    return ReadPolicy(kind=PolicyKind.MAX_AGE, max_age=timedelta(seconds=seconds))
