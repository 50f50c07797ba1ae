"""(a) A nested query of seven types over the stand-ins: what one request costs the hub.

The hub runs in a process of its own; the load comes from this one, with a header that differs per
request, so that nothing could be answered from an earlier one.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from bench.machine import cpu_seconds
from bench.served import objects_in, served
from hub.stage import set_stage

CONCURRENCY = 4
WARM_UP = 30
REQUESTS = 200

SEVEN_TYPES = """
{ clients(first: 7) { nodes { name segment
  engagements(first: 20) { nodes { name stage expectedValue { amount currency }
    sows(first: 20) { nodes { number status method } }
    projects(first: 20) { nodes { code name status manager { name }
      invoices(first: 20) { nodes { status net { amount currency } issuedOn
        paymentStatus { status balance { amount currency } } } } } } } } } } }
"""


async def bench_graph(folder: Path) -> dict[str, float]:
    async with (
        set_stage(folder, say=lambda _: None) as stage,
        served(stage.settings) as (url, process),
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


async def _load(http: httpx.AsyncClient, requests: int) -> float:
    """Send requests, `CONCURRENCY` at a time; answers the objects in one answer."""
    numbers = itertools.count()
    counted: list[int] = []

    async def worker() -> None:
        while (number := next(numbers)) < requests:
            reply = await http.post(
                "/graphql", json={"query": SEVEN_TYPES}, headers={"x-request": f"{number}"}
            )
            body = reply.json()
            assert "errors" not in body, body["errors"]
            counted.append(objects_in(body["data"]))

    await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))
    return counted[-1]


async def _until_filled(http: httpx.AsyncClient) -> None:
    """Until the hub answers and has captured what it needs to know every reference."""
    projected = SEVEN_TYPES.replace("first: 7", "first: 7, read: {mode: PROJECTED}")
    deadline = time.monotonic() + 60
    seen = 0
    while time.monotonic() < deadline:
        try:
            body = (await http.post("/graphql", json={"query": projected})).json()
        except httpx.TransportError:
            await asyncio.sleep(0.2)
            continue
        found = objects_in(body.get("data") or {})
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
