"""The load of a kill test: owners at work, people who meddle in a replica, processes that die.

Everything is drawn by one seed and counted, so that a run can say what it has met. What it never
met it did not test.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
from support.busier import MOVES, BusyFirm
from support.members import lanes_of_members
from support.moody import MOODS, Moody
from support.mortal import Mortal
from support.processes import Worker
from support.targets import until

from cdc.log.port import NewRecord
from cdc.log.postgres import PostgresLog
from schema.errors import Unavailable
from sync.outage import OUTAGE

FAULTS = {"kill listener", "kill deliverer", "kill capture", "kill postgres", "freeze listener"}
WHIM = "somebody-"
"""What people write in a replica begins like this, and nothing else does."""
_WEIGHTS = {"listener": 4, "deliverer": 3, "postgres": 2, "capture": 2}
_FREEZES = 3
_STEPS, _EVERY_S = 8, 0.1
_LONGEST_S = 30
"""So long what is rare may still come once the killing is over."""
_APPLIED = "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_offset"
_ENDS = "SELECT coalesce(sum(next_offset), 0)::bigint FROM log_partition WHERE topic = ANY($1)"
_SENDING = "SELECT count(*) FROM delivery WHERE state = 'sending'"
_MEDDLE = """
UPDATE clients SET account_owner = $2, version = version + 1, updated_at = now() WHERE id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The processes of a hub. Two listeners share the log."""

    listeners: tuple[Worker, Worker]
    deliverer: Worker
    capture: Worker
    postgres: Mortal

    @property
    def workers(self) -> tuple[Worker, ...]:
        return (*self.listeners, self.deliverer, self.capture)


class Storm:
    """`firm` and `moody` are what it blows from; `interrupted` counts deliveries cut off."""

    def __init__(self, seed: int, moody: Moody, pool: asyncpg.Pool, replica: asyncpg.Pool) -> None:
        self.firm = BusyFirm(seed, records=150, garbage=0.8)
        self.interrupted = 0
        self._seed = seed
        self._moody = moody
        self._rng, self._whims = random.Random(seed), random.Random(seed)
        self._pool = pool
        self._replica = replica
        self._faults: Counter[str] = Counter()
        self._appended = 0
        self._is_over = asyncio.Event()

    def report(self) -> str:
        """What was produced, so that somebody can judge the run and repeat it."""
        told = ", ".join(f"{count} x {name}" for name, count in sorted(self._met.items()))
        return f"CONCORD_SEED={self._seed}: {told}; {self.interrupted} deliveries cut off"

    def assert_has_met_everything(self) -> None:
        assert not self._missing, f"never produced: {sorted(self._missing)}"
        assert self.interrupted, "no kill met a delivery under way"

    @property
    def _met(self) -> Counter[str]:
        return self.firm.produced + self._faults + self._moody.met

    @property
    def _missing(self) -> set[str]:
        return {"meddle", *MOVES, *FAULTS, *MOODS} - self._met.keys()

    def plan(self, kills: int) -> list[str]:
        """Who is killed, in order, and when a listener hangs instead."""
        names = [name for name, weight in _WEIGHTS.items() for _ in range(weight)]
        victims = (names * (kills // len(names) + 1))[:kills] + ["zombie"] * _FREEZES
        self._rng.shuffle(victims)
        return victims

    @asynccontextmanager
    async def blowing(self, dsn: str) -> AsyncIterator[None]:
        """The owners and the meddlers at work while the block runs, and until all has been met.

        In the end the strays are linked, and the replica is in a good mood.
        """
        async with (
            asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._work(PostgresLog(pool), pool))
            yield
            self._is_over.set()

    async def strike(self, victim: str, roles: Roles) -> None:
        """Kill somebody at some moment and start it again, or let a listener hang."""
        if self._rng.random() < 0.75:  # otherwise it may die while it starts
            await self._progress(roles)
        await roles.capture.runs_for(self._rng.uniform(0, 0.4))
        for worker in roles.workers:
            worker.is_alive()
        if victim == "zombie":
            await self._freeze(self._rng.choice(roles.listeners))
            return
        self._faults[f"kill {victim}"] += 1
        match victim:
            case "postgres":
                await roles.postgres.die()
                await roles.deliverer.runs_for(self._rng.uniform(0, 0.5))
                await roles.postgres.rise()
            case "listener":
                await _replace(self._rng.choice(roles.listeners))
            case "capture":
                await _replace(roles.capture)
            case "deliverer":
                await roles.deliverer.kill()
                self.interrupted += await self._pool.fetchval(_SENDING)
                await roles.deliverer.start()

    async def _work(self, log: PostgresLog, pool: asyncpg.Pool) -> None:
        while not self._is_over.is_set():
            await self._gust(log, pool)
        last_at = time.monotonic() + _LONGEST_S
        while self._missing and time.monotonic() < last_at:
            await self._gust(log, pool)
        await self._append(log, self.firm.link_strays(), pool)
        self._moody.is_moody = False

    async def _gust(self, log: PostgresLog, pool: asyncpg.Pool) -> None:
        await self._append(log, [one for _ in range(_STEPS) for one in self.firm.step()], pool)
        await self._meddle()
        await asyncio.sleep(_EVERY_S)

    async def _freeze(self, zombie: Worker) -> None:
        """It hangs, whatever it was doing, until the other has taken over; then it wakes up."""
        self._faults["freeze listener"] += 1
        await self._members(2)
        zombie.freeze()
        await self._members(1)
        zombie.thaw()

    async def _members(self, count: int) -> None:
        async def are_there() -> bool:
            return len(await lanes_of_members(self._pool)) == count

        await until(are_there, seconds=60)

    async def _progress(self, roles: Roles) -> None:
        before = await self._pool.fetchval(_APPLIED)

        async def has_applied() -> bool:
            for worker in roles.workers:
                worker.is_alive()
            return bool(await self._pool.fetchval(_APPLIED) > before)

        await until(has_applied, seconds=60)

    async def _append(self, log: PostgresLog, records: list[NewRecord], pool: asyncpg.Pool) -> None:
        """All of them once, although the database may die before it says that it has them."""
        topics = [source.table for source in self.firm.sources]
        before, self._appended = self._appended, self._appended + len(records)
        async with asyncio.timeout(60):
            while True:
                try:
                    if await pool.fetchval(_ENDS, topics) == before:
                        await log.append(records)
                    return
                except (Unavailable, *OUTAGE):
                    await asyncio.sleep(0.05)

    async def _meddle(self) -> None:
        """Now and then somebody edits in the replica what belongs to another system."""
        if self._whims.random() > 0.2:
            return
        ids = [row["id"] for row in await self._replica.fetch("SELECT id FROM clients ORDER BY id")]
        if ids:
            self._faults["meddle"] += 1
            whim = f"{WHIM}{self._faults['meddle']}"
            await self._replica.execute(_MEDDLE, self._whims.choice(ids), whim)


async def _replace(worker: Worker) -> None:
    await worker.kill()
    await worker.start()
