"""An owner that is reached by its API alone, in memory, and a hub that follows it.

Its clock may be wrong, its commits late, and things happen between the pages it answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from cdc.capture.api_capture import ApiCapture, Rhythm
from cdc.capture.api_rows import Collection
from cdc.capture.poll import Desk, poll_turn
from cdc.capture.sweep import Sweeper
from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from schema.entity import FilterOp
from schema.system import System
from sync.clock import utc_now
from sync.connectors.binding import Binding, Row
from sync.connectors.hr import LEGAL_ENTITY, RESOURCE
from sync.connectors.ports import ChangedQuery, RowQuery, Rows
from sync.intake import Intake
from sync.resnapshots import Resnapshots
from sync.xref import Xref

START = datetime(2026, 11, 20, 8, tzinfo=UTC)
OVERLAP = timedelta(minutes=5)
PAGE = 3
_HELD = "SELECT hr_key, name FROM projection.resource WHERE hr_deleted_at IS NULL"

Happens = Callable[[], None]


class Killed(Exception):
    """The process is gone; nothing after this ran."""


class PolledHr:
    """People by their number. `happens` is done once, between two pages; `clock` is its own."""

    system = System.HR
    bindings: tuple[Binding, ...] = (RESOURCE, LEGAL_ENTITY)

    def __init__(self) -> None:
        self.clock = START
        self.people: dict[str, dict[str, Any]] = {}
        self.happens: list[Happens | None] = []
        self.pages = 0

    async def close(self) -> None: ...

    def write(self, number: str, name: str, *, at: datetime | None = None) -> None:
        """Hire or change; `at` is the time the row bears, the present one unless told."""
        known = self.people.get(number, {"version": 0})
        nothing = dict.fromkeys(["grade", "reports_to", "work_pattern", "left_on", "cost_rates"])
        self.people[number] = {
            **nothing,
            "employee_number": number,
            "full_name": name,
            "work_email": f"{number.lower()}@firm.example",
            "worker_type": "EMPLOYEE",
            "employment_status": "ACTIVE",
            "country": "NL",
            "time_zone": "Europe/Amsterdam",
            "entity_code": "NL01",
            "hired_on": "2020-01-01",
            "version": known["version"] + 1,
            "updated_at": (at or self.clock).isoformat(),
        }

    def remove(self, number: str) -> None:
        self.people.pop(number, None)

    def pass_time(self, seconds: float = 1) -> None:
        self.clock += timedelta(seconds=seconds)

    async def fetch(self, query: RowQuery) -> Rows:
        """By key; the intake reads back through this, too."""
        rows = sorted(self._of(query.binding), key=lambda row: row["employee_number"])
        for condition in query.where:
            assert condition.op is FilterOp.IN
            rows = [row for row in rows if row[condition.column] in condition.value]
        behind = [r for r in rows if query.after is None or r["employee_number"] > query.after]
        page = self._page(behind, query.limit)
        if not query.where:
            self._turn_page()
        return page

    async def changed(self, query: ChangedQuery) -> Rows:
        def place(row: Row) -> tuple[datetime, str]:
            return datetime.fromisoformat(row["updated_at"]), row["employee_number"]

        rows = sorted(self._of(query.binding), key=place)
        due = [row for row in rows if query.since is None or place(row)[0] >= query.since]
        page = self._page(
            [row for row in due if query.after is None or place(row) > query.after], query.limit
        )
        self._turn_page()
        return page

    def _of(self, binding: Binding) -> list[dict[str, Any]]:
        return list(self.people.values()) if binding.resource == "employees" else []

    def _page(self, rows: list[dict[str, Any]], limit: int) -> Rows:
        return Rows(rows=tuple(map(dict, rows[:limit])), has_more=len(rows) > limit)

    def _turn_page(self) -> None:
        self.pages += 1
        if self.happens and (happens := self.happens.pop(0)) is not None:
            happens()


class Following:
    """A hub that polls HR: `poll` and `sweep` are turns of its capture, `apply` of its listener."""

    def __init__(self, owner: PolledHr, dsn: str, pool: asyncpg.Pool, log: PostgresLog) -> None:
        self.owner = owner
        self.pool = pool
        self.log = log
        self._dsn = dsn
        self.start()

    def start(self) -> None:
        """A new process: what the former one remembered is gone."""
        people = Collection(bindings=(RESOURCE,))
        self.desk = Desk(people, self.log, self.pool, lambda: self.owner.clock)
        self.sweeper = Sweeper(self.desk, self.owner, self.log, self.pool, limit=PAGE)

    async def poll(self) -> int:
        return await poll_turn(self.desk, self.owner, OVERLAP, limit=PAGE)

    async def sweep(self) -> int:
        return await self.sweeper.sweep()

    async def apply(self) -> None:
        """Apply all that is in the log."""
        consumer = PostgresConsumer(dsn=self._dsn, group="intake", prefixes=("hr.",))
        intake = Intake(self.pool, Xref(self.pool), {System.HR: self.owner}, utc_now)
        pace = Pace(batch=4, wait=timedelta(milliseconds=50))
        listener = Listener(consumer, Decoder(self.owner.bindings), intake, pace)
        try:
            while await self._waiting():
                await listener.step()
        finally:
            await listener.close()

    async def held(self) -> dict[str, str]:
        return dict(await self.pool.fetch(_HELD))

    async def appended(self) -> int:
        count: int = await self.pool.fetchval("SELECT count(*) FROM log_record")
        return count

    def capture(
        self, rhythm: Rhythm | None = None, resnapshots: Resnapshots | None = None
    ) -> ApiCapture:
        """The whole capture, as the hub runs it."""
        now = lambda: self.owner.clock  # noqa: E731
        of = self.owner, self.log, self.pool, now
        return ApiCapture(*of, polls=self.owner, rhythm=rhythm, resnapshots=resnapshots)

    async def _waiting(self) -> int:
        applied = "SELECT coalesce(sum(next_offset), 0) FROM consumer_offset"
        appended = "SELECT coalesce(sum(next_offset), 0) FROM log_partition"
        waiting: int = await self.pool.fetchval(f"SELECT ({appended}) - ({applied})")
        return waiting


@asynccontextmanager
async def following(
    dsn: str, pool: asyncpg.Pool, owner: PolledHr | None = None, *, partitions: int = 2
) -> AsyncIterator[Following]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as plain:
        log = PostgresLog(plain, partitions=partitions)
        yield Following(owner or PolledHr(), dsn, pool, log)
