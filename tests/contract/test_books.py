"""The books over the real dialects: actions by their canonical names, and records read back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest
from support.envelopes import envelope, record

from cdc.decode import Decoder
from schema.entities.invoice_status import InvoiceDraftStatus, InvoiceStatus
from schema.entities.legal_entity import LegalEntity, PeriodState
from schema.entities.payment_status import PaymentState
from schema.entities.project import ProjectStatus
from schema.errors import Rejected
from schema.ids import mint
from schema.lifecycles import INVOICE, PROJECT
from schema.position import LogPartition, Topic
from schema.rounding import TaxRounding
from schema.system import System
from sync.clock import utc_now
from sync.connectors import billing, erp
from sync.connectors.billing import Billing
from sync.connectors.codec import decode
from sync.connectors.erp import Erp
from sync.connectors.http import Endpoint
from sync.connectors.ports import RowQuery
from sync.intake import Claim, Intake
from sync.policy import Paging
from sync.read.projected import Projected
from sync.reading import Reading
from sync.session import ReadSession
from sync.xref import Xref

PERIODS = "erp.public.periods"
NL01 = mint("ent", "erp", "NL01")
NEW_PROJECT = {
    "customer_no": "C10001",
    "description": "Audit",
    "entity_code": "NL01",
    "currency": "EUR",
    "start_on": "2027-03-01",
}
NEW_DOCUMENT = {"billing_ref": "in_x", "entity_code": "NL01", "currency": "EUR", "net_amount": "10"}
NEW_INVOICE = {
    "customer": "cus_000001",
    "project_code": "P-1",
    "entity_code": "NL01",
    "currency": "EUR",
    "amount_net": "100.00",
    "issued_on": "2026-12-01",
    "due_on": "2026-12-31",
    "description": "Audit",
}


@pytest.fixture
async def books(stand_ins: Mapping[str, str]) -> AsyncIterator[Erp]:
    connector = Erp(Endpoint(url=stand_ins["erp"], key="demo-erp"))
    yield connector
    await connector.close()


@pytest.fixture
async def drafts(stand_ins: Mapping[str, str]) -> AsyncIterator[Billing]:
    connector = Billing(Endpoint(url=stand_ins["billing"], key="demo-billing"))
    yield connector
    await connector.close()


async def test_a_project_lives_as_its_lifecycle_says(books: Erp) -> None:
    """Each action leads where the canon says; from the end nothing leads on."""
    made = await books.create(erp.PROJECT, NEW_PROJECT, idempotency_key="p")
    key, state = str(made["project_no"]), ProjectStatus.REQUESTED
    for action in ("provision", "activate", "suspend", "resume", "wind_down", "close"):
        row = await books.act(erp.PROJECT, key, action, {})
        expected = PROJECT.step(action, state).target
        state = decode(erp.PROJECT, row)["status"]
        assert state is expected
    with pytest.raises(Rejected, match="goes no further") as refused:
        await books.act(erp.PROJECT, key, "activate", {})
    assert refused.value.owner_code == "STATUS_SEQUENCE"
    with pytest.raises(Rejected) as refused:
        await books.update(erp.PROJECT, key, {"description": "Late"})
    assert refused.value.owner_code == "PROJECT_CLOSED"


@pytest.mark.parametrize(
    ("action", "arguments", "state"),
    [
        ("send", {"sent_on": date(2027, 11, 2)}, PaymentState.OPEN),
        ("cancel", {"reason": "Wrong client"}, PaymentState.CANCELLED),
        ("write_off", {"reason": "Insolvent"}, PaymentState.WRITTEN_OFF),
    ],
)
async def test_a_posted_invoice_goes_on_as_its_lifecycle_says(
    books: Erp, action: str, arguments: dict[str, Any], state: PaymentState
) -> None:
    """The ERP's words come back as the canonical state, of the invoice and of its payment."""
    made = await books.create(erp.INVOICE, NEW_DOCUMENT, idempotency_key="d")
    key = str(made["doc_id"])
    await books.act(erp.INVOICE, key, "post", {"posting_date": date(2027, 11, 1)})
    row = await books.act(erp.INVOICE, key, action, arguments)
    expected = INVOICE.require(action, InvoiceStatus.POSTED, {}).target
    told = decode(erp.INVOICE, row)
    assert told["ledger_status"].value == expected.value
    assert told["closing_reason"] == arguments.get("reason")
    assert (told["cancellation_number"] is not None) is (action == "cancel")
    assert decode(erp.PAYMENT_STATUS, row)["status"] is state


async def test_a_draft_is_approved_and_another_voided(drafts: Billing) -> None:
    """Billing refuses what its lifecycle does not allow, with a code of its own."""
    keys = []
    for _ in range(2):
        made = await drafts.create(billing.INVOICE, NEW_INVOICE, idempotency_key=f"i{len(keys)}")
        keys.append(str(made["id"]))
    approved = await drafts.act(billing.INVOICE, keys[0], "approve", {"by": "fin@firm.example"})
    told = decode(billing.INVOICE, approved)
    assert (told["draft_status"], told["approved_by"]) == (
        InvoiceDraftStatus.APPROVED,
        "fin@firm.example",
    )
    voided = await drafts.act(billing.INVOICE, keys[1], "void", {"reason": "Wrong client"})
    told = decode(billing.INVOICE, voided)
    assert (told["draft_status"], told["void_reason"]) == (InvoiceDraftStatus.VOID, "Wrong client")
    with pytest.raises(Rejected) as refused:
        await drafts.act(billing.INVOICE, keys[1], "approve", {"by": "fin@firm.example"})
    assert refused.value.owner_code == "invoice_status"


async def test_seeded_invoices_agree_with_themselves(books: Erp, drafts: Billing) -> None:
    """Lines add up to the net, tax lines to the tax, applications to what is paid."""
    for row in (await drafts.fetch(RowQuery(binding=billing.INVOICE))).rows:
        invoice = decode(billing.INVOICE, row)
        assert sum(line.net.amount for line in invoice["lines"]) == invoice["net"].amount
        for line in invoice["lines"]:
            assert line.quantity * line.unit_price.amount == line.net.amount
    for row in (await books.fetch(RowQuery(binding=erp.INVOICE))).rows:
        ledger, payment = decode(erp.INVOICE, row), decode(erp.PAYMENT_STATUS, row)
        if ledger["number"] is None or row["billing_ref"] == NEW_DOCUMENT["billing_ref"]:
            continue
        assert sum(one.tax.amount for one in ledger["tax_lines"]) == ledger["tax"].amount
        booked = [ledger["fx_to_functional"], *(one.fx for one in payment["applications"])]
        assert {fx.base for fx in booked} == {ledger["gross"].currency}
        assert len({fx.quote for fx in booked}) == 1
        applied = sum((a.amount.amount for a in payment["applications"]), Decimal(0))
        assert applied == payment["paid"].amount


async def test_a_closed_period_reaches_the_graph_and_the_projection(
    books: Erp, pool: asyncpg.Pool, stand_ins: Mapping[str, str]
) -> None:
    """A captured change of a period has its entity read back, with all that belongs to it."""
    xref, connectors = Xref(pool), {System.ERP: books}
    reading = Reading(connectors, xref, pool, utc_now, timedelta(seconds=5))
    intake = Intake(pool, xref, connectors, utc_now)
    row = {"entity_code": "NL01", "period": "2030-12", "is_open": False}
    change = record(PERIODS, {"entity_code": "NL01"}, envelope(PERIODS, row))
    claim = Claim(
        lane=LogPartition(topic=Topic(PERIODS), partition=0),
        expected=await intake.start_of(LogPartition(topic=Topic(PERIODS), partition=0)),
        next_offset=1,
    )
    try:
        await _set_period(stand_ins["erp"], "close")
        await intake.apply(Decoder([erp.LEGAL_ENTITY]).decode(change), [claim])
        fields = frozenset({"code", "periods", "rounding", "tax_registrations"})
        page = await reading.page(ReadSession(), LegalEntity, [], Paging(first=3), fields)
        live = {one.values["code"]: one.values for one in page.records}["NL01"]
        known = await Projected(pool).select_parts(LegalEntity, [System.ERP], [NL01])
        projected = known[System.ERP].parts[NL01].values
        for values in (live, projected):
            [last] = [one for one in values["periods"] if one.period == "2030-12"]
            assert last.state is PeriodState.CLOSED
            assert values["rounding"].tax is TaxRounding.CATEGORY_DOCUMENT
            assert [one.kind for one in values["tax_registrations"]] == ["VAT"]
    finally:
        with suppress(httpx.HTTPError):
            await _set_period(stand_ins["erp"], "open")


async def _set_period(url: str, state: str) -> None:
    headers = {"Authorization": "Bearer demo-erp"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
        (await client.post(f"/erp/periods/NL01/2030-12/{state}")).raise_for_status()
