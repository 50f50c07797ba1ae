"""Faults on demand and call counts of a stand-in."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from hub.demo.storage import speak_json
from hub.demo.systems import app, create_tables

EMPLOYEE = {
    "full_name": "Ada",
    "work_email": "ada@firm.example",
    "worker_type": "EMPLOYEE",
    "employment_status": "ACTIVE",
    "country": "NL",
    "time_zone": "Europe/Amsterdam",
    "entity_code": "NL01",
    "hired_on": "2026-01-01",
}


@pytest.fixture
async def hr(database: str) -> AsyncIterator[httpx.AsyncClient]:
    async with asyncpg.create_pool(database, min_size=1, max_size=2, init=speak_json) as pool:
        async with pool.acquire() as connection:
            await create_tables("hr", connection)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app("hr", pool)),
            base_url="http://hr",
            headers={"Authorization": "Bearer demo-hr"},
        ) as client:
            yield client


async def switch(hr: httpx.AsyncClient, **fault: Any) -> None:
    assert (await hr.put("/_fault", json=fault)).status_code == 204


async def count(hr: httpx.AsyncClient) -> int:
    await switch(hr, mode="none")
    return len((await hr.get("/v1/employees")).json()["items"])


@pytest.mark.parametrize(
    ("mode", "status", "body"),
    [("down", 503, ""), ("throttle", 429, ""), ("garbage", 200, "<html>")],
)
async def test_a_fault_replaces_the_answer_and_prevents_the_effect(
    hr: httpx.AsyncClient, mode: str, status: int, body: str
) -> None:
    """The caller sees the fault and nothing was written."""
    await switch(hr, mode=mode)
    response = await hr.post("/v1/employees", json=EMPLOYEE)
    assert response.status_code == status
    assert response.text.startswith(body)
    assert (response.headers.get("Retry-After") == "1") is (mode == "throttle")
    assert await count(hr) == 0


@pytest.mark.parametrize("mode", ["down", "throttle", "garbage"])
async def test_a_fault_after_the_effect_loses_the_answer_only(
    hr: httpx.AsyncClient, mode: str
) -> None:
    """The write is committed before the fault is answered."""
    await switch(hr, mode=mode, after_effect=True)
    response = await hr.post("/v1/employees", json=EMPLOYEE)
    assert response.status_code != 201
    assert await count(hr) == 1


@pytest.mark.parametrize(("after_effect", "written"), [(False, 0), (True, 1)])
async def test_slowness_comes_before_or_after_the_effect(
    hr: httpx.AsyncClient, after_effect: bool, written: int
) -> None:
    """A caller that gives up has written nothing in one case and something in the other."""
    await switch(hr, mode="slow", seconds=60, after_effect=after_effect)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await hr.post("/v1/employees", json=EMPLOYEE)
    assert await count(hr) == written


async def test_reads_pass_when_only_writes_fail(hr: httpx.AsyncClient) -> None:
    """`only_writes` leaves every GET alone."""
    await switch(hr, mode="down", only_writes=True)
    assert (await hr.get("/v1/employees")).status_code == 200
    assert (await hr.post("/v1/employees", json=EMPLOYEE)).status_code == 503


async def test_a_misspelt_fault_is_refused(hr: httpx.AsyncClient) -> None:
    """The switch answers 400 and stays where it was."""
    assert (await hr.put("/_fault", json={"mode": "sideways"})).status_code == 400
    assert (await hr.get("/v1/employees")).status_code == 200


async def test_calls_are_counted_by_route(hr: httpx.AsyncClient) -> None:
    """Every call counts, faulty ones too; the switches do not."""
    await hr.get("/v1/employees?page_size=2")
    await hr.get("/v1/employees/E1")
    await switch(hr, mode="down")
    await hr.get("/v1/employees")
    counted = (await hr.get("/_calls")).json()
    by_route = {"GET /v1/employees": 2, "GET /v1/employees/{key}": 1}
    assert counted == {"total": 3, "by_route": by_route}
    await hr.delete("/_calls")
    assert (await hr.get("/_calls")).json() == {"total": 0, "by_route": {}}
