"""(a) The nested query of five levels over the stand-ins: what one request costs the hub.

The hub runs in a process of its own; the load comes from this one, with a header that differs per
request, so that nothing could be answered from an earlier one.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from bench.machine import cpu_seconds
from hub.settings import Settings
from hub.stage import Erp, set_stage

CONCURRENCY = 4
WARM_UP = 30
REQUESTS = 200

FIVE_LEVELS = """
{ clients(first: 8) { nodes { name segment
  engagements(first: 20) { nodes { name stage expectedValue { amount currency }
    projects(first: 20) { nodes { code name status
      invoices(first: 20) { nodes { status net { amount currency } issuedOn
        paymentStatus { state balance { amount currency } } } } } } } } } } }
"""


async def bench_graph(folder: Path) -> dict[str, float]:
    async with (
        set_stage(folder, erp=Erp.STANDARD, say=lambda _: None) as stage,
        _hub(stage.settings) as (url, process),
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
    ):
        await _until_filled(http)
        await _load(http, WARM_UP)
        await _reset_calls(http, stage.urls)
        before, started = cpu_seconds(process.pid), time.monotonic()
        objects = await _load(http, REQUESTS)
        took = time.monotonic() - started
        used = cpu_seconds(process.pid) - before
        calls = await _calls(http, stage.urls)
    return {
        "requests_per_s": REQUESTS / took,
        "cpu_ms_per_request": used / REQUESTS * 1000,
        "objects_per_request": objects,
        "upstream_calls": calls / REQUESTS,
    }


@asynccontextmanager
async def _hub(settings: Settings) -> AsyncIterator[tuple[str, Process]]:
    """`concord serve` on the stage; capture and deliveries run beside it in another process."""
    port = 18000 + os.getpid() % 1000
    environment = {**os.environ, **_environment(settings), "CONCORD_PORT": str(port)}
    roles = [await _start(role, environment) for role in ("serve", "listen")]
    try:
        yield f"http://127.0.0.1:{port}", roles[0]
    finally:
        for process in roles:
            process.terminate()
            await process.wait()


async def _start(role: str, environment: Mapping[str, str]) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hub", role), env=environment, stdout=DEVNULL, stderr=DEVNULL
    )


def _environment(settings: Settings) -> dict[str, str]:
    variables = {"CONCORD_DATABASE_URL": settings.database_url.get_secret_value()}
    for name in ("crm", "psa", "hr", "erp", "billing"):
        system = getattr(settings, name)
        prefix = f"CONCORD_{name.upper()}__"
        variables[f"{prefix}URL"] = system.url
        variables[f"{prefix}KEY"] = system.key.get_secret_value()
        variables[f"{prefix}CAPTURE_URL"] = system.capture_url.get_secret_value()
    return variables


async def _load(http: httpx.AsyncClient, requests: int) -> float:
    """Send requests, `CONCURRENCY` at a time; answers the objects in one answer."""
    numbers = itertools.count()
    counted: list[int] = []

    async def worker() -> None:
        while (number := next(numbers)) < requests:
            reply = await http.post(
                "/graphql", json={"query": FIVE_LEVELS}, headers={"x-request": f"{number}"}
            )
            body = reply.json()
            assert "errors" not in body, body["errors"]
            counted.append(_objects(body["data"]))

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    return counted[-1]


async def _until_filled(http: httpx.AsyncClient) -> None:
    """Until the hub answers and has captured what it needs to know every reference."""
    projected = FIVE_LEVELS.replace("first: 8", "first: 8, read: {projected: true}")
    deadline = time.monotonic() + 60
    seen = 0
    while time.monotonic() < deadline:
        try:
            body = (await http.post("/graphql", json={"query": projected})).json()
        except httpx.TransportError:
            await asyncio.sleep(0.2)
            continue
        found = _objects(body.get("data") or {})
        if found and found == seen:
            return
        seen = found
        await asyncio.sleep(1)
    raise TimeoutError("the hub did not fill its projection within a minute")


async def _reset_calls(http: httpx.AsyncClient, urls: Mapping[str, str]) -> None:
    for url in urls.values():
        await http.delete(f"{url}/_calls")


async def _calls(http: httpx.AsyncClient, urls: Mapping[str, str]) -> int:
    return sum([(await http.get(f"{url}/_calls")).json()["total"] for url in urls.values()])


def _objects(value: Any) -> int:
    """Records in an answer: every element of a `nodes` list, and every payment status."""
    if isinstance(value, list):
        return sum(_objects(part) for part in value)
    if not isinstance(value, dict):
        return 0
    own = len(value.get("nodes") or ()) + (value.get("paymentStatus") is not None)
    return own + sum(_objects(part) for part in value.values())
