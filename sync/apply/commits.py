"""When the changes of a batch were committed at their owners; pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, TypeGuard

from schema.position import LogPartition
from sync.changes import Change, Incoming, Touched

_NO_TIME = datetime(2001, 1, 1, tzinfo=UTC)
"""A session with a replication origin may commit without a time, which Postgres tells as 2000."""


class Commit(NamedTuple):
    """When a record's change was committed, and when the record reached the log."""

    committed_at: datetime | None
    appended_at: datetime | None


UNTOLD = Commit(None, None)


def last_commits(
    incoming: Sequence[Incoming], lanes: Collection[LogPartition]
) -> dict[LogPartition, Commit]:
    """The last streamed change of each of the `lanes`, in which all of these stand.

    A snapshot read tells nothing of a commit.
    """
    last: dict[LogPartition, Commit] = {}
    for one in reversed(incoming):
        if len(last) == len(lanes):
            break
        if _is_streamed(one) and one.as_of > _NO_TIME:
            last.setdefault(one.record.position.lane, Commit(one.as_of, one.record.appended_at))
    return last


def _is_streamed(one: Incoming) -> TypeGuard[Change | Touched]:
    """Whether it says when its owner committed: a change does, and an event does."""
    return (isinstance(one, Change) and one.lsn is not None) or (
        isinstance(one, Touched) and one.is_beside
    )
