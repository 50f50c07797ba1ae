"""The CRM's role on a real Tryton 8.2 with the seeded firm."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from support.reading_conformance import ReadingConformance, all_of, fetch_by
from support.tryton import running

from hub.demo.drawing.firm import draw_firm
from hub.demo.drawing.size import S, in_home_currency
from hub.demo.firm import Firm
from hub.demo.seeding import DEFAULT_SEED
from hub.tryton.running import RunningTryton
from schema.entities.amendment import AmendmentKind, AmendmentStatus
from schema.entities.client import Segment
from schema.entities.sow import SowStatus
from schema.errors import Conflict, Invalid, NotAllowed, NotFound, Rejected, Unavailable
from sync.connectors.binding import Binding, Row
from sync.connectors.codec import decode
from sync.connectors.http import Endpoint
from sync.connectors.tryton import Tryton
from sync.connectors.tryton_crm import CRM
from sync.connectors.tryton_crm_bindings import AMENDMENT, CLIENT, ENGAGEMENT, SOW
from sync.connectors.tryton_session import Account
from sync.connectors.words import ENGAGEMENT_STAGE, SEGMENT

pytestmark = pytest.mark.tryton
PATIENCE = timedelta(seconds=30)
PARTNERED = {"UNDER_REVIEW": SowStatus.IN_REVIEW} | {
    word: SowStatus[word] for word in ("DRAFT", "REJECTED")
}
"""How contracts stand in Tryton that are not simply running there."""


@pytest.fixture(scope="module")
def crm() -> Iterator[RunningTryton]:
    with running("crm", "test_tryton_crm") as tryton:
        yield tryton


@pytest.fixture(scope="module")
def firm() -> Firm:
    """Tryton is filled with the firm that bills at home."""
    return draw_firm(DEFAULT_SEED, in_home_currency(S))


@pytest.fixture
async def connected(crm: RunningTryton) -> AsyncIterator[Tryton]:
    connector = connect(crm)
    yield connector
    await connector.close()


def connect(crm: RunningTryton, *, password: str | None = None) -> Tryton:
    account = Account(
        database=crm.database,
        user=crm.keys.hub_login,
        password=password or crm.keys.hub_password,
    )
    endpoint = Endpoint(url=crm.url, key=crm.keys.hub_key, read_timeout=PATIENCE)
    return Tryton(CRM, endpoint, account)


async def one(tryton: Tryton, binding: Binding, key: str) -> Row:
    [row] = await fetch_by(tryton, binding, binding.key, key)
    return row


async def decoded(tryton: Tryton, binding: Binding) -> dict[str, dict[str, Any]]:
    """Every record of a type by its key."""
    return {str(row[binding.key]): decode(binding, row) for row in await all_of(tryton, binding)}


class TestReading(ReadingConformance):
    """Keys, filters, pages and windows, as with every other connector."""


async def test_clients_are_those_of_the_firm(connected: Tryton, firm: Firm) -> None:
    """Neither its people nor its companies are, though they are parties, too."""
    rows = await all_of(connected, CLIENT)
    assert [(row["code"], row["name"]) for row in rows] == [
        (client.account_id, client.name) for client in firm.clients
    ]
    for row, client in zip(rows, firm.clients, strict=True):
        assert decode(CLIENT, row)["segment"] is SEGMENT[client.segment]
        held = decode(CLIENT, row, copies=True)
        expected = (client.address, client.vat_id, client.terms_days)
        assert (held["bill_to"], held["tax_id"], held["payment_terms_days"]) == expected


async def test_engagements_are_those_of_the_firm(connected: Tryton, firm: Firm) -> None:
    """Other systems find them by the numbers they know; their stage came with the contracts."""
    known = await decoded(connected, ENGAGEMENT)
    assert list(known) == [one.opportunity_id for one in firm.engagements]
    for drawn in firm.engagements:
        told, client = known[drawn.opportunity_id], drawn.client
        assert told["client_id"].external_id == client.account_id
        assert told["legal_entity_id"].external_id == client.entity.code
        assert told["account_manager"] == client.owner_email
        assert (told["name"], told["starts_on"]) == (drawn.title, drawn.starts_on)
        assert told["probability"] == Decimal(drawn.win_chance) / 100
        assert told["stage"] is ENGAGEMENT_STAGE[drawn.stage]


async def test_contracts_are_those_of_the_firm(connected: Tryton, firm: Firm) -> None:
    """By the firm's ids, worth what their amendments have made of them."""
    known = await decoded(connected, SOW)
    assert list(known) == [one.sow_id for one in firm.agreements.sows]
    for drawn in firm.agreements.sows:
        told = known[drawn.sow_id]
        assert told["engagement_id"].external_id == drawn.engagement.opportunity_id
        assert (told["number"], told["title"]) == (drawn.contract_no, drawn.subject)
        assert (told["po_number"], told["starts_on"]) == (drawn.customer_po, drawn.valid_from)
        assert (told["payment_terms_days"], told["currency"]) == (
            *(drawn.payment_days, drawn.currency),
        )
        assert (told["cap"] and told["cap"].amount) == drawn.ceiling
        assert told["status"] is PARTNERED.get(drawn.status, SowStatus.ACTIVE)


async def test_amendments_are_those_of_the_firm(connected: Tryton, firm: Firm) -> None:
    """By the firm's ids; in force are those that Tryton has applied."""
    known = await decoded(connected, AMENDMENT)
    assert list(known) == [one.change_id for one in firm.agreements.changes]
    for drawn in firm.agreements.changes:
        told = known[drawn.change_id]
        assert told["sow_id"].external_id == drawn.sow.sow_id
        assert (told["sequence"], told["effective_from"]) == (
            *(drawn.sequence_no, drawn.effective_on),
        )
        assert told["reason"] == drawn.rationale
        is_price = drawn.change_type == "CEILING"
        assert told["kind"] is (AmendmentKind.CAP if is_price else None)
        afters = [drawn.changed_terms[0]["new_value"]] if is_price else []
        assert [change.after for change in told["changes"]] == afters
        is_applied = drawn.status in ("IN_FORCE", "REPLACED")
        assert told["status"] is AmendmentStatus["EFFECTIVE" if is_applied else "DRAFT"]


async def test_a_client_is_changed_in_all_its_tables(connected: Tryton) -> None:
    """Name and category, and the copies of what the ERP knows: one guarded write."""
    before = await one(connected, CLIENT, "ACC-00003")
    wanted = {"name": "Smith & Sons", "segment": "Small", "tax_code": "US1", "terms_days": 45}
    after = await connected.update(CLIENT, "ACC-00003", wanted, version=before["version"])
    assert {**before, **wanted} == {**after, "version": before["version"]} | {
        "updated_at": before["updated_at"]
    }
    assert decode(CLIENT, after)["segment"] is Segment.SMALL
    alone = await connected.update(CLIENT, "ACC-00003", {"segment": None})
    assert (alone["code"], alone["segment"]) == ("ACC-00003", None)


async def test_a_new_client_gets_the_next_number(connected: Tryton) -> None:
    """It is a client although nobody has said of which segment."""
    made = await connected.create(CLIENT, {"name": "Newcomer"}, idempotency_key="new-1")
    assert (made["code"], made["segment"]) == ("ACC-00041", None)
    assert await one(connected, CLIENT, "ACC-00041") == made


@pytest.mark.parametrize(
    ("binding", "key", "row"),
    [
        (CLIENT, "ACC-00004", {"name": "Moved on"}),
        (ENGAGEMENT, "OPP-00002", {"title": "Moved on"}),
        (SOW, "SOW-00001", {"customer_po": "PO-MOVED"}),
        (AMENDMENT, "CHG-00005", {"rationale": "Moved on"}),
    ],
    ids=["client", "engagement", "contract", "amendment"],
)
async def test_a_stale_version_is_a_conflict(
    connected: Tryton, binding: Binding, key: str, row: Row
) -> None:
    """Nothing is written over somebody else's change."""
    seen = await one(connected, binding, key)
    moved = await connected.update(binding, key, row, version=seen["version"])
    assert {name: moved[name] for name in row} == row
    late = dict.fromkeys(row, "Too late")
    with pytest.raises(Conflict, match=r"CRM: .*modified in the meanwhile"):
        await connected.update(binding, key, late, version=seen["version"])
    assert await one(connected, binding, key) == moved


async def test_a_created_engagement_is_found_by_our_reference(connected: Tryton) -> None:
    """Tryton has no idempotency: a lost create is looked for by the reference it was given."""
    row = {
        "reference": "hub-ref_100%",
        "title": "Ledger migration",
        "account": "ACC-00002",
        "company": "UK01",
        "amount": "125000.50",
        "currency": "GBP",
        "win_chance": "0.4",
        "starts_on": "2027-01-04",
        "owner_email": None,
    }
    made = await connected.create(ENGAGEMENT, row, idempotency_key="k")
    assert {**made, **row} == made
    assert (made["number"], made["stage"]) == ("OPP-00073", "QUALIFYING")
    assert await fetch_by(connected, ENGAGEMENT, "reference", "hub-ref_100%") == [made]
    assert await fetch_by(connected, ENGAGEMENT, "reference", "hub-ref-100%", "hub") == []


async def test_who_does_not_sell_for_a_company_is_refused(connected: Tryton) -> None:
    """An account manager is one of its employees."""
    with pytest.raises(Rejected, match="CRM: there is no employee nobody@"):
        await connected.update(ENGAGEMENT, "OPP-00002", {"owner_email": "nobody@firm.example"})


async def test_a_contract_is_drawn_up_signed_and_amended(
    connected: Tryton, crm: RunningTryton, firm: Firm
) -> None:
    """By the actions of its lifecycle; the engagement is won with it, and worth as much."""
    draft = next(s for s in firm.agreements.sows if s.status == "DRAFT")
    key, opportunity = draft.sow_id, draft.engagement.opportunity_id
    terms = {"ceiling_amount": "91000", "pricing_model": "FIXED", "starts_on": "2027-03-01"}
    changed = decode(SOW, await connected.update(SOW, key, terms))
    assert (changed["cap"].amount, changed["method"].name) == (91000, "FIXED_PRICE")
    with pytest.raises(NotAllowed, match="Sow is DRAFT"):
        await connected.act(SOW, key, "approve", {"by": "ann@firm.example"})
    submitted = await connected.act(SOW, key, "submit", {})
    assert submitted["status"] == "UNDER_REVIEW"
    with pytest.raises(Rejected, match="CRM: "):
        await connected.update(SOW, key, {"ceiling_amount": "1"})
    signed = await connected.act(SOW, key, "approve", {"by": "ann@firm.example"})
    assert signed["status"] == "ACTIVE"  # Tryton has carried on by itself
    won = decode(ENGAGEMENT, await one(connected, ENGAGEMENT, opportunity))
    assert (won["stage"].name, won["expected_value"].amount) == ("WON", 91000)

    with closing(crm.log_in_clerk()) as clerk:
        [line] = clerk.read("sale.line", [("sale", "=", signed["id"])], "product", "unit")
        price = {
            "action": "line",
            "line": line["id"],
            "product": line["product"],
            "unit": line["unit"],
            "quantity": 1.0,
            "unit_price": Decimal("95000"),
        }
        values = {"sale": signed["id"], "description": "More", "lines": [["create", [price]]]}
        [number] = clerk.create("sale.amendment", values)
    change = f"CHG-{number:05d}"
    told = decode(AMENDMENT, await one(connected, AMENDMENT, change))
    [term] = told["changes"]
    assert (term.before, term.after) == ("91000.00", "95000.00")
    applied = await connected.act(AMENDMENT, change, "approve", {"by": "ann@firm.example"})
    assert applied["status"] == "IN_FORCE"
    amended = decode(SOW, await one(connected, SOW, key))
    assert (amended["cap"].amount, amended["version"]) == (95000, changed["version"] + 1)
    with pytest.raises(NotAllowed, match="Amendment is EFFECTIVE"):
        await connected.act(AMENDMENT, change, "approve", {"by": "ann@firm.example"})


async def test_a_contract_is_turned_down(connected: Tryton, firm: Firm) -> None:
    """And what it was to sell is lost."""
    offered = next(s for s in firm.agreements.sows if s.status == "UNDER_REVIEW")
    why = {"by": "ann@firm.example", "reason": "Too cheap"}
    assert (await connected.act(SOW, offered.sow_id, "reject", why))["status"] == "REJECTED"
    lost = await one(connected, ENGAGEMENT, offered.engagement.opportunity_id)
    assert lost["stage"] == "CLOSED_LOST"


@pytest.mark.parametrize(
    ("binding", "key", "action"),
    [(SOW, "SOW-00001", "suspend"), (SOW, "SOW-00001", "complete"), (AMENDMENT, "CHG-1", "void")],
)
async def test_what_tryton_cannot_do_is_said_so(
    connected: Tryton, binding: Binding, key: str, action: str
) -> None:
    """It has no such state."""
    with pytest.raises(Invalid, match=f"Tryton has no action {action}"):
        await connected.act(binding, key, action, {})


async def test_what_does_not_exist_is_said_so(connected: Tryton) -> None:
    """Unknown records are named, whatever form their key has."""
    for binding, key in ((SOW, "SOW-99999"), (AMENDMENT, "CHG-x"), (CLIENT, "no?body#")):
        with pytest.raises(NotFound, match="CRM has no"):
            await connected.update(binding, key, {})


async def test_a_wrong_password_is_named_by_its_setting(crm: RunningTryton) -> None:
    """Whoever operates Concord must look at the settings of the CRM, not of the ERP."""
    stranger = connect(crm, password="wrong-password")
    with pytest.raises(Unavailable, match="CONCORD_CRM__PASSWORD"):
        await stranger.update(CLIENT, "ACC-00001", {"name": "x"})
    await stranger.close()
