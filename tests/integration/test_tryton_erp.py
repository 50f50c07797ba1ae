"""The connector against a real Tryton 8.2 with the seeded firm."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from support.tryton import running

from hub.tryton.running import RunningTryton
from schema.entities.legal_entity import PeriodState
from schema.entity import FilterOp
from schema.errors import Conflict, Invalid, NotAllowed, NotFound, Rejected, Unavailable
from schema.rounding import RoundingMode
from sync.connectors.binding import Binding, Row
from sync.connectors.codec import decode
from sync.connectors.http import Endpoint
from sync.connectors.ports import Condition, RowQuery
from sync.connectors.tryton import Tryton
from sync.connectors.tryton_erp import ERP
from sync.connectors.tryton_erp_bindings import CLIENT, INVOICE, PAYMENT_STATUS, PROJECT
from sync.connectors.tryton_erp_entities import LEGAL_ENTITY
from sync.connectors.tryton_session import Account

pytestmark = pytest.mark.tryton
DATABASE = "test_tryton"
PATIENCE = timedelta(seconds=30)
TODAY = datetime.now(UTC).date()
"""Tryton refuses dates in the future, and those before the last number."""


@pytest.fixture(scope="module")
def erp() -> Iterator[RunningTryton]:
    with running("erp", DATABASE) as tryton:
        yield tryton


@pytest.fixture
async def tryton(erp: RunningTryton) -> AsyncIterator[Tryton]:
    connector = connect(erp)
    yield connector
    await connector.close()


def connect(erp: RunningTryton, *, key: str | None = None, password: str | None = None) -> Tryton:
    account = Account(
        database=erp.database,
        user=erp.keys.hub_login,
        password=password or erp.keys.hub_password,
    )
    endpoint = Endpoint(url=erp.url, key=key or erp.keys.hub_key, read_timeout=PATIENCE)
    return Tryton(ERP, endpoint, account)


async def fetch(
    tryton: Tryton, binding: Binding, column: str, *values: str, **window: Any
) -> list[Row]:
    where = (Condition(column=column, op=FilterOp.IN, value=values),) if values else ()
    page = await tryton.fetch(RowQuery(binding=binding, where=where, **window))
    return list(page.rows)


async def draft(tryton: Tryton, reference: str, net: str = "1000.00") -> Row:
    """An invoice of NL01 that nobody has posted yet."""
    [client] = await fetch(tryton, CLIENT, "crm_account", "ACC-00001")
    row = {
        "reference": reference,
        "company": "NL01",
        "currency": "EUR",
        "party": str(client["id"]),
        "net_amount": net,
    }
    return await tryton.create(INVOICE, row, idempotency_key=reference)


async def test_a_client_is_read_from_all_its_tables(tryton: Tryton) -> None:
    """The party, its identifiers, its address and its payment term make one row."""
    [row] = await fetch(tryton, CLIENT, "crm_account", "ACC-00001")
    assert row["crm_account"] == "ACC-00001"
    assert row["invoice_address"]
    assert row["terms_days"] in (14, 30, 45, 60)
    assert not (row["tax_code"] or "").startswith("crm:")


async def test_only_clients_are_clients(tryton: Tryton) -> None:
    """Tryton's parties are also people and legal entities."""
    rows = await fetch(tryton, CLIENT, "id", limit=500)
    assert len(rows) == 40


async def test_projects_carry_the_firms_own_numbers_in_order(tryton: Tryton) -> None:
    """Keyset paging over the number meets every project once, in both directions."""
    whole = [row["number"] for row in await fetch(tryton, PROJECT, "number", limit=500)]
    paged: list[str] = []
    after = None
    while rows := await fetch(tryton, PROJECT, "number", limit=50, after=after):
        paged += [row["number"] for row in rows]
        after = paged[-1]
    backwards = await fetch(tryton, PROJECT, "number", limit=500, descending=True)
    assert len(whole) == 120
    assert paged == whole == sorted(whole)
    assert [row["number"] for row in backwards] == whole[::-1]


async def test_projects_are_narrowed_by_their_last_day(tryton: Tryton) -> None:
    """Tryton answers exactly those that a scan of all would pick."""
    whole = await fetch(tryton, PROJECT, "number", limit=500)
    days = sorted(row["end_on"] for row in whole if row["end_on"] is not None)
    middle = days[len(days) // 2]
    for op, passes in ((FilterOp.FROM, str.__ge__), (FilterOp.TO, str.__le__)):
        where = (Condition(column="end_on", op=op, value=middle),)
        page = await tryton.fetch(RowQuery(binding=PROJECT, where=where, limit=500))
        picked = [row for row in whole if row["end_on"] and passes(row["end_on"], middle)]
        assert list(page.rows) == picked
        assert 0 < len(picked) < len(whole)


async def test_a_created_project_is_found_by_our_reference(tryton: Tryton) -> None:
    """Tryton has no idempotency: a lost create is looked for by the reference it was given."""
    [client] = await fetch(tryton, CLIENT, "crm_account", "ACC-00002")
    row = {
        "name": "Ledger migration",
        "party": str(client["id"]),
        "crm_opportunity": "OPP-00001",
        "company": "UK01",
        "currency": "GBP",
        "status": "Open",
        "start_on": "2026-12-01",
        "end_on": None,
        "budget_amount": "125000.50",
        "budget_hours": 900,
        "hub_reference": "ref_100%",
    }
    made = await tryton.create(PROJECT, row, idempotency_key="k")
    found = await fetch(tryton, PROJECT, "hub_reference", "ref_100%")
    assert [one["number"] for one in found] == [made["number"]]
    assert {**made, **row, "party": client["id"]} == made
    assert await fetch(tryton, PROJECT, "hub_reference", "ref-100%", "ref_1001") == []


async def test_a_client_is_changed_in_all_its_tables(tryton: Tryton) -> None:
    """One guarded write changes address, identifier and term; the answer shows them."""
    [before] = await fetch(tryton, CLIENT, "crm_account", "ACC-00003")
    wanted = {"invoice_address": "1 New Road\nLeeds", "tax_code": "GB999", "terms_days": 45}
    after = await tryton.update(CLIENT, str(before["id"]), wanted, version=before["version"])
    assert {**before, **wanted} == {**after, "version": before["version"]} | {
        "updated_at": before["updated_at"]
    }


async def test_a_stale_version_is_a_conflict(tryton: Tryton) -> None:
    """Nothing is written over somebody else's change."""
    [seen] = await fetch(tryton, CLIENT, "crm_account", "ACC-00004")
    key = str(seen["id"])
    await tryton.update(CLIENT, key, {"name": "Moved on"}, version=seen["version"])
    with pytest.raises(Conflict, match="modified in the meanwhile"):
        await tryton.update(CLIENT, key, {"name": "Too late"}, version=seen["version"])
    [now] = await fetch(tryton, CLIENT, "id", key)
    assert now["name"] == "Moved on"


async def test_an_unknown_payment_term_is_refused_with_what_to_do(tryton: Tryton) -> None:
    """Tryton takes terms from its own list."""
    [client] = await fetch(tryton, CLIENT, "crm_account", "ACC-00005")
    with pytest.raises(Rejected, match="no payment term of 17 days in Tryton; set it up"):
        await tryton.update(CLIENT, str(client["id"]), {"terms_days": 17})


async def test_a_posted_invoice_gets_number_and_tax(tryton: Tryton) -> None:
    """Before posting the ledger says nothing; after it the tax of record and the open balance."""
    made = await draft(tryton, "in_posted")
    assert (made["ledger_word"], made["number"], made["tax_amount"]) == ("DRAFT", None, None)
    posted = await tryton.act(INVOICE, str(made["id"]), "post", {"posting_date": TODAY.isoformat()})
    assert posted["ledger_word"] == "POSTED"
    assert posted["number"].startswith("NL01-2026-")
    assert posted["posted_on"] == TODAY.isoformat()
    assert (posted["tax_amount"], posted["gross_amount"]) == ("210.00", "1210.00")
    assert (posted["paid_amount"], posted["open_amount"]) == ("0.00", "1210.00")


async def test_lines_are_written_and_taxed_by_category(tryton: Tryton) -> None:
    """Tryton holds the draft's lines as they were sent, and taxes those that bear tax."""
    made = await draft(tryton, "in_lines")
    line = {
        "line": 1,
        "description": "Audit",
        "quantity": "7.25",
        "unit": "h",
        "unit_price": "120.00",
        "amount": "870.00",
        "currency": "EUR",
        "tax": "S",
    }
    travel = line | {"line": 2, "quantity": "1.0", "unit": "u", "amount": "120.00", "tax": None}
    key = str(made["id"])
    held = await tryton.update(INVOICE, key, {"lines": [line, travel | {"tax": "E"}]})
    [first, second] = decode(INVOICE, held, copies=True)["lines"]
    assert (first.unit, first.quantity, first.net.amount) == ("hour", Decimal("7.25"), 870)
    assert (first.tax_code, second.tax_code, second.unit) == ("S", None, "item")
    posted = await tryton.act(INVOICE, key, "post", {"posting_date": TODAY.isoformat()})
    [tax] = decode(INVOICE, posted)["tax_lines"]
    assert (tax.code, tax.base.amount, tax.tax.amount) == ("S", 870, Decimal("182.70"))
    assert posted["gross_amount"] == "1172.70"


async def test_a_line_of_an_unknown_category_is_refused(tryton: Tryton) -> None:
    """No line loses its tax in silence."""
    made = await draft(tryton, "in_unknown_tax")
    [line] = made["lines"]
    with pytest.raises(Rejected, match="no tax R of this company"):
        await tryton.update(INVOICE, str(made["id"]), {"lines": [line | {"tax": "R"}]})


async def test_legal_entities_are_read_with_their_books(tryton: Tryton) -> None:
    """By code, in order, with the periods as they are closed and the rounding of Tryton."""
    rows = await fetch(tryton, LEGAL_ENTITY, "code")
    assert [row["code"] for row in rows] == ["NL01", "UK01", "US01"]
    [row] = await fetch(tryton, LEGAL_ENTITY, "code", "UK01")
    entity = decode(LEGAL_ENTITY, row)
    assert (entity["country"], entity["functional_currency"]) == ("GB", "GBP")
    states = {one.period: one.state for one in entity["periods"]}
    assert (states["2026-08"], states["2026-09"]) == (PeriodState.CLOSED, PeriodState.OPEN)
    assert entity["rounding"].mode is RoundingMode.HALF_EVEN
    assert await fetch(tryton, LEGAL_ENTITY, "code", after="UK01") == rows[2:]


async def test_a_project_moves_as_its_lifecycle_says(tryton: Tryton) -> None:
    """Tryton would let it go anywhere; the connector does not."""
    project = next(
        row for row in await fetch(tryton, PROJECT, "number", limit=500) if row["status"] == "Open"
    )
    key = project["number"]
    for action, word in (("suspend", "On hold"), ("resume", "Open"), ("wind_down", "Winding up")):
        assert (await tryton.act(PROJECT, key, action, {}))["status"] == word
    assert (await tryton.act(PROJECT, key, "close", {}))["status"] == "Done"
    with pytest.raises(NotAllowed, match="Project is CLOSED"):
        await tryton.act(PROJECT, key, "activate", {})


async def test_a_closed_period_is_refused_in_trytons_words(tryton: Tryton) -> None:
    """An owner's refusal is the caller's business, not a retry."""
    made = await draft(tryton, "in_closed")
    with pytest.raises(Rejected, match='you must reopen the period "2026-08"'):
        await tryton.act(INVOICE, str(made["id"]), "post", {"posting_date": "2026-08-15"})
    [after] = await fetch(tryton, INVOICE, "id", str(made["id"]))
    assert (after["ledger_word"], after["number"]) == ("DRAFT", None)


async def test_a_date_before_the_last_number_is_refused_in_trytons_words(tryton: Tryton) -> None:
    """Legal numbers and their dates go the same way."""
    later, earlier = await draft(tryton, "in_later"), await draft(tryton, "in_earlier")
    await tryton.act(INVOICE, str(later["id"]), "post", {"posting_date": TODAY})
    with pytest.raises(Rejected, match="you must set an invoice date after"):
        await tryton.act(
            INVOICE, str(earlier["id"]), "post", {"posting_date": TODAY - timedelta(days=1)}
        )


async def test_payments_follow_the_ledger(tryton: Tryton) -> None:
    """Part paid is a state of ours: posted, with less to pay than the total."""
    rows = await fetch(tryton, PAYMENT_STATUS, "ledger_word", "PART_PAID", "PAID", limit=500)
    assert {row["ledger_word"] for row in rows} == {"PART_PAID", "PAID"}
    for row in rows:
        assert float(row["paid_amount"]) > 0
        applications = decode(PAYMENT_STATUS, row)["applications"]
        applied = sum(one.amount.amount for one in applications)
        assert applied == Decimal(row["paid_amount"])
        assert (float(row["open_amount"]) == 0) == (row["ledger_word"] == "PAID")
        assert row["last_payment_on"] >= "2026-08-01"


async def test_what_does_not_exist_is_said_so(tryton: Tryton) -> None:
    """Unknown records and actions are named; a key of another form matches nothing."""
    with pytest.raises(NotFound, match="ERP has no Project P-0000-000"):
        await tryton.update(PROJECT, "P-0000-000", {"name": "x"})
    with pytest.raises(Invalid, match="no action shred"):
        await tryton.act(INVOICE, "1", "shred", {})
    assert await fetch(tryton, CLIENT, "id", "not-a-number") == []


async def test_a_wrong_key_is_unavailable(erp: RunningTryton) -> None:
    """Whoever operates Concord must look at the settings; the message says which."""
    stranger = connect(erp, key="wrong")
    with pytest.raises(Unavailable, match="CONCORD_ERP__KEY"):
        await fetch(stranger, CLIENT, "id")
    await stranger.close()


async def test_a_wrong_password_is_unavailable(erp: RunningTryton) -> None:
    """Reads go on without a session; writes need one."""
    stranger = connect(erp, password="wrong-password")
    [client, *_] = await fetch(stranger, CLIENT, "id", limit=1)
    with pytest.raises(Unavailable, match="CONCORD_ERP__PASSWORD"):
        await stranger.update(CLIENT, str(client["id"]), {"name": "x"})
    await stranger.close()


async def test_an_ended_session_is_opened_again(erp: RunningTryton) -> None:
    """Tryton forgets a session when it restarts its database or after five idle minutes."""
    connector = connect(erp)
    [client, *_] = await fetch(connector, CLIENT, "id", limit=1)
    key = str(client["id"])
    await connector.update(CLIENT, key, {"name": "Before"})
    clerk = erp.log_in_admin()
    sessions = clerk.call(
        "model.res.user.write", [erp.keys.hub_user], {"password": "changed-for-good"}
    )
    assert sessions is None
    with pytest.raises(Unavailable, match="CONCORD_ERP__PASSWORD"):
        await connector.update(CLIENT, key, {"name": "Never"})
    clerk.call("model.res.user.write", [erp.keys.hub_user], {"password": erp.keys.hub_password})
    renewed = await connector.update(CLIENT, key, {"name": "After"})
    assert renewed["name"] == "After"
    await connector.close()
