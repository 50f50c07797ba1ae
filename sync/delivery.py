"""The delivery worker: sends what is owed to the replicas, in each record's order.

Trouble is told apart by who must act. A target that does not answer is left alone for a while and
costs nothing but lag; something that has not arrived yet is waited for; a refusal is kept with the
target's words for a person; a create whose answer got lost is looked for before anything is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import asyncpg
import structlog

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
from sync.connectors.codec import version_of
from sync.connectors.ports import Writes
from sync.deliver.outbox import CHANNEL, Delivery, Outbox
from sync.deliver.replica import Gone, NotYet, Replica, Written, differing
from sync.deliver.retry import Backoff
from sync.read.projected import Projected
from sync.records import json_form
from sync.store.bell import Bell
from sync.store.projection_tables import BY_NAME
from sync.xref import Xref

log = structlog.get_logger(__name__)

_POLL = timedelta(seconds=1)
_SETTLE = timedelta(seconds=2)
"""How long a target may take until an uncertain create can be found there."""
_MOST_ATTEMPTS = 20


class Deliverer:
    """One per process; several processes share the work."""

    def __init__(
        self,
        connectors: Mapping[System, Writes],
        xref: Xref,
        pool: asyncpg.Pool,
        random: Callable[[], float],
        *,
        backoff: Backoff | None = None,
        batch: int = 50,
        concurrency: int = 4,
        lease: timedelta = timedelta(seconds=60),
    ) -> None:
        projected = Projected(pool)
        bindings = [b for connector in connectors.values() for b in connector.bindings]
        self.targets = {binding.system for binding in bindings if binding.copies}
        self._replicas = {
            (binding.system, binding.entity): Replica(
                connectors[binding.system], binding, projected, xref
            )
            for binding in bindings
        }
        self._outbox = Outbox(pool, lease=lease)
        self._bell = Bell(pool, CHANNEL)
        self._random = random
        self._backoff = backoff or Backoff()
        self._batch = batch
        self._concurrency = concurrency
        self._outages: dict[System, int] = {}
        self._down: set[System] = set()

    async def run(self) -> None:
        """Serve every target until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for target in self.targets:
                    tasks.create_task(self._serve(target), name=f"deliver to {target.name}")
        finally:
            await self._bell.close()

    async def drain(self, target: System) -> int:
        """Send what is due now; answers how many deliveries were tried.

        A target that did not answer the last time is tried with one delivery.
        """
        limit = 1 if target in self._outages else self._batch
        claimed = await self._outbox.claim(target, limit)
        slots = asyncio.Semaphore(self._concurrency)

        async def send(delivery: Delivery) -> None:
            async with slots:
                await self._send(delivery)

        async with asyncio.TaskGroup() as tasks:
            for delivery in claimed:
                tasks.create_task(send(delivery))
        self._note_health(target, was_tried=bool(claimed))
        return len(claimed)

    async def _serve(self, target: System) -> None:
        while True:
            ring = await self._bell.next_ring()
            try:
                sent = await self.drain(target)
                wait = await self._pause(target)
            except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError) as error:
                log.warning("delivery.waiting", target=target.name, why=str(error))
                sent, wait = 0, _POLL
            if target in self._outages:
                await asyncio.sleep(wait.total_seconds())
            elif not sent:
                await Bell.wait(ring, wait)

    async def _pause(self, target: System) -> timedelta:
        outages = self._outages.get(target)
        if outages:
            return self._backoff.wait(outages, self._random)
        due = await self._outbox.next_due(target)
        return _POLL if due is None else min(due, _POLL)

    async def _send(self, delivery: Delivery) -> None:
        """Carry one delivery to an end that is written down, whatever happens."""
        try:
            if delivery.target in self._down:
                raise Unavailable(f"{delivery.target.name} is down", system=delivery.target)
            await self._outbox.settle(delivery, await self._deliver(delivery))
        except Gone:
            await self._outbox.settle(delivery, "the owner deleted it")
        except Unavailable as error:
            await self._outage(delivery, error)
        except OutcomeUnknown as error:
            await self._outbox.retry(delivery, _SETTLE, error.message)
        except (NotYet, Conflict) as error:
            await self._again(delivery, str(error))
        except (Rejected, Invalid, NotFound) as error:
            log.warning("delivery.dead", target=delivery.target.name, why=error.message)
            await self._outbox.bury(delivery, error.message)
        except (ConcordError, ValueError, TypeError, KeyError) as error:
            log.exception("delivery.failed", target=delivery.target.name)
            await self._again(delivery, f"{type(error).__name__}: {error}")

    async def _deliver(self, delivery: Delivery) -> str | None:
        replica = self._replicas.get((delivery.target, BY_NAME[delivery.entity]))
        if replica is None:
            return "the target holds no copy"
        values = await replica.wanted(delivery.record_id)
        key = await replica.find(delivery.record_id, values)
        if key is None:
            written = await replica.create(delivery.record_id, values)
            sent = {n: v for n, v in values.items() if n in replica.binding.copies}
        else:
            owed = {n: v for n, v in values.items() if n in delivery.fields}
            copied = {n: v for n, v in owed.items() if n in replica.binding.copies}
            sent = differing(copied, await self._outbox.held(delivery))
            if not sent:
                return "the target holds it already"
            written = await replica.update(key, sent)
        await self._note(delivery, replica, written, sent)
        return None

    async def _note(
        self, delivery: Delivery, replica: Replica, written: Written, sent: Mapping[str, object]
    ) -> None:
        copies = {name: json_form(value) for name, value in sent.items()}
        version = version_of(replica.binding, written.row)
        await self._outbox.wrote(delivery, written.key, copies, version)
        log.info(
            "delivery.delivered",
            target=delivery.target.name,
            record=delivery.record_id,
            fields=sorted(sent),
        )

    async def _outage(self, delivery: Delivery, error: Unavailable) -> None:
        """The target's trouble, not the record's: it is put back without counting the attempt."""
        self._down.add(delivery.target)
        wait = error.retry_after or timedelta(0)
        await self._outbox.retry(delivery, wait, error.message, counts=False)

    def _note_health(self, target: System, *, was_tried: bool) -> None:
        if target in self._down:
            self._down.discard(target)
            self._outages[target] = self._outages.get(target, 0) + 1
            log.warning("delivery.target_down", target=target.name, outage=self._outages[target])
        elif was_tried:
            self._outages.pop(target, None)

    async def _again(self, delivery: Delivery, why: str) -> None:
        if delivery.attempts >= _MOST_ATTEMPTS:
            await self._outbox.bury(delivery, why)
            return
        wait = self._backoff.wait(delivery.attempts, self._random)
        await self._outbox.retry(delivery, wait, why)
