"""What one request has read so far: its policy and budget, where parts came from, what failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schema.errors import ConcordError, Unavailable
from schema.system import System
from sync.policy import LIVE, ReadPolicy
from sync.read.parts import Parts, oldest
from sync.records import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One failed fetch whose part could not be served from the projection either.

    `affected` is the number of records that lack the part.
    """

    system: System
    code: str
    message: str
    is_retryable: bool
    affected: int
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One owner's parts as they were read together: a line of `extensions.provenance`.

    `as_of` is that of the oldest part; `reason` the code of the fault that made the projection
    answer in the owner's place. `is_cut` says that the parts decided which records are listed,
    and in which order; what is shown of those is told by lines of its own.
    """

    entity: str
    owner: System
    source: Source
    as_of: datetime | None
    lag_ms: int | None
    records: int
    reason: str | None = None
    is_cut: bool = False


@dataclass(slots=True, kw_only=True)
class ReadSession:
    """One per request. After `deadline` no owner is waited for; the projection answers."""

    policy: ReadPolicy = LIVE
    deadline: datetime | None = None
    faults: list[Fault] = field(default_factory=list)
    fetches: list[Fetch] = field(default_factory=list)

    def note(
        self,
        entity: type,
        owner: System,
        parts: Parts,
        *,
        source: Source,
        now: datetime,
        reason: str | None = None,
    ) -> None:
        """Note where parts that were read together came from; `now` tells their lag."""
        as_of = oldest(parts)
        self.fetches.append(
            Fetch(
                entity=entity.__name__,
                owner=owner,
                source=source,
                as_of=as_of,
                lag_ms=_lag(as_of, now),
                records=len(parts),
                reason=reason,
            )
        )

    def note_cut(
        self, entity: type, decided: Mapping[System, datetime | None], records: int, now: datetime
    ) -> None:
        """Note that the projection's word of these owners decided which records are listed."""
        for owner, as_of in decided.items():
            self.fetches.append(
                Fetch(
                    entity=entity.__name__,
                    owner=owner,
                    source=Source.PROJECTION,
                    as_of=as_of,
                    lag_ms=_lag(as_of, now),
                    records=records,
                    is_cut=True,
                )
            )

    def blame(self, system: System, error: ConcordError, affected: int) -> None:
        """Note that `affected` records go without this system's part."""
        self.faults.append(
            Fault(
                system=system,
                code=error.code,
                message=error.message,
                is_retryable=error.is_retryable,
                affected=affected,
                retry_after=error.retry_after if isinstance(error, Unavailable) else None,
            )
        )


def _lag(as_of: datetime | None, now: datetime) -> int | None:
    return None if as_of is None else max(now - as_of, timedelta(0)) // timedelta(milliseconds=1)
