"""Engagements and contracts that begin at the hub: drafted at the CRM, once, in one currency."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
import pytest
from support.contracting import Contracting, contracting_at
from support.patches import patch_of

from schema.entities.amendment import Amendment, AmendmentKind, AmendmentStatus, TermChange
from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.legal_entity import LegalEntity
from schema.entities.milestone import Milestone
from schema.entities.project import Project
from schema.entities.rate_card_version import RateCardVersion
from schema.entities.sow import BillMethod, Sow, SowStatus
from schema.errors import Invalid, Rejected
from schema.ids import mint
from schema.money import Money
from sync.connectors.refs import Ref
from sync.policy import Paging
from sync.routing import Written
from sync.session import ReadSession
from sync.xref import Xref

CLIENT = mint("cli", "crm", "ACC-00001")
ENTITY = mint("ent", "erp", "NL01")
PROJECT = mint("prj", "erp", "P-001")
PRICES, NEW_PRICES = (mint("rcv", "crm", key) for key in ("PBV-00001", "PBV-00002"))
TODAY = datetime.now(UTC).date()


@pytest.fixture
async def crm(
    pool: asyncpg.Pool, seeded_database: Callable[[str], str]
) -> AsyncIterator[Contracting]:
    async with contracting_at(pool, seeded_database("crm")) as desk:
        await Xref(pool).link([(Ref(LegalEntity, "erp", "NL01"), ENTITY)])
        known = frozenset({"name"})
        await desk.reading.page(ReadSession(), Client, [], Paging(first=50), known)
        yield desk


def euros(amount: str) -> Money:
    return Money(amount=Decimal(amount), currency="EUR")


async def engage(crm: Contracting) -> Written:
    values = {
        "client_id": CLIENT,
        "name": "Audit of the books",
        "expected_value": euros("80000.00"),
        "starts_on": TODAY,
        "account_manager": "kim@firm.example",
        "legal_entity_id": ENTITY,
    }
    return await crm.routing.create(Engagement, values, idempotency_key="e1")


async def draft(crm: Contracting, **changed: object) -> Written:
    engagement = (await engage(crm)).record.id
    values = {
        "engagement_id": engagement,
        "number": "CN-2026-0900",
        "title": "Audit of the books",
        "method": BillMethod.FIXED_PRICE,
        "currency": "EUR",
        "cap": euros("80000.00"),
        "starts_on": TODAY,
        "payment_terms_days": 30,
        **changed,
    }
    return await crm.routing.create(Sow, values, idempotency_key="s1")


async def promise(crm: Contracting, contract: str) -> Written:
    values = {
        "sow_id": contract,
        "sequence": 1,
        "name": "Report",
        "due_on": date(2027, 3, 31),
        "amount": euros("80000.00"),
    }
    return await crm.routing.create(Milestone, values, idempotency_key="m1")


async def approve(crm: Contracting, contract: str) -> None:
    await crm.act(contract, "submit")
    await crm.act(contract, "approve", by="ann@firm.example")


async def test_an_engagement_and_its_contract_are_drafted_once(crm: Contracting) -> None:
    """The same keys again, with nothing remembered: found at the CRM by the hub's reference."""
    first = await draft(crm)
    assert first.record.values["status"] is SowStatus.DRAFT
    await crm.pool.execute("DELETE FROM idempotency")
    assert (await draft(crm)).record.id == first.record.id
    counted = "SELECT count(*) FROM {} WHERE external_ref IS NOT NULL"
    for table in ("opportunities", "statements_of_work"):
        assert await crm.rows.fetchval(counted.format(table)) == 1


async def test_a_contract_grows_from_draft_to_amended(crm: Contracting) -> None:
    """A deliverable while it is negotiated, its approval, and an amendment that takes effect."""
    contract = (await draft(crm)).record.id
    milestone = await promise(crm, contract)
    assert milestone.record.values["amount"] == euros("80000.00")
    await approve(crm, contract)
    amendment = {
        "sow_id": contract,
        "sequence": 1,
        "kind": AmendmentKind.CAP,
        "effective_from": TODAY,
        "changes": [TermChange(term="ceiling_amount", before="80000.00", after="95000.00")],
    }
    drafted = await crm.routing.create(Amendment, amendment, idempotency_key="a1")
    assert drafted.record.values["status"] is AmendmentStatus.DRAFT
    signed = await crm.routing.act(
        Amendment, drafted.record.id, "approve", {"by": "ann@firm.example"}, idempotency_key="a2"
    )
    assert signed.record.values["status"] is AmendmentStatus.EFFECTIVE
    capped = await crm.reading.by_ids(ReadSession(), Sow, [contract], frozenset({"cap"}))
    assert capped[contract].values["cap"] == euros("95000.00")


async def test_what_is_known_only_after_the_approval_is_written_then(crm: Contracting) -> None:
    """The signed document, and the project that delivers a milestone: no terms were agreed."""
    await Xref(crm.pool).link([(Ref(Project, "erp", "P-001"), PROJECT)])
    contract = (await draft(crm)).record.id
    milestone = (await promise(crm, contract)).record.id
    await approve(crm, contract)
    signed = await crm.routing.update(Sow, contract, patch_of(Sow, document_hash="ab" * 32))
    assert signed.record.values["document_hash"] == "ab" * 32
    delivered_by = patch_of(Milestone, project_id=PROJECT)
    planned = await crm.routing.update(Milestone, milestone, delivered_by)
    assert planned.record.values["project_id"] == PROJECT
    at_crm = "SELECT erp_project_no FROM deliverables WHERE external_ref IS NOT NULL"
    assert await crm.rows.fetchval(at_crm) == "P-001"


async def test_the_prices_are_a_term_until_the_approval(crm: Contracting) -> None:
    """A draft takes other prices; an approved contract gets them by an amendment."""
    refs = (("PBV-00001", PRICES), ("PBV-00002", NEW_PRICES))
    await Xref(crm.pool).link([(Ref(RateCardVersion, "crm", key), some) for key, some in refs])
    contract = (await draft(crm, rate_card_version_id=PRICES)).record.id
    other = patch_of(Sow, rate_card_version_id=NEW_PRICES)
    priced = await crm.routing.update(Sow, contract, other)
    assert priced.record.values["rate_card_version_id"] == NEW_PRICES
    await approve(crm, contract)
    with pytest.raises(Rejected, match="change by a change order only"):
        await crm.routing.update(Sow, contract, patch_of(Sow, rate_card_version_id=PRICES))


async def test_an_amount_in_another_currency_is_refused(crm: Contracting) -> None:
    """Neither a draft in two currencies, nor an update that would move the whole contract."""
    dollars = Money(amount=Decimal("80000.00"), currency="USD")
    with pytest.raises(Invalid, match="cap is in USD, the rest in EUR"):
        await draft(crm, cap=dollars)
    contract = (await draft(crm)).record.id
    with pytest.raises(Invalid, match="cap is in USD, but the record is in EUR: give it in EUR"):
        await crm.routing.update(Sow, contract, {"cap": dollars})
    kept = "SELECT ceiling_amount, currency_iso FROM statements_of_work WHERE external_ref <> ''"
    assert tuple(await crm.rows.fetchrow(kept)) == (Decimal("80000.00"), "EUR")
