"""Contracts through the hub: acted on at the CRM, and carried to PSA and billing, over HTTP."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from support.contracting import Contracting, contracting_at
from support.projecting import project
from support.stand_ins import StandIn, stand_in
from support.targets import QUICK, drained

from schema.entities.amendment import Amendment
from schema.entities.engagement import Engagement
from schema.entities.rate_card_version import RateCardVersion
from schema.entities.rate_line import RateLine
from schema.entities.resource import Resource
from schema.entities.sow import Sow, SowStatus
from schema.entity import entity_name
from schema.errors import Invalid, NotAllowed, Rejected
from schema.ids import mint
from schema.money import Money
from schema.system import System
from sync.connectors.billing import Billing
from sync.connectors.http import Endpoint
from sync.connectors.ports import Writes
from sync.connectors.psa import Psa
from sync.connectors.refs import Ref
from sync.delivery import Deliverer
from sync.xref import Xref

MOMENT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
WHO = {"by": "ann@firm.example"}
NEW_SOW = mint("sow", "crm", "SOW-00900")
ENGAGEMENT = mint("eng", "crm", "OPP-00001")
PRICES = mint("rcv", "crm", "PBV-00002")
SOW_CELLS = {
    "number": "CN-2026-0900",
    "version": 1,
    "title": "Audit of the books",
    "method": "mixed",
    "status": "approved",
    "cap_amount": Decimal("120000.00"),
    "cap_currency": "EUR",
    "currency": "EUR",
    "starts_on": date(2026, 12, 1),
    "ends_on": date(2027, 6, 30),
    "rate_card_version_id": PRICES,
    "engagement_id": ENGAGEMENT,
    "payment_terms_days": 30,
    "po_number": "PO-4711",
}


class Replicas:
    """PSA and billing over HTTP, and what the hub knows and owes."""

    def __init__(self, pool: asyncpg.Pool, psa: StandIn, billing: StandIn) -> None:
        self.pool, self.psa, self.billing = pool, psa, billing
        self.connectors: dict[System, Writes] = {
            System.PSA: Psa(Endpoint(url=psa.url, key="demo-psa")),
            System.BILLING: Billing(Endpoint(url=billing.url, key="demo-billing")),
        }

    async def close(self) -> None:
        for connector in self.connectors.values():
            await connector.close()

    async def know(self, entity: type, record_id: str, key: str, **cells: Any) -> None:
        """What the intake keeps of a record of the CRM."""
        await self.link(entity, System.CRM, key, record_id)
        await project(self.pool, entity, record_id, System.CRM, key, as_of=MOMENT, **cells)

    async def link(self, entity: type, system: System, key: str, record_id: str) -> None:
        await Xref(self.pool).link([(Ref(entity, system.value, key), record_id)])

    async def deliver(self, entity: type, record_id: str, field: str) -> list[str | None]:
        """Owe one field to both and send it, by a worker that remembers nothing; their errors."""
        for target in self.connectors:
            await self.pool.execute(
                "INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at)"
                " VALUES ($1, $2, $3, $4, 'test', now())",
                target.value,
                entity_name(entity),
                record_id,
                [field],
            )
        worker = Deliverer(
            self.connectors, Xref(self.pool), self.pool, random.Random(7).random, QUICK
        )
        await drained(worker, self.connectors)
        rows = await self.pool.fetch(
            "SELECT last_error FROM delivery WHERE state <> 'delivered' ORDER BY target"
        )
        return [row["last_error"] for row in rows]


@pytest.fixture
async def contracting(
    pool: asyncpg.Pool, seeded_database: Callable[[str], str]
) -> AsyncIterator[Contracting]:
    async with contracting_at(pool, seeded_database("crm")) as desk:
        yield desk


@pytest.fixture
async def replicas(
    pool: asyncpg.Pool, seeded_database: Callable[[str], str]
) -> AsyncIterator[Replicas]:
    async with AsyncExitStack() as stack:
        systems = [
            await stack.enter_async_context(stand_in(system, seeded_database(system)))
            for system in ("psa", "billing")
        ]
        replicas = Replicas(pool, *systems)
        stack.push_async_callback(replicas.close)
        await replicas.link(Engagement, System.CRM, "OPP-00001", ENGAGEMENT)
        await replicas.link(Engagement, System.PSA, "1", ENGAGEMENT)
        yield replicas


async def test_a_contract_is_approved_through_the_hub(contracting: Contracting) -> None:
    """The canonical action and its arguments become the CRM's own call; its row comes back."""
    contract = await contracting.draft()
    submitted = await contracting.act(contract, "submit")
    assert submitted.record.values["status"] is SowStatus.IN_REVIEW
    approved = await contracting.act(contract, "approve", **WHO)
    values = approved.record.values
    assert (values["status"], values["approved_by"]) == (SowStatus.APPROVED, WHO["by"])
    assert await contracting.act(contract, "approve", **WHO) == approved
    decided = await contracting.rows.fetchval(
        "SELECT version FROM statements_of_work WHERE approver_email = $1", WHO["by"]
    )
    assert decided == 3


async def test_an_action_is_refused_by_the_lifecycle_or_in_the_words_of_the_crm(
    contracting: Contracting,
) -> None:
    """A wrong order never leaves the hub; a missing reason is told by the CRM and its own code."""
    contract = await contracting.draft()
    with pytest.raises(NotAllowed, match="possible now: submit"):
        await contracting.act(contract, "activate")
    await contracting.act(contract, "submit")
    with pytest.raises(Rejected, match="turn-down needs a reason") as silent:
        await contracting.act(contract, "reject", **WHO, reason=" ")
    assert silent.value.owner_code == "REASON_REQUIRED"
    rejected = await contracting.act(contract, "reject", "k2", **WHO, reason="Too cheap.")
    assert rejected.record.values["status"] is SowStatus.REJECTED


async def test_terms_are_written_until_the_approval_and_a_status_never(
    contracting: Contracting,
) -> None:
    """An update of an approved contract is refused by the CRM, one of its status by the hub."""
    contract = await contracting.draft()
    renamed = await contracting.routing.update(Sow, contract, {"title": "Audit"})
    cap = Money(amount=Decimal("99000.00"), currency=renamed.record.values["currency"])
    updated = await contracting.routing.update(Sow, contract, {"cap": cap})
    assert updated.record.values["cap"] == cap
    with pytest.raises(Invalid, match="status is set by CRM itself"):
        await contracting.routing.update(Sow, contract, {"status": SowStatus.ACTIVE})
    await contracting.act(contract, "submit")
    await contracting.act(contract, "approve", **WHO)
    with pytest.raises(Rejected, match="change by a change order only") as refused:
        await contracting.routing.update(Sow, contract, {"cap": cap})
    assert refused.value.owner_code == "TERMS_IMMUTABLE"


async def test_a_new_contract_is_created_at_its_replicas_and_found_again(
    replicas: Replicas,
) -> None:
    """Each gets a row of its own, once: a worker without memory finds it by the CRM's id."""
    for system, key in ((System.PSA, "2"), (System.BILLING, "plv_000002")):
        await replicas.link(RateCardVersion, system, key, PRICES)
    await replicas.know(Sow, NEW_SOW, "SOW-00900", **SOW_CELLS)
    assert await replicas.deliver(Sow, NEW_SOW, "number") == []
    forgotten = "DELETE FROM xref WHERE system <> 'crm' AND entity = 'sow'"
    assert await replicas.pool.execute(forgotten) == "DELETE 2"
    await replicas.pool.execute("DELETE FROM replica_state")
    await replicas.know(Sow, NEW_SOW, "SOW-00900", **SOW_CELLS | {"status": "active"})
    assert await replicas.deliver(Sow, NEW_SOW, "status") == []
    at_psa = await replicas.psa.pool.fetch(
        "SELECT reference, state, limit_amount, currency, engagement_id, rate_sheet_version_id"
        " FROM contracts WHERE crm_contract_id = 'SOW-00900'"
    )
    assert [tuple(row) for row in at_psa] == [
        ("CN-2026-0900", "ACTIVE", Decimal("120000.00"), "EUR", 1, 2)
    ]
    at_billing = await replicas.billing.pool.fetch(
        "SELECT number, status, billing_scheme, price_list_version, purchase_order, payment_terms"
        " FROM contracts WHERE crm_contract = 'SOW-00900'"
    )
    assert [tuple(row) for row in at_billing] == [
        ("CN-2026-0900", "ACTIVE", "MIXED", "plv_000002", "PO-4711", 30)
    ]


async def test_a_contract_waits_for_the_prices_it_names(replicas: Replicas) -> None:
    """Until PSA and billing have the version, nothing is created there."""
    await replicas.know(Sow, NEW_SOW, "SOW-00900", **SOW_CELLS)
    assert await replicas.deliver(Sow, NEW_SOW, "number") == [
        "BILLING does not have its rate_card_version yet",
        "PSA does not have its rate_card_version yet",
    ]
    counted = "SELECT count(*) FROM contracts WHERE {} = 'SOW-00900'"
    assert await replicas.psa.pool.fetchval(counted.format("crm_contract_id")) == 0
    assert await replicas.billing.pool.fetchval(counted.format("crm_contract")) == 0


async def test_an_amendment_and_a_price_arrive_with_all_they_say(replicas: Replicas) -> None:
    """The changed terms in billing's own spelling, and a price with its unit and its person."""
    sow, amendment = mint("sow", "crm", "SOW-00001"), mint("amd", "crm", "CHG-00900")
    person, line = mint("res", "hr", "E1012"), mint("rln", "crm", "PBL-000900")
    for system, contract, prices in (
        (System.PSA, "1", "2"),
        (System.BILLING, "ctr_000001", "plv_000002"),
    ):
        await replicas.link(Sow, system, contract, sow)
        await replicas.link(RateCardVersion, system, prices, PRICES)
    await replicas.link(Resource, System.HR, "E1012", person)
    await replicas.link(Resource, System.PSA, "7", person)
    change = {"term": "ceiling_amount", "before": "1.00", "after": "2.00"}
    await replicas.know(
        Amendment,
        amendment,
        "CHG-00900",
        sow_id=sow,
        sequence=3,
        kind="cap",
        status="effective",
        effective_from=date(2026, 11, 1),
        changes=[change],
        reason="More work.",
    )
    await replicas.know(
        RateLine,
        line,
        "PBL-000900",
        version_id=PRICES,
        resource_id=person,
        rate_amount=Decimal("212.500000"),
        rate_currency="EUR",
        rate_per="hour",
        min_increment=6,
        overtime_factor=Decimal("1.25"),
    )
    assert await replicas.deliver(Amendment, amendment, "kind") == []
    assert await replicas.deliver(RateLine, line, "rate") == []
    terms = "SELECT type, status, terms FROM contract_changes WHERE crm_change_order = 'CHG-00900'"
    assert tuple(await replicas.billing.pool.fetchrow(terms)) == (
        *("CEILING", "IN_FORCE"),
        [{"name": "ceiling_amount", "from": "1.00", "to": "2.00"}],
    )
    price = "SELECT unit_amount, unit, worker FROM prices WHERE crm_price_line = 'PBL-000900'"
    assert tuple(await replicas.billing.pool.fetchrow(price)) == (
        *(Decimal("212.500000"), "HOURLY", "E1012"),
    )
    rate = "SELECT amount, per, user_id FROM rates WHERE crm_price_line_id = 'PBL-000900'"
    assert tuple(await replicas.psa.pool.fetchrow(rate)) == (Decimal("212.500000"), "HOURLY", 7)
