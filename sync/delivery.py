"""The delivery worker: sends what is owed to the replicas, in each record's order.

Trouble is told apart by who must act. A target that does not answer is left alone for a while and
costs nothing but lag; something that has not arrived yet is waited for; a refusal is kept with the
target's words for a person; a create whose answer got lost is looked for before anything is sent.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

import asyncpg
import structlog

from schema.canon import BY_NAME
from schema.errors import (
    ConcordError,
    Conflict,
    Invalid,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from schema.system import System
from sync.connectors.ports import Removes, Writes
from sync.deliver.attempt import Attempt, Overtaken
from sync.deliver.health import Health
from sync.deliver.outbox import CHANNEL, Delivery, Outbox
from sync.deliver.replica import NotYet, replicas_of
from sync.deliver.retry import Pace
from sync.outage import OUTAGE
from sync.read.projected import Projected
from sync.store.bell import Bell
from sync.xref import Xref

log = structlog.get_logger(__name__)

_MOST_ATTEMPTS = 20
_NOTHING = timedelta(0)
_DATABASE_TROUBLE = (*OUTAGE, asyncpg.PostgresError)


class Deliverer:
    """One per process; several processes share the work."""

    def __init__(
        self,
        connectors: Mapping[System, Writes],
        xref: Xref,
        pool: asyncpg.Pool,
        random: Callable[[], float],
        pace: Pace | None = None,
        *,
        removes: Mapping[System, Removes] | None = None,
    ) -> None:
        self._pace = pace or Pace()
        self._random = random
        self._replicas = replicas_of(connectors, Projected(pool), xref, removes or {})
        bindings = [replica.binding for replica in self._replicas.values()]
        self.targets = {binding.system for binding in bindings if binding.copies}
        self._health = {
            target: Health(time.monotonic, random, self._pace.probing) for target in connectors
        }
        self._outbox = Outbox(pool, lease=self._pace.lease)
        self._bell = Bell(pool, CHANNEL)
        self._unsettled: dict[System, list[Attempt]] = defaultdict(list)

    async def run(self) -> None:
        """Serve every target until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for target in self.targets:
                    tasks.create_task(self._serve(target), name=f"deliver to {target.name}")
        finally:
            await self._bell.close()

    async def drain(self, target: System) -> int:
        """Send what is due now; answers how many deliveries were claimed.

        A target that did not answer is left alone for a moment, then tried with one delivery.
        """
        health = self._health[target]
        if health.rest:
            return 0
        await self._make_up(target)
        claimed = await self._outbox.claim(target, self._pace.batch if health.is_sound else 1)
        slots = asyncio.Semaphore(self._pace.concurrency)

        async def send(delivery: Delivery) -> None:
            async with slots:
                await self._send(delivery)

        async with asyncio.TaskGroup() as tasks:
            for delivery in claimed:
                tasks.create_task(send(delivery))
        return len(claimed)

    async def _serve(self, target: System) -> None:
        health = self._health[target]
        while True:
            ring = await self._bell.next_ring()
            try:
                claimed = await self.drain(target)
                idle = _NOTHING if claimed else await self._idle(target)
            except _DATABASE_TROUBLE as error:
                log.warning("delivery.waiting", target=target.name, why=str(error))
                claimed, idle = 0, self._pace.poll
            if health.rest:
                await asyncio.sleep(health.rest.total_seconds())
            elif not claimed:
                await Bell.wait(ring, idle)

    async def _idle(self, target: System) -> timedelta:
        due = await self._outbox.next_due(target)
        return self._pace.poll if due is None else min(due, self._pace.poll)

    async def _send(self, delivery: Delivery) -> None:
        """Carry one delivery to an end that is written down.

        Where it cannot be written down, it is made up for later, or the lease brings it back.
        """
        answered = partial(self._answered, delivery.target)
        attempt = Attempt(delivery, self._outbox, answered)
        try:
            if self._health[delivery.target].rest:
                await self._outbox.retry(delivery, _NOTHING, "the target is down", counts=False)
            elif await self._outbox.renew(delivery) and not await self._carry(attempt):
                await self._overtaken(attempt)
        except _DATABASE_TROUBLE as error:
            log.warning("delivery.unsettled", **delivery.named, why=str(error))
            if attempt.sent:
                self._unsettled[delivery.target].append(attempt)

    async def _make_up(self, target: System) -> None:
        """Put back what may have been sent and could not be settled, or owe it again."""
        unsettled = self._unsettled[target]
        while unsettled:
            delivery = unsettled[-1].delivery
            why = "the database did not answer"
            if not await self._outbox.retry(delivery, _NOTHING, why, counts=False):
                await self._overtaken(unsettled[-1])
            unsettled.pop()

    async def _overtaken(self, attempt: Attempt) -> None:
        """The delivery is another's: what we sent may have come after newer values."""
        log.warning("delivery.overtaken", **attempt.delivery.named, fields=sorted(attempt.sent))
        if attempt.sent:
            await self._outbox.owe_again(attempt.delivery, attempt.sent)

    async def _carry(self, attempt: Attempt) -> bool:
        """Whether the delivery was still ours when it came to its end."""
        delivery = attempt.delivery
        try:
            replica = self._replicas.get((delivery.target, BY_NAME[delivery.entity]))
            note = await attempt.carry_out(replica) if replica else "the target holds no copy"
            return await self._outbox.settle(delivery, note)
        except Overtaken:
            return False
        except NotYet as missing:
            wait = self._pace.missing.wait(delivery.attempts, self._random)
            return await self._outbox.retry(delivery, wait, str(missing))
        except Unavailable as error:
            self._no_answer(delivery.target, error, error.retry_after)
            wait = error.retry_after or _NOTHING
            return await self._outbox.retry(delivery, wait, error.message, counts=False)
        except OutcomeUnknown as error:
            was_sound = self._no_answer(delivery.target, error)
            return await self._again(delivery, error.message, self._pace.settle, counts=was_sound)
        except Conflict as error:
            return await self._again(delivery, error.message)
        except (Rejected, NotFound, Invalid) as error:
            return await self._bury(delivery, error)
        except _DATABASE_TROUBLE:
            raise
        except Exception as error:  # one record's bug must not stop the others
            log.exception("delivery.failed", **delivery.named)
            return await self._again(delivery, f"{type(error).__name__}: {error}")

    def _no_answer(
        self, target: System, error: ConcordError, asked: timedelta | None = None
    ) -> bool:
        """Leave the target alone for a while; answers whether it was sound until now."""
        was_sound = self._health[target].is_sound
        if was_sound:
            log.warning("delivery.target_down", target=target.name, why=error.message)
        self._health[target].failed(asked)
        return was_sound

    def _answered(self, target: System) -> None:
        was_sound = self._health[target].is_sound
        self._health[target].answered()
        if self._health[target].is_sound and not was_sound:
            log.info("delivery.target_back", target=target.name)

    async def _again(
        self, delivery: Delivery, why: str, asked: timedelta | None = None, *, counts: bool = True
    ) -> bool:
        """Try again later; an attempt that counts may have been the last."""
        if counts and delivery.attempts >= _MOST_ATTEMPTS:
            log.warning("delivery.dead", **delivery.named, why=why)
            return await self._outbox.bury(delivery, why)
        wait = self._pace.refused.wait(delivery.attempts, self._random, asked)
        return await self._outbox.retry(delivery, wait, why, counts=counts)

    async def _bury(self, delivery: Delivery, refusal: ConcordError) -> bool:
        if refusal.system is not None:
            self._answered(delivery.target)
        code = f"{refusal.owner_code}: " if refusal.owner_code else ""
        log.warning("delivery.dead", **delivery.named, why=code + refusal.message)
        return await self._outbox.bury(delivery, code + refusal.message)
