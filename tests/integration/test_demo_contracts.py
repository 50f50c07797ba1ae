"""The contract side of the CRM stand-in: what it refuses, in which words, and what takes effect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from support.stand_ins import caller

SIGNED = {"approver_email": "ann@firm.example"}
DECIDED = {"decider_email": "ann@firm.example", "decision_note": "Too cheap."}
STEPS: dict[str, tuple[str, dict[str, str]]] = {
    "UNDER_REVIEW": ("send-for-review", {}),
    "APPROVED": ("sign-off", SIGNED),
    "ACTIVE": ("start", {}),
}


class Crm:
    """The CRM's API as somebody who works on contracts calls it."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def post(self, path: str, body: Any = None) -> httpx.Response:
        return await self.client.post(f"/services/{path}", json=body or {})

    async def patch(self, path: str, body: Any, version: int | None = None) -> httpx.Response:
        guard = {} if version is None else {"If-Match": str(version)}
        return await self.client.patch(f"/services/{path}", json=body, headers=guard)

    async def get(self, path: str) -> dict[str, Any]:
        answered: dict[str, Any] = (await self.client.get(f"/services/{path}")).json()
        return answered

    async def made(self, path: str, **fields: Any) -> dict[str, Any]:
        response = await self.post(path, fields)
        assert response.status_code == 201, response.text
        made: dict[str, Any] = response.json()
        return made

    async def contract(self, until: str = "DRAFT", **fields: Any) -> dict[str, Any]:
        """A contract in euro, brought to the status `until`."""
        contract = await self.made("statements-of-work", **CONTRACT | fields)
        for status, (word, body) in STEPS.items():
            if contract["status"] == until:
                break
            path = f"statements-of-work/{contract['id']}/{word}"
            contract = (await self.post(path, body)).json()
            assert contract["status"] == status
        return contract

    async def working_version(self, effective_date: str = "2028-01-01") -> str:
        fields = {"version_no": 9, "effective_date": effective_date}
        version = await self.made("price-book-versions", price_book_id="PB-00001", **fields)
        return str(version["id"])


CONTRACT = {
    "opportunity_id": "OPP-00001",
    "contract_no": "CN-2026-9001",
    "subject": "Audit of the books",
    "pricing_model": "TM",
    "currency_iso": "EUR",
    "ceiling_amount": "100000.00",
    "valid_from": "2026-12-01",
    "valid_to": "2027-06-30",
}
CHANGE = {
    "sequence_no": 1,
    "change_type": "CEILING",
    "effective_date": "2026-11-01",
    "changed_terms": [
        {"term": "ceiling_amount", "old_value": "100000.00", "new_value": "120000.00"}
    ],
}
LINE = {"job_role": "Manager", "unit_price": "210.500000", "currency_iso": "EUR"}


@pytest.fixture
async def crm(seeded_database: Callable[[str], str]) -> AsyncIterator[Crm]:
    async with caller("crm", seeded_database("crm")) as client:
        yield Crm(client)


def refused(response: httpx.Response, code: str, *words: str) -> None:
    """The answer is the CRM's own refusal of a broken rule."""
    assert response.status_code == 409, response.text
    [error] = response.json()
    assert error["errorCode"] == code
    assert all(word in error["message"] for word in words), error["message"]


async def test_a_contract_moves_only_by_its_calls_and_in_their_order(crm: Crm) -> None:
    """The status cannot be written, and a call is possible from the statuses it names only."""
    contract = await crm.contract()
    path = f"statements-of-work/{contract['id']}"
    written = await crm.patch(path, {"status": "ACTIVE"})
    assert (written.status_code, "read-only" in written.text) == (422, True)
    early = await crm.post(f"{path}/start")
    refused(early, "ILLEGAL_TRANSITION", f"{contract['id']} is DRAFT", "from APPROVED only")
    for word, body in (*STEPS.values(), ("pause", {}), ("unpause", {}), ("finish", {})):
        assert (await crm.post(f"{path}/{word}", body)).status_code == 200
    done = await crm.get(path)
    assert (done["status"], done["approver_email"]) == ("COMPLETED", "ann@firm.example")
    assert done["approved_at"] is not None
    refused(await crm.post(f"{path}/cancel", DECIDED), "ILLEGAL_TRANSITION", "is COMPLETED")


@pytest.mark.parametrize("note", ["", "   ", None])
async def test_a_rejection_needs_a_reason(crm: Crm, note: str | None) -> None:
    """An empty reason is none; nothing changes until one is given."""
    contract = await crm.contract("UNDER_REVIEW")
    path = f"statements-of-work/{contract['id']}/turn-down"
    body = {"decider_email": "ann@firm.example"} | ({} if note is None else {"decision_note": note})
    refused(await crm.post(path, body), "REASON_REQUIRED", "decision_note")
    rejected = (await crm.post(path, DECIDED)).json()
    assert (rejected["status"], rejected["decision_note"]) == ("REJECTED", "Too cheap.")
    assert rejected["approver_email"] is None


async def test_the_terms_of_an_approved_contract_cannot_be_written(crm: Crm) -> None:
    """What is known only later can; the terms, its deliverables and its retainers cannot."""
    contract = await crm.contract("UNDER_REVIEW")
    path, part = f"statements-of-work/{contract['id']}", {"sow_id": contract["id"]}
    fee = {"fee_amount": "5000.00", "currency_iso": "EUR"}
    promise = {"position_no": 1, "deliverable_name": "Report", "due_date": "2027-01-31", **fee}
    deliverable = await crm.made("deliverables", **part, **promise)
    assert (await crm.patch(path, {"ceiling_amount": "90000.00"})).status_code == 200
    await crm.post(f"{path}/sign-off", SIGNED)
    refused(await crm.patch(path, {"ceiling_amount": "1.00"}), "TERMS_IMMUTABLE", "change order")
    refused(await crm.post("deliverables", {**part, **promise}), "TERMS_IMMUTABLE", "APPROVED")
    promised = f"deliverables/{deliverable['id']}"
    refused(await crm.patch(promised, {"due_date": "2028-01-01"}), "TERMS_IMMUTABLE")
    assert (await crm.patch(promised, {"erp_project_no": "P-2612-001"})).status_code == 200
    assert (await crm.patch(path, {"document_sha256": "ab" * 32})).status_code == 200


async def test_a_stale_version_of_a_contract_is_refused(crm: Crm) -> None:
    """Of two who read the same version, the second is told."""
    contract = await crm.contract()
    path = f"statements-of-work/{contract['id']}"
    assert (await crm.patch(path, {"subject": "First"}, version=1)).status_code == 200
    stale = await crm.patch(path, {"subject": "Second"}, version=1)
    assert (stale.status_code, stale.json()[0]["errorCode"]) == (412, "STALE_VERSION")


async def test_published_prices_cannot_be_changed(crm: Crm) -> None:
    """A version is working until it is published; then it and its lines are fixed."""
    version = await crm.working_version()
    path = f"price-book-versions/{version}"
    refused(await crm.post(f"{path}/publish"), "NO_PRICES", version)
    line = await crm.made("price-lines", price_book_version_id=version, **LINE)
    assert (await crm.patch(path, {"effective_date": "2028-02-01"})).status_code == 200
    published = (await crm.post(f"{path}/publish")).json()
    assert (published["status"], published["published_at"] is None) == ("PUBLISHED", False)
    refused(await crm.patch(path, {"version_no": 10}), "PUBLISHED_IMMUTABLE", "new version")
    cheaper = await crm.patch(f"price-lines/{line['id']}", {"unit_price": "1.000000"})
    refused(cheaper, "LINE_IMMUTABLE", version)
    more = {"price_book_version_id": version, **LINE, "job_role": "Partner"}
    refused(await crm.post("price-lines", more), "LINE_IMMUTABLE", version)
    other_currency = await crm.patch("price-books/PB-00001", {"currency_iso": "USD"})
    refused(other_currency, "PUBLISHED_IMMUTABLE", "EUR")


async def test_prices_do_not_overlap(crm: Crm) -> None:
    """One price for one thing in a version, in the book's currency, and one version for a day."""
    version = await crm.working_version("2026-01-01")
    line = {"price_book_version_id": version, **LINE}
    await crm.made("price-lines", **line)
    refused(await crm.post("price-lines", line), "DUPLICATE_PRICE", "exactly this")
    dollars = {**line, "currency_iso": "USD", "job_role": "Partner"}
    refused(await crm.post("price-lines", dollars), "CURRENCY_MISMATCH", "PB-00001 is in EUR")
    publishing = await crm.post(f"price-book-versions/{version}/publish")
    refused(publishing, "VERSION_OVERLAP", "2026-01-01")


async def test_a_contract_is_signed_on_published_prices_only(crm: Crm) -> None:
    """A working version may still change, and so cannot be agreed on."""
    version = await crm.working_version()
    contract = await crm.contract("UNDER_REVIEW", price_book_version_id=version)
    signing = await crm.post(f"statements-of-work/{contract['id']}/sign-off", SIGNED)
    refused(signing, "PRICES_UNPUBLISHED", version, "publish it first")


async def test_change_orders_of_one_kind_and_day_do_not_overlap(crm: Crm) -> None:
    """Even when two are written at once; another kind, another day or a replacement may be."""
    contract = await crm.contract("ACTIVE")
    change = {"sow_id": contract["id"], **CHANGE}
    answers = await asyncio.gather(*(crm.post("change-orders", change) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    [first] = [answer.json() for answer in answers if answer.status_code == 201]
    refused(await crm.post("change-orders", change), "CHANGE_ORDER_OVERLAP", first["id"])
    await crm.made("change-orders", **{**change, "effective_date": "2026-11-02"})
    await crm.made("change-orders", **{**change, "change_type": "TERMS"})
    await crm.made("change-orders", **change, replaces_id=first["id"])


async def test_a_change_order_takes_effect_on_its_day(crm: Crm) -> None:
    """One whose day has come changes the contract at once; others wait for the nightly job."""
    contract = await crm.contract("ACTIVE")
    change = await crm.made("change-orders", sow_id=contract["id"], **CHANGE)
    signed = (await crm.post(f"change-orders/{change['id']}/sign-off", SIGNED)).json()
    path = f"statements-of-work/{contract['id']}"
    assert (signed["status"], (await crm.get(path))["ceiling_amount"]) == ("IN_FORCE", "120000.00")
    raised = {"term": "ceiling_amount", "old_value": "120000.00", "new_value": "150000.00"}
    later = {"effective_date": "2199-01-01", "changed_terms": [raised], "sequence_no": 2}
    successor = await crm.made(
        "change-orders", sow_id=contract["id"], replaces_id=change["id"], **CHANGE | later
    )
    signed = (await crm.post(f"change-orders/{successor['id']}/sign-off", SIGNED)).json()
    assert (signed["status"], (await crm.get(path))["ceiling_amount"]) == ("APPROVED", "120000.00")
    ran = (await crm.post("jobs/due-changes", {"business_date": "2199-01-01"})).json()
    assert successor["id"] in ran["inForce"]
    assert (await crm.get(path))["ceiling_amount"] == "150000.00"
    assert (await crm.get(f"change-orders/{change['id']}"))["status"] == "REPLACED"


async def test_an_approved_change_order_can_be_voided_but_not_changed(crm: Crm) -> None:
    """It needs a reason; a contract nobody has approved takes no change orders at all."""
    draft = await crm.contract()
    change = {"sow_id": draft["id"], **CHANGE, "effective_date": "2199-01-01"}
    refused(await crm.post("change-orders", change), "NOT_AMENDABLE", "is DRAFT")
    contract = await crm.contract("APPROVED", contract_no="CN-2026-9002")
    order = await crm.made("change-orders", **change | {"sow_id": contract["id"]})
    path = f"change-orders/{order['id']}"
    await crm.post(f"{path}/sign-off", SIGNED)
    refused(await crm.patch(path, {"sequence_no": 3}), "CHANGE_ORDER_IMMUTABLE", "APPROVED")
    refused(await crm.post(f"{path}/void", {}), "REASON_REQUIRED")
    assert (await crm.post(f"{path}/void", DECIDED)).json()["status"] == "VOID"


@pytest.mark.parametrize(
    ("term", "value"), [("colour", "red"), ("ceiling_amount", "much"), ("valid_to", None)]
)
async def test_a_change_order_names_terms_that_there_are(
    crm: Crm, term: str, value: str | None
) -> None:
    """A term the contract has not got, or a value it cannot hold, is refused by its name."""
    contract = await crm.contract("APPROVED")
    terms = [{"term": term, "old_value": None, "new_value": value}]
    change = {"sow_id": contract["id"], **CHANGE, "changed_terms": terms}
    answer = await crm.post("change-orders", change)
    assert (answer.status_code, term in answer.text) == (422, True)


async def test_a_deliverable_is_accepted_once_it_is_done(crm: Crm) -> None:
    """The acceptance keeps who, when, and where the evidence is."""
    contract = await crm.contract()
    deliverable = await crm.made(
        "deliverables",
        sow_id=contract["id"],
        position_no=1,
        deliverable_name="Report",
        due_date="2027-01-31",
        fee_amount="5000.00",
        currency_iso="EUR",
    )
    path = f"deliverables/{deliverable['id']}"
    evidence = {"accepted_by": "client@acme.example", "acceptance_link": "https://x.example/1"}
    refused(await crm.post(f"{path}/accept", evidence), "ILLEGAL_TRANSITION", "is PLANNED")
    await crm.post(f"{path}/mark-done")
    accepted = (await crm.post(f"{path}/accept", evidence)).json()
    assert accepted["status"] == "ACCEPTED"
    assert accepted.items() >= evidence.items()
    assert accepted["accepted_at"] is not None
