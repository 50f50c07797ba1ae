"""(c) A list of 10,000 objects from the projection, and (d) the status board, on a firm of size M.

The firm is loaded into its systems and captured like any other: a million time entries.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import httpx

from bench.machine import cpu_seconds
from bench.served import objects_in, served
from hub.running import GROUP
from hub.stage import Size, set_stage

LISTED = 10_000
BOARDS = 50
LONGEST_FILL_S = 3_000
STILL_S = 10

_APPENDED = "SELECT sum(next_offset)::bigint FROM log_partition"
_APPLIED = "SELECT sum(next_offset)::bigint FROM consumer_offset WHERE consumer = $1"
LIST = """
query ($after: String) { timeEntries(first: 100, after: $after, read: {mode: PROJECTED}) {
  pageInfo { endCursor } nodes { id workDate worked billable status note } } }
"""
BOARD = """
query ($after: String) { projectBoard(first: 50, after: $after) { pageInfo { endCursor } nodes {
  budget { amount currency } worked billable budgetUsed invoiced { amount } openInvoices holds
  openAmount { amount } unbilled { minutes amount { amount } } nextMilestone { name } asOf } } }
"""


async def bench_boards(folder: Path) -> dict[str, float]:
    started = time.monotonic()
    async with set_stage(folder, size=Size.M, say=lambda _: None) as stage:
        seeded = time.monotonic() - started
        async with (
            served(stage.settings) as (url, process),
            httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http,
        ):
            fill = await _fill(stage.settings.database_url.get_secret_value())
            listed = await _measured(process.pid, lambda: _pages(http, LIST, LISTED // 100))
            board = await _measured(process.pid, lambda: _pages(http, BOARD, BOARDS))
    return {
        "seed_m_s": seeded,
        "capture_m_s": fill.captured_s,
        "fill_m_s": fill.applied_s,
        "fill_m_events": fill.records,
        "list_10000_s": sum(listed.times),
        "list_10000_cpu_ms_per_1000": listed.cpu_ms / (LISTED / 1000),
        "board_50_projects_p50_ms": statistics.median(board.times) * 1000,
        "board_50_projects_p95_ms": statistics.quantiles(board.times, n=20)[18] * 1000,
    }


class Figures:
    """What a run took: seconds per request, and CPU of the hub process in all."""

    def __init__(self, times: Sequence[float], cpu_ms: float) -> None:
        self.times = times
        self.cpu_ms = cpu_ms


async def _measured(pid: int, run: Callable[[], Awaitable[list[float]]]) -> Figures:
    before = cpu_seconds(pid)
    times = await run()
    return Figures(times, (cpu_seconds(pid) - before) * 1000)


async def _pages(http: httpx.AsyncClient, query: str, count: int) -> list[float]:
    """Page after page, from the start again at the end; answers the seconds of each."""
    times: list[float] = []
    after = None
    while len(times) < count:
        begun = time.monotonic()
        page = await _ask(http, query, after)
        times.append(time.monotonic() - begun)
        after = page["pageInfo"]["endCursor"] if objects_in(page) else None
    return times


async def _ask(http: httpx.AsyncClient, query: str, after: str | None) -> Any:
    reply = await http.post("/graphql", json={"query": query, "variables": {"after": after}})
    body = reply.json()
    assert "errors" not in body, body["errors"]
    [page] = body["data"].values()
    return page


class Fill(NamedTuple):
    """Seconds until the last record was in the log, and until it was applied; how many came."""

    captured_s: float
    applied_s: float
    records: int


async def _fill(dsn: str) -> Fill:
    """Wait until the million has been captured and applied, and nothing more comes of it."""
    begun = time.monotonic()
    connection = await asyncpg.connect(dsn)
    try:
        last, still_since, level_since = -1, begun, begun
        while (now := time.monotonic()) < begun + LONGEST_FILL_S:
            records = await connection.fetchval(_APPENDED)
            if records != last:
                last, still_since = records, now
            if await connection.fetchval(_APPLIED, GROUP) != records:
                level_since = now
            if now - max(still_since, level_since) > STILL_S:
                return Fill(still_since - begun, level_since - begun, int(records))
            await asyncio.sleep(1)
    finally:
        await connection.close()
    raise TimeoutError("the firm of size M was not captured in time")
