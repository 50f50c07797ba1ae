"""Steps that a guard or a check of the hub keeps back, through the graph and its routing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from support.owners import FakeOwner

from schema.canon import BillingEvent, Invoice, LegalEntity, TimeEntry
from schema.errors import Rejected
from schema.ids import mint
from schema.system import System
from sync.clock import utc_now
from sync.connectors import billing_bindings, erp_bindings
from sync.connectors.hub import Hub
from sync.connectors.hub_bindings import EVENT, HOLD
from sync.connectors.refs import Ref
from sync.policy import Paging
from sync.reading import Reading
from sync.routing import Routing
from sync.session import ReadSession
from sync.xref import Xref

INVOICE, OTHER = mint("inv", "billing", "in_1"), mint("inv", "billing", "in_2")
DAY = {"posting_date": "2026-12-01"}


def line(net: str) -> dict[str, Any]:
    return {
        "number": 1,
        "description": "Audit",
        "quantity": "2",
        "unit": "hour",
        "unit_amount": "50.00",
        "amount": net,
        "currency": "EUR",
        "tax_code": "S",
    }


def draft(key: str, net: str) -> dict[str, Any]:
    return {
        "id": key,
        "customer": "cus_1",
        "project_code": "P-1",
        "entity_code": "NL01",
        "currency": "EUR",
        "amount_net": net,
        "lines": [line(net)],
        "status": "approved",
    }


class Desk:
    """Routing over billing and the ERP in memory, and the hub's own tables."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        drafts = [draft("in_1", "100.00"), draft("in_2", "100.01")]
        documents = [{"doc_id": n, "billing_ref": f"in_{n}", "document_no": None} for n in (1, 2)]
        entity = {"entity_code": "NL01", "rounding": None}
        billing = FakeOwner(System.BILLING, (billing_bindings.INVOICE,), {"invoices": drafts})
        self.erp = FakeOwner(
            System.ERP,
            (erp_bindings.INVOICE, erp_bindings.LEGAL_ENTITY),
            {"ar-invoices": documents, "entities": [entity]},
        )
        self.hub = Hub(pool)
        self.erp.effects = {"post": {"document_status": "POSTED"}}
        owners = {one.system: one for one in (billing, self.erp, self.hub)}
        self.xref = Xref(pool)
        self.reading = Reading(owners, self.xref, pool, utc_now, timedelta(seconds=5))
        self.routing = Routing(
            owners, self.reading, self.xref, pool, utc_now, acts={System.ERP: self.erp}
        )

    async def post(self, invoice: str, key: str) -> None:
        await self.routing.act(Invoice, invoice, "post", DAY, idempotency_key=key)


@pytest.fixture
async def desk(pool: asyncpg.Pool) -> Desk:
    desk = Desk(pool)
    for entity, field in ((LegalEntity, "code"), (Invoice, "net")):
        await desk.reading.page(ReadSession(), entity, [], Paging(first=5), frozenset({field}))
    return desk


async def test_an_invoice_under_a_hold_is_not_posted(desk: Desk) -> None:
    """The refusal names the hold and its reason; once it is released the invoice is posted."""
    hold = await desk.hub.create(
        HOLD,
        {
            "invoice": "in_1",
            "effect": "block_invoice",
            "reason": "Dispute",
            "review_by": "2027-01-01",
        },
        idempotency_key="h",
    )
    with pytest.raises(Rejected, match=r"held by hld_\w+ \(Dispute\)") as refused:
        await desk.post(INVOICE, "k1")
    assert (refused.value.system, refused.value.owner_code) == (System.HUB, "ON_HOLD")
    assert desk.erp.calls["post"] == 0
    await desk.hub.act(HOLD, str(hold["id"]), "release", {"by": "fin@firm.example"})
    await desk.post(INVOICE, "k2")
    assert desk.erp.calls["post"] == 1


async def test_an_invoice_that_does_not_add_up_is_not_posted(desk: Desk) -> None:
    """The ledger is not asked to post what contradicts itself."""
    with pytest.raises(Rejected, match=r"line 1 is 100\.00 EUR, not 100\.01 EUR") as refused:
        await desk.post(OTHER, "k1")
    assert (refused.value.system, refused.value.owner_code) == (System.HUB, "TOTAL_MISMATCH")
    assert desk.erp.calls["post"] == 0


async def test_events_are_found_by_the_invoice_and_the_time_they_bill(desk: Desk) -> None:
    """Allocations name the invoice canonically, and lead back from it."""
    share = {"invoice": "in_1", "line": 1, "amount": "40", "currency": "EUR"}
    row = {
        "project_no": "P-1",
        "kind": "time",
        "status": "allocated",
        "quantity": "1",
        "service_from": "2026-11-01",
        "service_to": "2026-11-30",
        "currency": "EUR",
        "amount": "100",
        "allocations": [share],
        "holds": [],
        "time_entries": ["7", "8"],
    }
    event = str((await desk.hub.create(EVENT, row, idempotency_key="e"))["id"])
    entry = mint("tim", "psa", "8")
    fields = frozenset({"allocations", "invoice_ids"})
    await desk.xref.link([(Ref(TimeEntry, "psa", "8"), entry)])
    for key, near in (("invoice_ids", INVOICE), ("time_entry_ids", entry)):
        found = await desk.reading.by_key(ReadSession(), BillingEvent, key, [near], fields)
        [record] = found[near]
        assert record.id == mint("bev", "hub", event)
        assert record.values["invoice_ids"] == [INVOICE]
        assert [one.invoice_id for one in record.values["allocations"]] == [INVOICE]
