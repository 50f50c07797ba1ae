"""`concord debezium` and `concord doctor` over a firm that a real Debezium captures."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console
from support.kafka import lend_artifacts

from cdc.capture.debezium import Connector
from hub import debezium
from hub.doctor import examine
from hub.kafka.rest import ConnectApi
from hub.settings import Settings
from hub.stage import Engine, Stage, forget_stage, set_stage
from schema.errors import Invalid
from schema.system import System

pytestmark = [pytest.mark.kafka, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The systems of a firm, their connectors, and no hub."""
    folder: Path = tmp_path_factory.mktemp("debezium")
    lend_artifacts(folder)
    async with set_stage(folder, log=Engine.KAFKA, say=lambda _: None) as running:
        yield running
    forget_stage(folder)


async def test_a_firm_where_all_is_well(stage: Stage) -> None:
    """Every connector runs as recommended, the one of the hub's own records too."""
    is_well, page = await examined(stage.settings)
    assert is_well, page
    assert "✓ Kafka answers: 127.0.0.1:" in page
    for system in System:
        assert f"✓ {system.name} is captured by Debezium: its connector is as recomm" in page


async def test_what_is_printed_is_what_runs(stage: Stage) -> None:
    """An owner can put the text into Connect as it is; it holds no password."""
    printed = json.loads(await debezium.print_config(stage.settings, System.ERP))
    with ConnectApi(url_of(stage)) as api:
        running = api.config(printed["name"])
    assert running is not None
    assert printed["config"].items() <= running.items()
    assert printed["config"]["database.password"] == "${env:ERP_DATABASE_PASSWORD}"


async def test_without_an_address_it_says_what_to_set(stage: Stage) -> None:
    unknown = stage.settings.crm.model_copy(update={"capture_url": None})
    settings = stage.settings.model_copy(update={"crm": unknown})
    with pytest.raises(Invalid, match="CONCORD_CRM__CAPTURE_URL"):
        await debezium.print_config(settings, System.CRM)


async def test_a_connector_that_was_changed_is_told(stage: Stage) -> None:
    """The doctor names the setting; applying again mends it."""
    with ConnectApi(url_of(stage)) as api:
        running = api.config("concord-crm")
        assert running is not None
        changed = Connector(name="concord-crm", config=running)
        api.apply(replace(changed, config={**running, "decimal.handling.mode": "double"}))
        is_well, page = await examined(stage.settings)
        assert not is_well
        assert "✗ CRM is captured by Debezium: decimal.handling.mode is double, not string" in page
        await debezium.apply(stage.settings)
        assert api.config("concord-crm") == running


def url_of(stage: Stage) -> str:
    return debezium.connect_url(stage.settings)


async def examined(settings: Settings) -> tuple[bool, str]:
    page = io.StringIO()
    is_well = await examine(settings, Console(file=page, width=300))
    return is_well, page.getvalue()
