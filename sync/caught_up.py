"""Whether the projection may decide what a list holds: it may be behind a write, or still empty."""

from __future__ import annotations

from datetime import timedelta

from schema.errors import Unavailable
from sync.policy import Paging, PolicyKind
from sync.read.projected import Projected
from sync.reading import Reading
from sync.session import ReadSession
from sync.token import unseal_token

_GLANCE = timedelta(milliseconds=100)


class CaughtUp:
    """Asked before the projection cuts or counts a list, and when it has found nothing."""

    def __init__(self, reading: Reading, projected: Projected) -> None:
        self._reading = reading
        self._projected = projected

    async def require(self, session: ReadSession, entity: type) -> None:
        """Raise Unavailable while the caller waits for a write that is not shown yet."""
        await self._reading.settle(session)
        if await self.lags(session, entity):
            raise behind(entity)

    async def lags(self, session: ReadSession, entity: type) -> bool:
        """Whether the caller waits for a write to the type that the projection does not show."""
        policy = session.policy
        if policy.kind is not PolicyKind.LIVE or policy.token is None:
            return False
        is_about = unseal_token(policy.token).entity is entity
        return is_about and not await self._reading.shows(policy, _GLANCE)

    async def require_filled(self, session: ReadSession, entity: type) -> None:
        """Raise Unavailable if nothing was found only because nothing has arrived yet."""
        if await self.may_be_empty(session, entity):
            first = await self._reading.page(session, entity, [], Paging(first=1), frozenset())
            if first.records:
                raise behind(entity)

    async def may_be_empty(self, session: ReadSession, entity: type) -> bool:
        """Whether an owner may know records of the type, and the projection none."""
        if session.policy.kind is PolicyKind.PROJECTED:
            return False
        return not await self._projected.is_filled(entity)


def behind(entity: type) -> Unavailable:
    return Unavailable(
        f"The projection decides what this list holds, and has not caught up on "
        f"{entity.__name__}; try again."
    )
