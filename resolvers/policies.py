"""The `read` argument: how fresh an answer must be."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import strawberry

from schema.errors import Invalid
from sync.policy import LIVE, PROJECTED, PolicyKind, ReadPolicy


@strawberry.input(
    name="ReadPolicy",
    one_of=True,
    description=(
        "How fresh the answer must be; nested fields inherit it. Without one, owners are asked "
        "live, and the projection answers in the place of an owner that fails."
    ),
)
class ReadPolicyInput:
    live: strawberry.Maybe[bool] = strawberry.field(
        description="`true`: ask the owners.", default=None
    )
    projected: strawberry.Maybe[bool] = strawberry.field(
        description="`true`: ask the projection only; no owner is called.", default=None
    )
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
    """Raises Invalid for a negative age and for `live: false` or `projected: false`."""
    if read is None:
        return default
    if read.after:
        return ReadPolicy(kind=PolicyKind.AFTER, token=read.after.value)
    if read.max_age_seconds:
        return _no_older_than(read.max_age_seconds.value)
    chosen = read.live or read.projected
    if chosen is None or not chosen.value:
        raise Invalid("Say `live: true` or `projected: true`, or leave `read` out.")
    return LIVE if read.live else PROJECTED


def _no_older_than(seconds: int) -> ReadPolicy:
    if seconds < 0:
        raise Invalid(f"maxAgeSeconds must be 0 or more, not {seconds}.")
    return ReadPolicy(kind=PolicyKind.MAX_AGE, max_age=timedelta(seconds=seconds))
