"""Work that will not be billed: given up at the hub or not billable at the PSA, and told to all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from support.staged import DEADLINE_S, Staged, staged_once
from support.targets import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

READY = """
{ billingEvents(first: 1, filter: {status: [READY], kind: [TIME]}) { nodes {
    id references { key } project { id client { id } } timeEntries { nodes { id } }
    availableActions { mutation takes resultingState system } } } }
"""
WRITE_OFF = """
mutation ($id: ID!, $reason: String!, $key: String!) {
  writeOffBillingEvent(id: $id, by: "cfo@firm.example", reason: $reason, idempotencyKey: $key) {
    ... on BillingEventWritten { token billingEvent {
      status writtenOffBy writeOffReason availableActions { mutation } } }
    ... on RejectedByOwner { code system ownerCode message } } }
"""
REINSTATE = """
mutation ($id: ID!, $key: String!) {
  reinstateBillingEvent(id: $id, idempotencyKey: $key) {
    ... on BillingEventWritten { billingEvent { status writtenOffBy writeOffReason } }
    ... on ActionNotAllowed { code currentState } } }
"""
STATES = """
query ($id: ID!) { billingEvent(id: $id, read: {mode: PROJECTED}) {
    timeEntries { nodes { billingState } } } }
"""
BOARD = """
query ($client: ID!) {
  projectBoard(first: 100, filter: {clientId: [$client]}) { nodes {
    projectId unbilled { minutes } } } }
"""
ALLOCATED = """
{ billingEvents(first: 1, filter: {status: [ALLOCATED]}) { nodes {
    id availableActions { mutation } } } }
"""
DRAFT = """
{ timeEntries(last: 100, filter: {status: [DRAFT]}) { nodes { id isBillable billingState } } }
"""
TELL = """
mutation ($id: ID!, $billable: Boolean!) {
  updateTimeEntry(input: {id: $id, isBillable: $billable}) {
    ... on TimeEntryWritten { token } ... on Refused { code message } } }
"""
STATE = "query ($id: ID!) { timeEntry(id: $id, read: {mode: PROJECTED}) { billingState } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def firm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Staged]:
    async with staged_once(tmp_path_factory.mktemp("unbilled")) as firm:
        yield firm


async def test_work_is_written_off_and_taken_back(firm: Staged) -> None:
    """Its time follows, boards no longer count it, and billing's copy knows."""
    [event] = (await firm.ask(READY))["billingEvents"]["nodes"]
    offered = {one["mutation"]: one for one in event["availableActions"]}
    assert offered["writeOffBillingEvent"] == {
        "mutation": "writeOffBillingEvent",
        "takes": ["by", "reason"],
        "resultingState": "WRITTEN_OFF",
        "system": "HUB",
    }
    before = await _unbilled(firm, event["project"])
    told = {"id": event["id"], "reason": "Rework", "key": str(uuid4())}
    written = (await firm.ask(WRITE_OFF, **told))["writeOffBillingEvent"]
    assert (await firm.ask(WRITE_OFF, **told))["writeOffBillingEvent"] == written
    assert written["billingEvent"] == {
        "status": "WRITTEN_OFF",
        "writtenOffBy": "cfo@firm.example",
        "writeOffReason": "Rework",
        "availableActions": [{"mutation": "reinstateBillingEvent"}],
    }
    await until(lambda: _are(firm, event, "WRITTEN_OFF"), seconds=DEADLINE_S)
    assert await _unbilled(firm, event["project"]) < before
    await until(lambda: _is_copied(firm, event, "written_off"), seconds=DEADLINE_S)

    again = (await firm.ask(REINSTATE, id=event["id"], key=str(uuid4())))["reinstateBillingEvent"]
    assert again["billingEvent"] == {
        "status": "READY",
        "writtenOffBy": None,
        "writeOffReason": None,
    }
    await until(lambda: _are(firm, event, "UNBILLED"), seconds=DEADLINE_S)
    assert await _unbilled(firm, event["project"]) == before
    twice = (await firm.ask(REINSTATE, id=event["id"], key=str(uuid4())))["reinstateBillingEvent"]
    assert twice == {"code": "TRANSITION_NOT_ALLOWED", "currentState": "READY"}


async def test_what_an_invoice_has_taken_is_not_written_off(firm: Staged) -> None:
    """It is not offered; who asks all the same hears how much was taken, and what to do."""
    [event] = (await firm.ask(ALLOCATED))["billingEvents"]["nodes"]
    assert event["availableActions"] == []
    refused = await firm.refusal(WRITE_OFF, id=event["id"], reason="Rework", key=str(uuid4()))
    assert (refused["system"], refused["ownerCode"]) == ("HUB", "ALLOCATED")
    assert "credit that first" in refused["message"]


async def test_time_that_becomes_not_billable_is_known_as_that(firm: Staged) -> None:
    """The PSA owns the word, the hub the state that follows; back and forth."""
    entries = (await firm.ask(DRAFT))["timeEntries"]["nodes"]
    entry = next(one for one in entries if one["isBillable"])
    assert entry["billingState"] is None
    for billable, state in ((False, "NON_BILLABLE"), (True, "UNBILLED")):
        written = (await firm.ask(TELL, id=entry["id"], billable=billable))["updateTimeEntry"]
        assert "token" in written, written

        async def is_told(state: str = state) -> bool:
            return (await firm.ask(STATE, id=entry["id"]))["timeEntry"]["billingState"] == state

        await until(is_told, seconds=DEADLINE_S)


async def _are(firm: Staged, event: Any, state: str) -> bool:
    """Whether the time behind the event is in the state, as the projection shows it."""
    told = (await firm.ask(STATES, id=event["id"]))["billingEvent"]["timeEntries"]["nodes"]
    return len(told) > 0 and {one["billingState"] for one in told} == {state}


async def _unbilled(firm: Staged, project: Any) -> int:
    rows = (await firm.ask(BOARD, client=project["client"]["id"]))["projectBoard"]["nodes"]
    [minutes] = [one["unbilled"]["minutes"] for one in rows if one["projectId"] == project["id"]]
    return int(minutes)


async def _is_copied(firm: Staged, event: Any, state: str) -> bool:
    [key] = {one["key"] for one in event["references"] if one["key"].startswith("B")}
    rows: list[Any] = await firm.rows("billing", "/v1/billables", **{"hub_event[]": key})
    return [row["state"] for row in rows] == [state]
