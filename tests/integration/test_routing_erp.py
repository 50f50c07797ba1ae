"""Creating projects at the stand-in ERP over HTTP: one effect per key, whatever gets lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest
from support.stand_ins import serving

from hub.demo.storage import speak_json
from hub.demo.systems import app, create_tables
from schema.canon import Client, LegalEntity, Project
from schema.errors import InFlight, OutcomeUnknown
from schema.ids import mint
from schema.money import Money
from schema.system import System
from sync.clock import utc_now
from sync.connectors.crm import Crm
from sync.connectors.erp import Erp
from sync.connectors.http import Endpoint
from sync.connectors.refs import Ref
from sync.policy import Paging
from sync.reading import Reading
from sync.routing import Routing, Written
from sync.session import ReadSession
from sync.write.idempotency import SETTLE
from sync.xref import Xref

ACCOUNT = (
    "INSERT INTO accounts (id, account_name, segment, owner_email, billing_country)"
    " VALUES ('ACC-00001', 'Client', 'SMB', 'ann@firm.example', 'NL')"
)
CUSTOMER = "INSERT INTO customers (customer_no, crm_account) VALUES ('C10001', 'ACC-00001')"
ENTITY = (
    "INSERT INTO entities (entity_code, registered_name, country, book_currency, time_zone,"
    " number_prefix, rounding) VALUES ('NL01', 'Firm', 'NL', 'EUR', 'Europe/Amsterdam', 'NL01',"
    ' \'{"net_at": "LINE", "tax_at": "LINE", "half_goes": "UP", "step": "0.01"}\')'
)
VALUES: dict[str, Any] = {
    "name": "Audit",
    "client_id": mint("cli", "crm", "ACC-00001"),
    "legal_entity_id": mint("ent", "erp", "NL01"),
    "currency": "EUR",
    "starts_on": date(2026, 12, 1),
    "budget": Money(amount=Decimal("1250.00"), currency="EUR"),
    "budget_minutes": 600,
}


class Counter:
    """The desk that opens projects: the hub's routing, and the ERP as it really is."""

    def __init__(self, pool: asyncpg.Pool, erp_pool: Any, erp_url: str, crm_url: str) -> None:
        self.erp_pool, self.erp_url = erp_pool, erp_url
        self.now = utc_now()
        self.erp = Erp(Endpoint(url=erp_url, key="demo-erp"))
        self.crm = Crm(Endpoint(url=crm_url, key="demo-crm"))
        xref = Xref(pool)
        self.reading = Reading(
            {System.ERP: self.erp, System.CRM: self.crm},
            xref,
            pool,
            self.clock,
            timedelta(seconds=5),
        )
        self.routing = Routing({System.ERP: self.erp}, self.reading, xref, pool, self.clock)

    def clock(self) -> datetime:
        return self.now

    async def create(self) -> Written:
        return await self.routing.create(Project, VALUES, idempotency_key="k1")

    async def fault(self, **fault: Any) -> None:
        async with httpx.AsyncClient() as client:
            (await client.put(f"{self.erp_url}/_fault", json=fault)).raise_for_status()

    async def count(self) -> int:
        return int(await self.erp_pool.fetchval("SELECT count(*) FROM projects"))


@pytest.fixture
async def counter(
    pool: asyncpg.Pool, create_database: Callable[[str | None], str]
) -> AsyncIterator[Counter]:
    async with AsyncExitStack() as stack:
        pools, urls = {}, {}
        for system, row in (("crm", ACCOUNT), ("erp", f"{CUSTOMER};{ENTITY}")):
            pools[system] = await stack.enter_async_context(
                asyncpg.create_pool(create_database(None), min_size=1, max_size=8, init=speak_json)
            )
            async with pools[system].acquire() as connection:
                await create_tables(system, connection)
            await pools[system].execute(row)
            urls[system] = await stack.enter_async_context(serving(app(system, pools[system])))
        await Xref(pool).link([(Ref(LegalEntity, "erp", "NL01"), VALUES["legal_entity_id"])])
        counter = Counter(pool, pools["erp"], urls["erp"], urls["crm"])
        stack.push_async_callback(counter.erp.close)
        stack.push_async_callback(counter.crm.close)
        fields = frozenset({"name", "payment_terms_days"})
        await counter.reading.page(ReadSession(), Client, [], Paging(first=5), fields)
        code = frozenset({"code"})
        await counter.reading.page(ReadSession(), LegalEntity, [], Paging(first=5), code)
        yield counter


async def test_a_project_is_created_once_by_a_hundred_requests(counter: Counter) -> None:
    """One key, a hundred times at once: one project, one answer."""
    answers = await asyncio.gather(*(counter.create() for _ in range(100)), return_exceptions=True)
    assert await counter.count() == 1
    written = [a for a in answers if isinstance(a, Written)]
    assert written
    assert all(answer == written[0] for answer in written)
    assert {type(a) for a in answers if not isinstance(a, Written)} <= {InFlight}
    found = await counter.reading.by_ids(
        ReadSession(), Project, [written[0].record.id], frozenset(VALUES)
    )
    values = found[written[0].record.id].values
    assert {name: values[name] for name in VALUES} == VALUES


@pytest.mark.parametrize("mode", ["down", "garbage"])
async def test_an_effect_hidden_by_a_fault_is_found_again(counter: Counter, mode: str) -> None:
    """The ERP commits and then fails: the outcome is unknown; the same key finds the project."""
    await counter.fault(mode=mode, only_writes=True, after_effect=True)
    with pytest.raises(OutcomeUnknown):
        await counter.create()
    await counter.fault(mode="none")
    written = await counter.create()
    assert await counter.count() == 1
    assert written.record.values["name"] == "Audit"


async def test_an_effect_that_never_was_is_caused_after_the_settle_time(counter: Counter) -> None:
    """A 503 before the effect looks the same: nothing is sent again before it is certain."""
    await counter.fault(mode="down", only_writes=True)
    with pytest.raises(OutcomeUnknown):
        await counter.create()
    await counter.fault(mode="none")
    with pytest.raises(InFlight):
        await counter.create()
    counter.now += SETTLE
    await counter.create()
    assert await counter.count() == 1
