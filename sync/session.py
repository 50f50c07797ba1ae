"""What one request has read so far: its policy and budget, where parts came from, what failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schema.errors import ConcordError, Unavailable
from schema.system import System
from sync.policy import LIVE, ReadPolicy
from sync.read.parts import Parts
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
    answer in the owner's place.
    """

    entity: str
    owner: System
    source: Source
    as_of: datetime | None
    lag_ms: int | None
    records: int
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class ReadSession:
    """One per request. After `deadline` no owner is waited for; the projection answers.

    With `is_sparse`, what owners give beyond the fields asked for is not looked at.
    """

    policy: ReadPolicy = LIVE
    deadline: datetime | None = None
    is_sparse: bool = False
    faults: list[Fault] = field(default_factory=list)
    fetches: list[Fetch] = field(default_factory=list)

    def decoded(self, stored: frozenset[str]) -> frozenset[str] | None:
        """Which fields of an owner's rows to decode when these are wanted; None for all."""
        return stored if self.is_sparse else None

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
        moments = [p.provenance.as_of for p in parts.values() if p.provenance.as_of is not None]
        as_of = min(moments, default=None)
        lag = None if as_of is None else max(now - as_of, timedelta(0))
        self.fetches.append(
            Fetch(
                entity=entity.__name__,
                owner=owner,
                source=source,
                as_of=as_of,
                lag_ms=None if lag is None else lag // timedelta(milliseconds=1),
                records=len(parts),
                reason=reason,
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
