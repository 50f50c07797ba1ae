"""Writes over the whole firm: each reaches its owner, and comes back to whoever waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from support.staged import DEADLINE_S, Staged, staged_once
from support.targets import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROJECTS = "{ projects(first: 1, filter: {status: [ACTIVE]}) { nodes { id code } } }"
PLACE = """
mutation ($project: ID!, $key: String!) {
  placeBillingHold(idempotencyKey: $key, input: {projectId: $project, effect: BLOCK_EVENT,
      reason: "Acceptance is missing", reviewBy: "2027-01-31", placedBy: "fin@firm.example"}) {
    ... on BillingHoldWritten { billingHold { id status availableActions { action } } token }
    ... on Refused { code message } } }
"""
RELEASE = """
mutation ($id: ID!, $key: String!) {
  releaseBillingHold(id: $id, by: "fin@firm.example", idempotencyKey: $key) {
    ... on BillingHoldWritten { billingHold { status releasedBy } }
    ... on Refused { code }
    ... on ActionNotAllowed { currentState availableActions { action } } } }
"""
HOLDS = """
query ($project: ID!) {
  project(id: $project) { billingHolds(first: 20) { nodes { id status reason } } } }
"""
HOLD_EVENTS = """
subscription ($project: ID!) {
  billingHoldStatusChanged(filter: {projectId: [$project]}) {
    before after billingHold { reason } } }
"""
WAITING = """
{ timeEntries(first: 1, filter: {status: [SUBMITTED]}) { nodes { id status
    availableActions { action system takes } } } }
"""
APPROVE = """
mutation ($id: ID!, $key: String!) {
  approveTimeEntry(id: $id, by: "lead@firm.example", idempotencyKey: $key) {
    ... on TimeEntryWritten { timeEntry { status approvedBy } token }
    ... on Refused { code message } } }
"""
REJECT = """
mutation ($id: ID!, $why: String!, $key: String!) {
  rejectTimeEntry(id: $id, by: "lead@firm.example", reason: $why, idempotencyKey: $key) {
    ... on TimeEntryWritten { token timeEntry { status rejectedBy rejectionReason } } } }
"""
REVISE = """
mutation ($id: ID!, $key: String!) {
  reviseTimeEntry(id: $id, idempotencyKey: $key) {
    ... on TimeEntryWritten { timeEntry { status rejectedBy rejectionReason } } } }
"""
REJECTED = """
query ($id: ID!, $read: ReadPolicy) { timeEntry(id: $id, read: $read) {
    rejectionReason _meta { owner source } } }
"""
SENT_BACK = """
query ($read: ReadPolicy) {
  timeEntries(first: 100, filter: {status: [REJECTED]}, read: $read) {
    nodes { rejectedBy rejectionReason project { manager { email } } } } }
"""
UNDISPUTED = """
{ invoices(last: 1, filter: {isDisputed: false, draftStatus: [APPROVED]}) { nodes { id } } }
"""
DISPUTE = """
mutation ($id: ID!) { updateInvoice(input: {id: $id, isDisputed: true}) {
    ... on InvoiceWritten { token } ... on Refused { message } } }
"""
DISPUTED = """
query ($read: ReadPolicy) {
  invoices(first: 100, filter: {isDisputed: true}, read: $read) { nodes { id isDisputed } } }
"""
PARTS = """
{ billingEvents(first: 100, filter: {status: [INVOICED]}) {
    nodes { invoiceIds allocations { invoiceId invoice { id clientId } } } } }
"""
HELD_INVOICE = """
query ($id: ID!) { invoice(id: $id) {
    standingHolds { billingHoldId reason billingHold { id reason placedBy } } } }
"""
HOLD_INVOICE = """
mutation ($invoice: ID!, $key: String!) {
  placeBillingHold(idempotencyKey: $key, input: {invoiceId: $invoice, effect: BLOCK_INVOICE,
      reason: "A line is missing", reviewBy: "2027-01-31", placedBy: "fin@firm.example"}) {
    ... on BillingHoldWritten { billingHold { id } } } }
"""
INVOICES = """
query ($read: ReadPolicy) {
  invoices(last: 100, filter: {issuedOn: {to: "2026-06-30"}}, read: $read) { nodes {
    id currency legalEntity { functionalCurrency }
    fxToFunctional { base quote rate date source } } } }
"""
SPEND = """
mutation ($input: CreateExpenseItemInput!, $key: String!) {
  createExpenseItem(input: $input, idempotencyKey: $key) {
    ... on ExpenseItemWritten { token
      expenseItem { id billingFx { base quote rate date source } } }
    ... on Refused { code message } } }
"""
EXPENSE = """
query ($id: ID!, $token: String!) {
  expenseItem(id: $id, read: {after: $token}) {
    billingFx { base quote rate date source } references { system key } } }
"""
BEGIN = """
mutation ($client: ID!, $books: ID!, $key: String!) {
  createProject(idempotencyKey: $key, input: {clientId: $client, name: "Set up",
      legalEntityId: $books, currency: "EUR", startsOn: "2026-12-01"}) {
    ... on ProjectWritten { project { id } }
    ... on Refused { code message } } }
"""
SETUP = """
query ($id: ID!) { project(id: $id) {
    setup { system status reason } availableActions { action } } }
"""
PROVISION = """
mutation ($id: ID!, $key: String!) {
  provisionProject(id: $id, idempotencyKey: $key) {
    ... on ProjectWritten { project { status } } ... on Refused { code message } } }
"""
ACTIVATE = """
mutation ($id: ID!, $key: String!) {
  activateProject(id: $id, idempotencyKey: $key) {
    ... on ProjectWritten { project { status } }
    ... on RejectedByOwner { code system ownerCode message } } }
"""
SETUP_EVENTS = """
subscription { projectSetupChanged(filter: {to: [LINKED], system: [BILLING]}) {
    before after system project { name } } }
"""
TIME_EVENTS = """
subscription ($id: ID!) {
  timeEntryStatusChanged(filter: {id: [$id]}) { before after } }
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def firm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Staged]:
    async with staged_once(tmp_path_factory.mktemp("writes")) as firm:
        yield firm


async def test_a_hold_is_placed_copied_released_and_heard_of(firm: Staged) -> None:
    """The hub owns it, the project shows it, billing gets a copy, and subscribers both steps."""
    [project] = (await firm.ask(PROJECTS))["projects"]["nodes"]
    async with firm.socket() as socket:
        await socket.subscribe(HOLD_EVENTS, project=project["id"])
        key = str(uuid4())
        placed = await firm.ask(PLACE, project=project["id"], key=key)
        assert await firm.ask(PLACE, project=project["id"], key=key) == placed
        hold = placed["placeBillingHold"]["billingHold"]
        assert hold["status"] == "PLACED"
        assert [one["action"] for one in hold["availableActions"]] == ["extend", "release"]
        assert (await socket.event())["after"] == "PLACED"

        held = (await firm.ask(HOLDS, project=project["id"]))["project"]["billingHolds"]["nodes"]
        assert [one["id"] for one in held].count(hold["id"]) == 1
        await until(lambda: _is_copied(firm, project["code"], "placed"), seconds=DEADLINE_S)

        released = await firm.ask(RELEASE, id=hold["id"], key=str(uuid4()))
        assert released["releaseBillingHold"]["billingHold"]["status"] == "RELEASED"
        event = await socket.event()
    assert (event["before"], event["after"]) == ("PLACED", "RELEASED")
    assert event["billingHold"]["reason"] == "Acceptance is missing"
    await until(lambda: _is_copied(firm, project["code"], "released"), seconds=DEADLINE_S)

    again = (await firm.ask(RELEASE, id=hold["id"], key=str(uuid4())))["releaseBillingHold"]
    assert again == {
        "code": "TRANSITION_NOT_ALLOWED",
        "currentState": "RELEASED",
        "availableActions": [],
    }


async def test_time_is_approved_at_the_psa_and_its_copies_follow(firm: Staged) -> None:
    """The PSA approves; ledger and billing hold it, and a subscriber hears of it."""
    [entry] = (await firm.ask(WAITING))["timeEntries"]["nodes"]
    approve = next(one for one in entry["availableActions"] if one["action"] == "approve")
    assert approve == {"action": "approve", "system": "PSA", "takes": ["by"]}
    async with firm.socket() as socket:
        await socket.subscribe(TIME_EVENTS, id=entry["id"])
        written = await firm.ask(APPROVE, id=entry["id"], key=str(uuid4()))
        assert written["approveTimeEntry"]["timeEntry"] == {
            "status": "APPROVED",
            "approvedBy": "lead@firm.example",
        }
        assert await socket.event() == {"before": "SUBMITTED", "after": "APPROVED"}
    settled = "SELECT target, state, last_error FROM delivery WHERE record_id = $1"

    async def has_arrived() -> bool:
        rows = await firm.play.hub.pool.fetch(settled, entry["id"])
        return {row["target"]: row["state"] for row in rows} == {
            "erp": "delivered",
            "billing": "delivered",
        }

    await until(has_arrived, seconds=DEADLINE_S)


async def test_whatever_was_sent_back_says_why(firm: Staged) -> None:
    """Each rejected entry of the demo firm has a reason, and its project's manager gave it."""
    live, projected = [
        (await firm.ask(SENT_BACK, read={"mode": mode}))["timeEntries"]["nodes"]
        for mode in ("LIVE", "PROJECTED")
    ]
    assert live
    assert live == projected
    for entry in live:
        assert entry["rejectionReason"]
        assert entry["rejectedBy"] == entry["project"]["manager"]["email"]


async def test_a_rejection_says_who_and_why_until_it_is_revised(firm: Staged) -> None:
    """The PSA keeps the words it was told; its owner and the projection answer with them."""
    [entry] = (await firm.ask(WAITING))["timeEntries"]["nodes"]
    why = "Not agreed with the client"
    rejected = await firm.ask(REJECT, id=entry["id"], why=why, key=str(uuid4()))
    assert rejected["rejectTimeEntry"]["timeEntry"] == {
        "status": "REJECTED",
        "rejectedBy": "lead@firm.example",
        "rejectionReason": why,
    }
    token = rejected["rejectTimeEntry"]["token"]
    for read, source in (({"mode": "LIVE"}, "OWNER"), ({"after": token}, "PROJECTION")):

        async def is_told(read: dict[str, str] = read, source: str = source) -> bool:
            told = (await firm.ask(REJECTED, id=entry["id"], read=read))["timeEntry"]
            assert told["rejectionReason"] == why
            return [(part["owner"], part["source"]) for part in told["_meta"]] == [("PSA", source)]

        await until(is_told, seconds=DEADLINE_S)
    revised = await firm.ask(REVISE, id=entry["id"], key=str(uuid4()))
    assert revised["reviseTimeEntry"]["timeEntry"] == {
        "status": "DRAFT",
        "rejectedBy": None,
        "rejectionReason": None,
    }


async def test_parts_lead_to_the_records_they_name(firm: Staged) -> None:
    """A share of a billing event to its invoice, what stands in an invoice's way to the hold."""
    events = (await firm.ask(PARTS))["billingEvents"]["nodes"]
    shares = [share for event in events for share in event["allocations"]]
    assert shares
    for share in shares:
        assert share["invoice"]["id"] == share["invoiceId"]
        assert share["invoice"]["clientId"]

    [invoice] = (await firm.ask(UNDISPUTED))["invoices"]["nodes"]
    placed = await firm.ask(HOLD_INVOICE, invoice=invoice["id"], key=str(uuid4()))
    record_id = placed["placeBillingHold"]["billingHold"]["id"]
    held = (await firm.ask(HELD_INVOICE, id=invoice["id"]))["invoice"]["standingHolds"]
    assert {
        "billingHoldId": record_id,
        "reason": "A line is missing",
        "billingHold": {
            "id": record_id,
            "reason": "A line is missing",
            "placedBy": "fin@firm.example",
        },
    } in held


async def test_what_is_disputed_is_found_by_the_flag(firm: Staged) -> None:
    """Billing narrows its list by it, and so does the projection."""
    [invoice] = (await firm.ask(UNDISPUTED))["invoices"]["nodes"]
    written = (await firm.ask(DISPUTE, id=invoice["id"]))["updateInvoice"]
    for read in ({"mode": "LIVE"}, {"after": written["token"]}):
        found = (await firm.ask(DISPUTED, read=read))["invoices"]["nodes"]
        assert invoice["id"] in [one["id"] for one in found]
        assert all(one["isDisputed"] for one in found)
    assert (await firm.ask(UNDISPUTED))["invoices"]["nodes"] != [invoice]


async def test_a_posted_invoice_tells_the_rate_of_its_posting(firm: Staged) -> None:
    """The ledger and the projection tell the same, in whichever currency it is."""
    live, projected = [
        (await firm.ask(INVOICES, read={"mode": mode}))["invoices"]["nodes"]
        for mode in ("LIVE", "PROJECTED")
    ]
    assert live == projected
    posted = [one for one in live if one["fxToFunctional"]]
    abroad = [one for one in posted if one["currency"] != one["legalEntity"]["functionalCurrency"]]
    assert abroad
    for one in posted:
        fx = one["fxToFunctional"]
        assert (fx["base"], fx["quote"]) == (
            one["currency"],
            one["legalEntity"]["functionalCurrency"],
        )
        assert (fx["rate"] != "1", fx["source"] == "ECB") == (one in abroad, one in abroad)


async def test_an_expense_keeps_the_rate_it_was_given(firm: Staged) -> None:
    """Written to the PSA, read back from it and from the projection, and copied to billing."""
    people = await firm.ask("{ resources(first: 1) { nodes { id } } }")
    [project] = (await firm.ask(PROJECTS))["projects"]["nodes"]
    fx = {"base": "CHF", "quote": "EUR", "rate": "1.0345", "date": "2026-11-18", "source": "SNB"}
    expense = {
        "resourceId": people["resources"]["nodes"][0]["id"],
        "projectId": project["id"],
        "incurredOn": "2026-11-19",
        "category": "meals",
        "amount": {"amount": "40.00", "currency": "CHF"},
        "billingFx": fx,
    }
    made = (await firm.ask(SPEND, input=expense, key=str(uuid4())))["createExpenseItem"]
    assert made["expenseItem"]["billingFx"] == fx
    told = await firm.ask(EXPENSE, id=made["expenseItem"]["id"], token=made["token"])
    assert told["expenseItem"]["billingFx"] == fx
    [key] = [one["key"] for one in told["expenseItem"]["references"] if one["system"] == "PSA"]

    async def is_copied() -> bool:
        rows: list[Any] = await firm.rows("billing", "/v1/expense-usage", **{"psa_line[]": key})
        copies = [(row["fx_to"], row["fx_day"], row["fx_source"]) for row in rows]
        return copies == [("EUR", "2026-11-18", "SNB")]

    await until(is_copied, seconds=DEADLINE_S)


async def test_a_new_project_is_set_up_before_it_is_activated(firm: Staged) -> None:
    """Every system with a copy of it confirms it, a subscriber hears of it, and only then."""
    found = await firm.ask(
        "{ clients(first: 1) { nodes { id } } legalEntities(first: 1) { nodes { id } } }"
    )
    [client], [books] = (found[name]["nodes"] for name in ("clients", "legalEntities"))
    async with firm.socket() as socket:
        await socket.subscribe(SETUP_EVENTS)
        async with firm.down("billing"):
            begun = await firm.ask(BEGIN, client=client["id"], books=books["id"], key=str(uuid4()))
            record_id = begun["createProject"]["project"]["id"]
            provisioned = await firm.ask(PROVISION, id=record_id, key=str(uuid4()))
            assert provisioned["provisionProject"]["project"]["status"] == "PROVISIONING"
            refused = await firm.refusal(ACTIVATE, id=record_id, key=str(uuid4()))
            assert (refused["system"], refused["ownerCode"]) == ("HUB", "NOT_SET_UP")
            assert "BILLING (" in refused["message"]
            told = (await firm.ask(SETUP, id=record_id))["project"]
            assert told["availableActions"] == []
        assert await socket.event() == {
            "before": "PENDING",
            "after": "LINKED",
            "system": "BILLING",
            "project": {"name": "Set up"},
        }

    async def is_set_up() -> bool:
        told = (await firm.ask(SETUP, id=record_id))["project"]
        states = {one["system"]: one["status"] for one in told["setup"]}
        is_offered = told["availableActions"] == [{"action": "activate"}]
        return is_offered and states == dict.fromkeys(("CRM", "PSA", "BILLING"), "LINKED")

    await until(is_set_up, seconds=DEADLINE_S)
    activated = (await firm.ask(ACTIVATE, id=record_id, key=str(uuid4())))["activateProject"]
    assert activated["project"]["status"] == "ACTIVE"
    [older] = (await firm.ask("{ projects(first: 1) { nodes { setup { status } } } }"))["projects"][
        "nodes"
    ]
    assert older["setup"] == [{"status": "LINKED"}] * 3


async def _is_copied(firm: Staged, code: str, state: str) -> bool:
    rows: list[Any] = await firm.rows("billing", "/v1/holds", **{"project_code[]": code})
    return state in {row["state"] for row in rows if row["reason"] == "Acceptance is missing"}
