"""The page on other ways in, followed: three systems call and HR is polled."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.commands import NOBODY
from support.stand_ins import StandIn, stand_in
from support.targets import until

from hub.demo.hooks import Hook, prepare_hooks, tell
from hub.running import Hub
from hub.server import background, listen_at, serving
from hub.settings import Settings
from hub.wiring import build_hub
from sync.resnapshots import KeyRange, Resnapshots
from sync.signed import Signed

PAGE = (Path(__file__).parents[2] / "docs/how-to/other-ways-in.md").read_text()
SETTINGS = dict(re.findall(r"^(CONCORD_\w+)=(.*)$", PAGE, re.MULTILINE))
SECRET = "a secret of at least 24 bytes"
DEADLINE_S = 60
PEOPLE = "SELECT hr_key, name FROM projection.resource WHERE hr_deleted_at IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A system that calls us: what is held and what is owned, as texts, and a change to tell of.

    `changed` selects a record that may be changed, `call` changes it, by method, path and body.
    """

    held: str
    owned: str
    changed: str
    call: tuple[str, str, Any]


CALLERS = {
    "billing": Caller(
        held="SELECT billing_key, draft_status FROM projection.invoice"
        " WHERE billing_key IS NOT NULL",
        owned="SELECT id, status FROM invoices",
        changed="SELECT id FROM invoices WHERE status = 'draft' LIMIT 1",
        call=("POST", "/v1/invoices/{}/finalize", {"approved_by": "E1001"}),
    ),
    "psa": Caller(
        held="SELECT psa_key, coalesce(approved_by, '-') FROM projection.time_entry"
        " WHERE psa_key IS NOT NULL",
        owned="SELECT id::text, coalesce(approver, '-') FROM time_entries",
        changed="SELECT id FROM time_entries WHERE entry_state = 'waiting' LIMIT 1",
        call=("POST", "/api/v2/time-entries/{}/sign-off", {"data": {"approver": "ann@firm"}}),
    ),
    "crm": Caller(
        held="SELECT crm_key, name FROM projection.client WHERE crm_key IS NOT NULL",
        owned="SELECT id, account_name FROM accounts",
        changed="SELECT id FROM accounts LIMIT 1",
        call=("PATCH", "/services/accounts/{}", {"account_name": "Renamed"}),
    ),
}


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


@pytest.mark.parametrize("system", CALLERS)
async def test_a_system_is_heard_of_by_its_webhooks(
    database: str, seeded_database: Callable[[str], str], system: str
) -> None:
    """A sweep fills the projection, and each change comes by a call that stands in the log."""
    caller = CALLERS[system]
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(stand_in(system, seeded_database(system)))
        told = told_by_the_page(system) | {"url": owner.url, "key": f"demo-{system}"}
        assert told["webhook_secrets"] == SECRET
        hub, url = await stack.enter_async_context(hub_over(database, **{system: told}))

        async def is_level() -> bool:
            return await _all_held(hub, owner, caller.held, caller.owned)

        await until(is_level, seconds=DEADLINE_S)
        hook = Hook(url=f"{url}/webhooks/{system}", secret=SECRET)
        async with owner.pool.acquire() as connection:
            await prepare_hooks(system, connection, hook)
        await stack.enter_async_context(_telling(system, owner, hook))
        await _call(system, owner, caller)
        await until(is_level, seconds=DEADLINE_S)
        kept = "SELECT count(*) FROM log_record WHERE topic = $1"
        assert await hub.pool.fetchval(kept, f"{system}.events") == 1
        assert await owner.pool.fetchval("SELECT count(*) FROM webhook_outbox") == 0


async def test_hr_is_polled(database: str, hr: StandIn) -> None:
    """Filled, followed, swept and read again: nobody reads its write-ahead log."""
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
        await hub.pool.execute("UPDATE projection.resource SET name = 'drift'")
        signed = Signed(by="ann@firm.example", why="Drift.")
        resnapshots = hub.services.operations.resnapshots
        [wanted] = await resnapshots.ask("hr", ["public.employees"], KeyRange(), signed)
        await until(lambda: _all_held(hub, hr, PEOPLE, everybody), seconds=DEADLINE_S)
        await until(lambda: _is_done(resnapshots, wanted), seconds=DEADLINE_S)


@asynccontextmanager
async def _telling(system: str, owner: StandIn, hook: Hook) -> AsyncIterator[None]:
    task = asyncio.create_task(tell(system, owner.pool, hook))
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


async def _is_done(resnapshots: Resnapshots, wanted: int) -> bool:
    return (await resnapshots.known(wanted)).state == "done"


async def _call(system: str, owner: StandIn, caller: Caller) -> None:
    method, path, body = caller.call
    key = await owner.pool.fetchval(caller.changed)
    headers = {"authorization": f"Bearer demo-{system}"}
    async with httpx.AsyncClient(base_url=owner.url, trust_env=False, headers=headers) as client:
        (await client.request(method, path.format(key), json=body)).raise_for_status()
