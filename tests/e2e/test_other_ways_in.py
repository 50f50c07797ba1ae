"""The page on other ways in, followed: billing calls and HR is polled, to the projection."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.stand_ins import StandIn, stand_in
from support.targets import until

from hub.demo.hooks import Hook, prepare_hooks, tell
from hub.running import Hub
from hub.server import background, listen_at, serving
from hub.settings import Settings
from hub.wiring import build_hub

PAGE = (Path(__file__).parents[2] / "docs/how-to/other-ways-in.md").read_text()
SETTINGS = dict(re.findall(r"^(CONCORD_\w+)=(.*)$", PAGE, re.MULTILINE))
SECRET = "a secret of at least 24 bytes"
NOBODY = "http://127.0.0.1:9"
DEADLINE_S = 60
PEOPLE = "SELECT hr_key, name FROM projection.resource WHERE hr_deleted_at IS NULL"
DRAFTS = "SELECT billing_key, draft_status FROM projection.invoice WHERE billing_key IS NOT NULL"


@pytest.fixture
async def billing(seeded_database: Callable[[str], str]) -> AsyncIterator[StandIn]:
    async with stand_in("billing", seeded_database("billing")) as running:
        yield running


@pytest.fixture
async def hr(seeded_database: Callable[[str], str]) -> AsyncIterator[StandIn]:
    async with stand_in("hr", seeded_database("hr")) as running:
        yield running


@asynccontextmanager
async def hub_over(database: str, **systems: Any) -> AsyncIterator[tuple[Hub, str]]:
    """A hub with all its roles; of the systems that are not given nobody answers or is captured."""
    absent = {name: {"url": NOBODY, "key": "k"} for name in ("crm", "psa", "hr", "erp", "billing")}
    settings = Settings.model_validate({"database_url": database, **absent, **systems})
    async with (
        build_hub(settings) as hub,
        background(hub),
        serving(hub, listen_at("127.0.0.1", 0)) as url,
    ):
        yield hub, url


def told_by_the_page(system: str) -> dict[str, str]:
    """What the page sets for a system, by the names of the settings."""
    prefix = f"CONCORD_{system.upper()}__"
    told = {k.removeprefix(prefix).lower(): v for k, v in SETTINGS.items() if k.startswith(prefix)}
    assert told, f"the page sets nothing for {system}"
    return told


async def test_billing_is_heard_of_by_its_webhooks(database: str, billing: StandIn) -> None:
    """A sweep fills the projection, and each change comes by a call that stands in the log."""
    told = told_by_the_page("billing") | {"url": billing.url, "key": "demo-billing"}
    assert told["webhook_secrets"] == SECRET
    async with hub_over(database, billing=told) as (hub, url), AsyncExitStack() as stack:
        await until(
            lambda: _all_held(hub, billing, DRAFTS, "SELECT id, status FROM invoices"),
            seconds=DEADLINE_S,
        )
        hook = Hook(url=f"{url}/webhooks/billing", secret=SECRET)
        async with billing.pool.acquire() as connection:
            await prepare_hooks(connection, hook)
        await stack.enter_async_context(_telling(billing, hook))
        key = await billing.pool.fetchval("SELECT id FROM invoices WHERE status = 'draft' LIMIT 1")
        await _call(billing, f"/v1/invoices/{key}/finalize", {"approved_by": "E1001"})
        await until(
            lambda: _all_held(hub, billing, DRAFTS, "SELECT id, status FROM invoices"),
            seconds=DEADLINE_S,
        )
        kept = "SELECT count(*) FROM log_record WHERE topic = 'billing.events'"
        assert await hub.pool.fetchval(kept) == 1
        assert await billing.pool.fetchval("SELECT count(*) FROM webhook_outbox") == 0


async def test_hr_is_polled(database: str, hr: StandIn) -> None:
    """Filled, followed, and swept: nobody reads its write-ahead log."""
    told = told_by_the_page("hr") | {"url": hr.url, "key": "demo-hr"}
    told |= {"poll_every": "PT0.1S", "sweep_every": "PT0.5S"}
    everybody = "SELECT employee_number, full_name FROM employees"
    async with hub_over(database, hr=told) as (hub, _):
        await until(lambda: _all_held(hub, hr, PEOPLE, everybody), seconds=DEADLINE_S)
        await hr.pool.execute(
            "UPDATE employees SET full_name = 'Renamed', version = version + 1, updated_at = now()"
            " WHERE employee_number = 'E1001'"
        )
        await until(lambda: _all_held(hub, hr, PEOPLE, everybody), seconds=DEADLINE_S)
        unneeded = (
            "SELECT max(employee_number) FROM employees e WHERE NOT EXISTS"
            " (SELECT FROM employees r WHERE r.reports_to = e.employee_number)"
        )
        number = await hr.pool.fetchval(unneeded)
        await hr.pool.execute("DELETE FROM employees WHERE employee_number = $1", number)
        await until(lambda: _all_held(hub, hr, PEOPLE, everybody), seconds=DEADLINE_S)


@asynccontextmanager
async def _telling(billing: StandIn, hook: Hook) -> AsyncIterator[None]:
    task = asyncio.create_task(tell(billing.pool, hook))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _all_held(hub: Hub, owner: StandIn, held: str, owned: str) -> bool:
    """Whether the projection holds what the owner has; its words are compared as they are told."""
    ours = dict(await hub.pool.fetch(held))
    theirs = dict(await owner.pool.fetch(owned))
    return bool(theirs) and {k: str(v).upper() for k, v in ours.items()} == {
        k: str(v).upper() for k, v in theirs.items()
    }


async def _call(owner: StandIn, path: str, body: dict[str, str]) -> None:
    headers = {"authorization": "Bearer demo-billing"}
    async with httpx.AsyncClient(base_url=owner.url, trust_env=False, headers=headers) as client:
        (await client.post(path, json=body)).raise_for_status()
