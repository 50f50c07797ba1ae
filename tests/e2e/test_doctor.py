"""`concord doctor`: what it finds well, and how it says what is wrong and what to do."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from rich.console import Console
from support.commands import NOBODY

from hub.doctor import examine
from hub.settings import Settings
from hub.stage import Stage, forget_stage, set_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_DATABASE = "postgresql://postgres:secret@127.0.0.1:9/crm"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The systems of a firm, without a hub."""
    folder: Path = tmp_path_factory.mktemp("doctor")
    async with set_stage(folder, say=lambda _: None) as stage:
        yield stage
    forget_stage(folder)


async def test_a_firm_where_all_is_well(stage: Stage) -> None:
    is_well, page = await _examined(stage.settings)
    assert is_well, page
    assert page.endswith("✓ All is well.\n")
    for system in ("CRM", "PSA", "HR", "ERP", "BILLING", "HUB"):
        assert f"✓ {system} answers" in page
        assert f"✓ {system} is captured: wal_level is logical" in page
    [invoice] = [cells for line in page.splitlines() if (cells := _cells(line))[:1] == ["Invoice"]]
    assert invoice[1:] == ["cwt", "", "", "ocwat", "ocwat", "o"]
    lacks = "task, timeZone, billable, rejectedBy, rejectionReason, lockedReason"
    assert ["ERP", "TimeEntry", lacks] in map(_cells, page.splitlines())


async def test_what_is_down_is_named_and_the_rest_is_looked_at(stage: Stage) -> None:
    crm = stage.settings.crm.model_copy(
        update={"url": NOBODY, "capture_url": SecretStr(NO_DATABASE)}
    )
    is_well, page = await _examined(stage.settings.model_copy(update={"crm": crm}))
    assert not is_well
    assert page.endswith("✗ Not well: 2, told above.\n")
    assert "✗ CRM answers: " in page
    assert "✗ CRM is captured: its database cannot be reached" in page
    assert "✓ PSA answers" in page
    assert "secret" not in page


async def _examined(settings: Settings) -> tuple[bool, str]:
    page = io.StringIO()
    is_well = await examine(settings, Console(file=page, width=200))
    return is_well, page.getvalue()


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("│")[1:-1]]
