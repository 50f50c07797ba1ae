"""Writes over the whole firm: each reaches its owner, and comes back to whoever waits for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from rich.console import Console
from support.staged import DEADLINE_S, Staged, staged
from support.targets import until

from hub.play import on_stage
from hub.stage import forget_stage

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
TIME_EVENTS = """
subscription ($id: ID!) {
  timeEntryStatusChanged(filter: {id: [$id]}) { before after } }
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def firm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Staged]:
    """A running demo in which everything captured has been applied."""
    folder: Path = tmp_path_factory.mktemp("writes")
    console = Console(quiet=True)
    async with (
        on_stage(folder, port=0, console=console) as play,
        staged(play) as firm,
    ):
        await until(play.hub.is_filled, seconds=DEADLINE_S)
        yield firm
    forget_stage(folder)


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


async def _is_copied(firm: Staged, code: str, state: str) -> bool:
    rows: list[Any] = await firm.rows("billing", "/v1/holds", **{"project_code[]": code})
    return state in {row["state"] for row in rows if row["reason"] == "Acceptance is missing"}
