"""The delete sweep: after a table was read again, what was not there is deleted here too.

The projection is joined against what the log has told since the reading began: whatever it did not
tell of is asked for at its owner by key, and what the owner does not know is deleted as if the
owner had said so. The drift is repaired everywhere: replicas are owed the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta

import asyncpg
import structlog

from schema.errors import ConcordError
from schema.system import System
from sync.apply.absent import Unseen, count_unseen, find_unseen, remember_absent, still_unseen
from sync.apply.readback import read_back
from sync.changes import Change
from sync.clock import Clock
from sync.connectors.binding import Binding
from sync.connectors.ports import Reads
from sync.intake import Intake, Superseded
from sync.outage import OUTAGE
from sync.resnapshots import Resnapshot, Resnapshots

log = structlog.get_logger(__name__)

_PAGE = 500
_IS_APPLIED = """
SELECT coalesce(bool_and(coalesce(next_offset, 0) >= ended.value::bigint), true)
FROM jsonb_each_text($3::jsonb) AS ended
LEFT JOIN consumer_offset o
    ON (o.consumer, o.topic, o.partition) = ($1, $2, ended.key::int)
"""


class Sweep:
    """Settles the re-snapshots whose rows are applied."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        intake: Intake,
        connectors: Mapping[System, Reads],
        resnapshots: Resnapshots,
        clock: Clock,
        *,
        consumer: str = "intake",
        read_timeout: timedelta = timedelta(seconds=10),
        again: timedelta = timedelta(seconds=1),
    ) -> None:
        self._pool = pool
        self._intake = intake
        self._connectors = connectors
        self._resnapshots = resnapshots
        self._clock = clock
        self._consumer = consumer
        self._read_timeout = read_timeout
        self._again = again

    async def run(self) -> None:
        """Sweep whatever can be swept, until cancelled; an owner that is down is waited for."""
        while True:
            try:
                await self._sweep_all()
            except OUTAGE as error:
                log.warning("sweep.waiting", why=str(error))
            await asyncio.sleep(self._again.total_seconds())

    async def _sweep_all(self) -> None:
        """One after the other; an owner that cannot be asked now keeps nobody else waiting."""
        for wanted in await self._resnapshots.read():
            if await self._is_applied(wanted):
                try:
                    await self._sweep(wanted)
                except (ConcordError, Superseded, asyncpg.TransactionRollbackError) as error:
                    log.warning("sweep.waiting", topic=wanted.topic, why=str(error))

    async def unseen(self, wanted: Resnapshot) -> int:
        """How many records the log has not told of since the re-snapshot began."""
        starts = (await self._resnapshots.known(wanted.id)).starts
        counted = [
            await count_unseen(self._pool, binding, starts, wanted.keys)
            for binding in self._bindings(wanted)
        ]
        return sum(counted)

    def _bindings(self, wanted: Resnapshot) -> list[Binding]:
        """What the table's rows own of canonical records."""
        known = self._connectors[System(wanted.system)].bindings
        return [b for b in known if b.table == wanted.table and b.owns]

    async def _is_applied(self, wanted: Resnapshot) -> bool:
        is_applied: bool = await self._pool.fetchval(
            _IS_APPLIED, self._consumer, wanted.topic, dict(wanted.ends)
        )
        return is_applied

    async def _sweep(self, wanted: Resnapshot) -> None:
        for binding in self._bindings(wanted):
            await self._sweep_binding(wanted, binding)
        await self._resnapshots.settle(wanted)
        log.info("resnapshot.done", topic=wanted.topic)

    async def _sweep_binding(self, wanted: Resnapshot, binding: Binding) -> None:
        after = ""
        while unseen := await find_unseen(
            self._pool, binding, wanted.starts, wanted.keys, after=after, limit=_PAGE
        ):
            after = unseen[-1].id
            deleted = await self._delete(binding, unseen)
            await self._resnapshots.count_deleted(wanted, deleted)

    async def _delete(self, binding: Binding, unseen: Iterable[Unseen]) -> int:
        """Delete those that the owner does not know, and answer how many."""
        touched = [one.touch(binding, self._clock()) for one in unseen]
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                told = await read_back(connection, self._connectors, touched, self._read_timeout)
            absent = [change for change in told if change.is_delete]
            if not absent:
                return 0
            async with connection.transaction():
                return await self._apply(connection, binding, absent, unseen)

    async def _apply(
        self,
        connection: asyncpg.Connection,
        binding: Binding,
        absent: list[Change],
        unseen: Iterable[Unseen],
    ) -> int:
        free = await still_unseen(connection, self._consumer, binding, absent)
        ids = {one.key: one.id for one in unseen}
        deletes = {ids[change.key]: change for change in absent if change.key in free}
        await self._intake.take_read(connection, list(deletes.values()))
        await remember_absent(connection, binding, deletes)
        return len(deletes)
