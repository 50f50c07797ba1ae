"""The page about the next step, followed literally: its queries in their order."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from support.staged import staged_once

PAGE = Path(__file__).parents[2] / "docs/how-to/act-and-wait.md"
STEPS = dict(re.findall(r"```graphql\n# (.*?)\n(.*?)```", PAGE.read_text(), re.DOTALL))


async def test_the_page_holds(tmp_path: Path) -> None:
    """What is told can be done, is done once, is read back, and is heard of; even afterwards."""
    async with staged_once(tmp_path) as firm:
        [entry] = (await firm.ask(STEPS["Time that waits for approval"]))["timeEntries"]["nodes"]
        told = {one["action"]: one for one in entry["availableActions"]}
        assert told["approve"] == {
            "action": "approve",
            "mutation": "approveTimeEntry",
            "takes": ["by"],
            "resultingState": "APPROVED",
            "system": "PSA",
            "askedBy": "PROJECT_MANAGER",
        }
        approve, key, record = STEPS["Approve it"], str(uuid4()), {"id": entry["id"]}
        async with firm.socket() as socket:
            await socket.subscribe(STEPS["Tell me when it moves"], **record)
            written = (await firm.ask(approve, key=key, **record))["approveTimeEntry"]
            assert (await firm.ask(approve, key=key, **record))["approveTimeEntry"] == written
            event = await socket.event()
        assert (event["before"], event["after"]) == ("SUBMITTED", "APPROVED")
        read = await firm.ask(
            STEPS["The entry, not older than my write"], token=written["token"], **record
        )
        assert read["timeEntry"]["status"] == "APPROVED"
        fresh = await firm.ask(STEPS["The entry, at most a minute old"], **record)
        assert fresh["timeEntry"]["status"] == "APPROVED"
        refused = (await firm.ask(approve, key=str(uuid4()), **record))["approveTimeEntry"]
        assert (refused["code"], refused["currentState"]) == (
            "TRANSITION_NOT_ALLOWED",
            "APPROVED",
        )


@pytest.mark.parametrize("title", STEPS)
def test_no_step_is_left_out(title: str) -> None:
    """A query that is added to the page is one that the test above must follow."""
    assert title in Path(__file__).read_text()
