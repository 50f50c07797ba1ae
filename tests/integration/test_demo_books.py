"""The books of the stand-ins: entities, projects, invoices, payments and terms of employment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from support.stand_ins import caller

from hub.demo.documents import BOOK_RATE

NET = "1000.05"
POSITION = {
    "pos_no": 1,
    "text": "Audit",
    "qty": "10",
    "uom": "HUR",
    "price": "100.00",
    "amount": "1000.00",
    "currency": "EUR",
    "tax_category": "S",
}
LINE = {
    "number": 1,
    "description": "Audit",
    "quantity": "4",
    "unit": "hour",
    "unit_amount": "25.00",
    "amount": "100.00",
    "currency": "EUR",
    "tax_code": "S",
}
DRAFT = {
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
async def erp(seeded_database: Callable[[str], str]) -> AsyncIterator[httpx.AsyncClient]:
    async with caller("erp", seeded_database("erp")) as client:
        yield client


@pytest.fixture
async def billing(seeded_database: Callable[[str], str]) -> AsyncIterator[httpx.AsyncClient]:
    async with caller("billing", seeded_database("billing")) as client:
        yield client


@pytest.fixture
async def hr(seeded_database: Callable[[str], str]) -> AsyncIterator[httpx.AsyncClient]:
    async with caller("hr", seeded_database("hr")) as client:
        yield client


def code_of(answer: httpx.Response) -> str:
    assert answer.status_code == 409, answer.text
    return str(answer.json()["error"]["code"])


async def drafted(erp: httpx.AsyncClient, **cells: Any) -> str:
    """The path of a new draft in the ledger."""
    row = {"billing_ref": "in_9", "entity_code": "NL01", "currency": "EUR", "net_amount": NET}
    created = await erp.post("/erp/ar-invoices", json=row | cells)
    assert created.status_code == 201, created.text
    return f"/erp/ar-invoices/{created.json()['doc_id']}"


async def posted(erp: httpx.AsyncClient, **cells: Any) -> str:
    path = await drafted(erp, **cells)
    answer = await erp.post(f"{path}/post", json={"posting_date": "2026-12-01"})
    assert answer.status_code == 200, answer.text
    return path


async def paid(erp: httpx.AsyncClient, path: str, amount: str) -> httpx.Response:
    return await erp.post(f"{path}/payments", json={"amount": amount, "paid_on": "2026-12-20"})


async def test_an_entity_shows_its_periods(erp: httpx.AsyncClient) -> None:
    """One record with the months of its ledger; closing one of them shows at once."""
    entity = "/erp/entities/NL01"
    before = (await erp.get(entity)).json()
    assert {one["is_open"] for one in before["periods"]} == {True, False}
    await erp.post("/erp/periods/NL01/2027-01/close")
    after = (await erp.get(entity)).json()
    changed = [one for one in after["periods"] if one not in before["periods"]]
    assert changed == [{"period": "2027-01", "is_open": False}]
    assert (await erp.patch(entity, json={"periods": []})).status_code == 422
    assert code_of(await erp.patch(entity, json={"book_currency": "USD"})) == "BOOKS_IN_USE"


async def test_tax_is_worked_out_by_category(erp: httpx.AsyncClient) -> None:
    """Each category is rounded once over all of its positions; the rest bears none."""
    positions = [
        POSITION | {"amount": "0.01", "pos_no": 1},
        POSITION | {"amount": "0.02", "pos_no": 2},
        POSITION | {"amount": "1000.02", "tax_category": "E", "pos_no": 3},
    ]
    document = (await erp.get(await posted(erp, positions=positions))).json()
    assert [(one["category"], one["base"], one["tax"]) for one in document["tax_lines"]] == [
        ("S", "0.03", "0.01"),
        ("E", "1000.02", "0.00"),
    ]
    assert (document["tax_amount"], document["gross_amount"]) == ("0.01", "1000.06")
    assert Decimal(document["fx_rate"]) == 1


async def test_an_entity_that_rounds_by_line_gets_another_tax(erp: httpx.AsyncClient) -> None:
    """0.01 bears no tax that could be paid: twice nothing is nothing. The total goes to 0.05."""
    rounding = {"net_at": "LINE", "tax_at": "LINE", "half_goes": "UP", "step": "0.05"}
    await erp.patch("/erp/entities/NL01", json={"rounding": rounding})
    positions = [POSITION | {"amount": "0.02"}, POSITION | {"amount": "0.02"}]
    path = await posted(erp, net_amount="0.04", positions=positions)
    document = (await erp.get(path)).json()
    assert (document["tax_amount"], document["gross_amount"]) == ("0.00", "0.05")
    assert document["rounding_amount"] == "0.01"


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"positions": [POSITION]}, "POSITIONS_DIFFER"),
        ({"positions": [POSITION | {"amount": NET, "tax_category": "X"}]}, "TAX_CATEGORY_UNKNOWN"),
        ({"currency": "CHF"}, "NO_EXCHANGE_RATE"),
    ],
)
async def test_what_does_not_add_up_is_not_posted(
    erp: httpx.AsyncClient, cells: dict[str, Any], code: str
) -> None:
    """The refusal has a code of its own, and uses no number."""
    path = await drafted(erp, **cells)
    assert code_of(await erp.post(f"{path}/post", json={"posting_date": "2026-12-01"})) == code
    assert (await erp.get(path)).json()["document_no"] is None


async def test_a_foreign_invoice_keeps_the_rate_of_its_day(erp: httpx.AsyncClient) -> None:
    """The rate in force on the posting date is frozen on the document."""
    path = await posted(erp, currency="USD")
    document = (await erp.get(path)).json()
    assert Decimal("0.85") < Decimal(document["fx_rate"]) < Decimal("0.99")
    stated = (document["book_currency"], document["fx_date"], document["fx_provider"])
    assert stated == ("EUR", "2026-12-01", "ECB")
    await erp.post(f"{path}/payments", json={"amount": NET, "paid_on": "2026-11-20"})
    paid = (await erp.get(path)).json()
    assert {name: paid[name] for name in BOOK_RATE} == {name: document[name] for name in BOOK_RATE}
    assert paid["applications"][0]["fx_date"] == "2026-11-01"


async def test_an_invoice_is_sent_once_and_not_before_its_date(erp: httpx.AsyncClient) -> None:
    """Only a posted document is dispatched."""
    draft = await drafted(erp)
    day = {"dispatched_on": "2026-12-02"}
    assert code_of(await erp.post(f"{draft}/dispatch", json=day)) == "NOT_DISPATCHABLE"
    path = await posted(erp)
    early = {"dispatched_on": "2026-11-30"}
    assert code_of(await erp.post(f"{path}/dispatch", json=early)) == "DATE_ORDER"
    sent = (await erp.post(f"{path}/dispatch", json=day)).json()
    assert (sent["document_status"], sent["sent_on"]) == ("SENT", "2026-12-02")
    assert code_of(await erp.post(f"{path}/dispatch", json=day)) == "NOT_DISPATCHABLE"


async def test_a_payment_that_bounces_opens_the_invoice_again(erp: httpx.AsyncClient) -> None:
    """Every application stays on the document; what was sent is not sent again."""
    path = await posted(erp)
    await paid(erp, path, "210.06")
    assert (await paid(erp, path, "1000.00")).json()["document_status"] == "PAID"
    part = (await paid(erp, path, "-1000.00")).json()
    assert (part["document_status"], part["open_amount"]) == ("PART_PAID", "1000.00")
    assert code_of(await paid(erp, path, "-210.07")) == "NOTHING_TO_TAKE_BACK"
    back = (await paid(erp, path, "-210.06")).json()
    assert (back["document_status"], back["open_amount"]) == ("POSTED", "1210.06")
    await erp.post(f"{path}/dispatch", json={"dispatched_on": "2026-12-02"})
    await paid(erp, path, "100.00")
    back = (await paid(erp, path, "-100.00")).json()
    assert (back["document_status"], back["sent_on"]) == ("SENT", "2026-12-02")
    amounts = [Decimal(one["amount"]) for one in back["applications"]]
    assert (len(amounts), sum(amounts)) == (6, Decimal(back["paid_amount"]))
    assert (await paid(erp, path, "0.00")).status_code == 422


async def test_a_write_off_gives_up_what_is_open(erp: httpx.AsyncClient) -> None:
    """It needs a reason and ends the document; what was paid in part is credited instead."""
    path = await posted(erp)
    await paid(erp, path, "210.06")
    assert code_of(await erp.post(f"{path}/write-off")) == "NOT_OPEN"
    await paid(erp, path, "-210.06")
    assert code_of(await erp.post(f"{path}/write-off")) == "REASON_MISSING"
    given_up = (await erp.post(f"{path}/write-off", json={"reason_text": "Insolvent"})).json()
    assert (given_up["document_status"], given_up["written_off_amount"]) == (
        "WRITTEN_OFF",
        "1210.06",
    )
    assert (given_up["open_amount"], given_up["paid_amount"]) == ("0.00", "0.00")
    assert code_of(await paid(erp, path, "1.00")) == "NOT_PAYABLE"


async def test_a_cancelled_document_keeps_its_number(erp: httpx.AsyncClient) -> None:
    """Cancelling needs a reason, and leaves a document that takes it back."""
    path = await posted(erp)
    assert code_of(await erp.post(f"{path}/cancel", json={"reason_text": " "})) == "REASON_MISSING"
    gone = (await erp.post(f"{path}/cancel", json={"reason_text": "Wrong client"})).json()
    assert (gone["document_status"], gone["open_amount"]) == ("CANCELLED", "0.00")
    assert gone["document_no"] is not None
    [taken_back] = (await erp.get("/erp/cancellations")).json()["value"]
    assert taken_back["document_no"] == gone["cancelled_by_no"] != gone["document_no"]
    assert (taken_back["cancels_no"], taken_back["gross_amount"]) == (
        gone["document_no"],
        f"-{gone['gross_amount']}",
    )


async def test_a_credit_note_settles_the_invoice_it_corrects(erp: httpx.AsyncClient) -> None:
    """In part, then in full; more than is open is refused and uses no number."""
    path = await posted(erp)
    note = {"billing_ref": "in_10", "doc_type": "CRN", "corrects_ref": "in_9"}
    part = (await erp.get(await posted(erp, **note, net_amount="-500.00"))).json()
    assert (part["document_status"], part["open_amount"]) == ("PAID", "0.00")
    invoice = (await erp.get(path)).json()
    assert (invoice["document_status"], invoice["open_amount"]) == ("PART_PAID", "605.06")
    too_much = await drafted(erp, **note, net_amount="-500.06")
    day = {"posting_date": "2026-12-01"}
    assert code_of(await erp.post(f"{too_much}/post", json=day)) == "CREDIT_TOO_LARGE"
    assert (await erp.get(too_much)).json()["document_no"] is None


async def test_an_invoice_credited_in_full_is_credited(erp: httpx.AsyncClient) -> None:
    """Nothing can be credited after that."""
    path = await posted(erp)
    note = {"billing_ref": "in_10", "doc_type": "CRN", "corrects_ref": "in_9"}
    await posted(erp, **note, net_amount=f"-{NET}")
    invoice = (await erp.get(path)).json()
    assert (invoice["document_status"], invoice["open_amount"]) == ("CREDITED", "0.00")
    assert [one["method"] for one in invoice["applications"]] == ["CREDIT_NOTE"]
    again = await drafted(erp, **note, net_amount="-1.00")
    day = {"posting_date": "2026-12-01"}
    assert code_of(await erp.post(f"{again}/post", json=day)) == "NOTHING_TO_CREDIT"


async def test_reminders_are_for_what_is_overdue(erp: httpx.AsyncClient) -> None:
    """Three at most."""
    path = await posted(erp, due_on="2026-12-15")
    on_time = {"reminded_on": "2026-12-15"}
    assert code_of(await erp.post(f"{path}/dunning", json=on_time)) == "NOT_DUE"
    late = {"reminded_on": "2027-02-01"}
    levels = [(await erp.post(f"{path}/dunning", json=late)).json() for _ in range(3)]
    assert [one["dunning_level"] for one in levels] == [1, 2, 3]
    assert code_of(await erp.post(f"{path}/dunning", json=late)) == "LAST_REMINDER"


async def test_a_dispute_may_be_noted_on_a_posted_document(erp: httpx.AsyncClient) -> None:
    """It is the only thing that may."""
    path = await posted(erp)
    assert (await erp.patch(path, json={"in_dispute": True})).json()["in_dispute"] is True
    both = await erp.patch(path, json={"in_dispute": False, "due_on": "2027-01-01"})
    assert code_of(both) == "DOCUMENT_IMMUTABLE"


async def test_a_project_moves_along_its_statuses_only(erp: httpx.AsyncClient) -> None:
    """Each refusal says where the project may go; a closed one stays as it is."""
    row = {"customer_no": "C10001", "description": "Audit", "entity_code": "NL01"}
    row |= {"currency": "EUR", "start_on": "2027-03-01"}
    made = (await erp.post("/erp/projects", json=row)).json()
    path = f"/erp/projects/{made['project_no']}"

    async def move(word: str) -> httpx.Response:
        return await erp.post(f"{path}/set-status", json={"new_status": word})

    assert (await erp.patch(path, json={"project_status": "OPEN"})).status_code == 422
    refused = await move("CLOSED")
    assert code_of(refused) == "STATUS_SEQUENCE"
    assert "goes only to IN_SETUP." in refused.text
    for word in ("IN_SETUP", "SETUP_FAILED", "IN_SETUP", "OPEN", "ON_HOLD", "WINDING_UP"):
        assert (await move(word)).json()["project_status"] == word
    assert (await move("CLOSED")).json()["project_status"] == "CLOSED"
    assert code_of(await erp.patch(path, json={"end_on": "2027-04-01"})) == "PROJECT_CLOSED"
    assert (await erp.patch(path, json={"delivery_percent": 100})).status_code == 200
    assert (await erp.post("/erp/projects/%00/set-status", json={})).status_code in (404, 422)


async def test_invoices_go_to_one_address(erp: httpx.AsyncClient) -> None:
    """Two addresses that both get the invoices are refused."""
    address = {"street": "Mill Lane 1", "town": "Delft", "country": "NL", "gets_invoices": True}
    path = "/erp/customers/C10001"
    twice = {"addresses": [address, address | {"street": "Mill Lane 2"}]}
    assert code_of(await erp.patch(path, json=twice)) == "ONE_INVOICE_ADDRESS"
    assert (await erp.patch(path, json={"addresses": [address]})).json()["addresses"] == [address]


async def test_lines_add_up_to_the_amount(billing: httpx.AsyncClient) -> None:
    """Another sum, or another currency, is refused when drafting and when changing."""
    made = await billing.post("/v1/invoices", json=DRAFT | {"lines": [LINE, LINE]})
    assert code_of(made) == "lines_mismatch"
    made = await billing.post("/v1/invoices", json=DRAFT | {"lines": [LINE]})
    path = f"/v1/invoices/{made.json()['id']}"
    assert code_of(await billing.post(path, json={"amount_net": "99.99"})) == "lines_mismatch"
    dollars = {"lines": [LINE | {"currency": "USD"}]}
    assert code_of(await billing.post(path, json=dollars)) == "currency_mismatch"


async def test_an_approved_invoice_keeps_its_content(billing: httpx.AsyncClient) -> None:
    """What is disputed, and what the ledger says of it, may still be noted."""
    made = await billing.post("/v1/invoices", json=DRAFT | {"lines": [LINE]})
    path = f"/v1/invoices/{made.json()['id']}"
    nobody = await billing.post(f"{path}/finalize", json={"approved_by": ""})
    assert code_of(nobody) == "approver_required"
    approved = await billing.post(f"{path}/finalize", json={"approved_by": "fin@firm.example"})
    assert approved.json()["status"] == "approved"
    assert code_of(await billing.post(path, json={"due_on": "2027-01-31"})) == "invoice_locked"
    noted = await billing.post(path, json={"disputed": True, "ledger_number": "NL01-2026-00001"})
    assert noted.status_code == 200
    same_currency = {"tax_amount": "21.00", "currency": "EUR"}
    assert (await billing.post(path, json=same_currency)).status_code == 200
    again = await billing.post(f"{path}/finalize", json={"approved_by": "fin@firm.example"})
    assert code_of(again) == "invoice_status"
    late = await billing.post(f"{path}/void", json={"comment": "Wrong client"})
    assert code_of(late) == "invoice_in_ledger"


async def test_a_draft_is_voided_for_a_reason(billing: httpx.AsyncClient) -> None:
    """Without a comment it stays; voided, it stays void."""
    made = await billing.post("/v1/invoices", json=DRAFT)
    path = f"/v1/invoices/{made.json()['id']}"
    assert code_of(await billing.post(f"{path}/void", json={})) == "comment_required"
    gone = await billing.post(f"{path}/void", json={"comment": "Wrong client"})
    assert gone.json()["status"] == "void"
    assert code_of(await billing.post(f"{path}/void", json={"comment": "x"})) == "invoice_status"


async def test_a_credit_note_names_what_it_corrects(billing: httpx.AsyncClient) -> None:
    """A correction of nothing, or of nobody's invoice, is refused."""
    note = DRAFT | {"kind": "credit_note", "amount_net": "-100.00"}
    assert code_of(await billing.post("/v1/invoices", json=note)) == "nothing_corrected"
    unknown = await billing.post("/v1/invoices", json=note | {"corrects": "in_999999"})
    assert unknown.status_code == 422
    made = await billing.post("/v1/invoices", json=note | {"corrects": "in_000001"})
    assert made.status_code == 201


async def test_cost_rates_begin_with_the_employment_and_follow_each_other(
    hr: httpx.AsyncClient,
) -> None:
    """A gap, a double or a wrong order is refused, and nobody leads themselves."""
    path = "/v1/employees/E1001"
    person = (await hr.get(path)).json()
    first = {"valid_from": person["hired_on"], "amount": "50.00", "currency": "EUR", "unit": "H"}
    later = first | {"valid_from": "2027-01-01", "amount": "52.500000"}

    async def rated(*rates: dict[str, str]) -> httpx.Response:
        return await hr.patch(path, json={"cost_rates": list(rates)})

    for rates, kind in (
        ((later,), "cost_rate_gap"),
        ((first, first), "cost_rate_order"),
        ((first, later, first), "cost_rate_order"),
    ):
        assert (await rated(*rates)).json()["error"]["type"] == kind
    assert (await rated(first, later)).json()["cost_rates"] == [first, later]
    alone = await hr.patch(path, json={"reports_to": "E1001"})
    assert alone.json()["error"]["type"] == "own_manager"
