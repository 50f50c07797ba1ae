"""`concord resnapshot` and `concord rebuild` over the whole firm, while it is served."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from support.staged import DEADLINE_S, Staged, staged_once
from support.targets import until

from hub.settings import Settings
from schema.canon import ENTITIES
from schema.entity import entity_name

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANN = ("--by", "ann@firm.example", "--why", "Drift.")
RENAME = """
mutation ($id: ID!, $name: String!, $key: String!) {
  updateClient(input: {id: $id, name: $name}, idempotencyKey: $key) {
    ... on ClientWritten { token } ... on Refused { code message } } }
"""
CLIENT = "{ clients(first: 1) { nodes { id name } } }"
EFFECTS = "SELECT (SELECT count(*) FROM delivery), (SELECT next_id FROM feed_head)"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def firm(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Staged]:
    async with staged_once(tmp_path_factory.mktemp("rebuilding")) as firm:
        yield firm


async def test_the_whole_firm_is_rebuilt_alike_and_in_silence(firm: Staged) -> None:
    """Every type of five systems and the hub; the graph answers from it afterwards."""
    [client] = (await firm.ask(CLIENT))["clients"]["nodes"]
    renamed = {"id": client["id"], "name": client["name"] + " II", "key": str(uuid4())}
    assert "token" in (await firm.ask(RENAME, **renamed))["updateClient"]
    await until(lambda: all_is_sent(firm), seconds=DEADLINE_S)
    before = await effects(firm)
    code, said = await concord(firm, "rebuild")
    assert code == 0, said
    assert [line.split()[1].rstrip(":") for line in said.splitlines() if "✓" in line] == [
        entity_name(entity) for entity in ENTITIES
    ]
    assert "The rebuilt projection is live:" in said
    assert await effects(firm) == before
    assert (await firm.ask(CLIENT))["clients"]["nodes"][0]["name"] == renamed["name"]


async def test_a_drift_is_healed_by_reading_its_table_again(firm: Staged) -> None:
    pool = firm.play.hub.pool
    sql = "SELECT count(*) FROM projection.time_entry WHERE status = 'drift'"
    await pool.execute("UPDATE projection.time_entry SET status = 'drift' WHERE id < 'tim_1'")
    assert await pool.fetchval(sql)
    code, said = await concord(
        firm, "resnapshot", "--system", "psa", "--table", "time_entries", *ANN
    )
    assert code == 0, said
    assert "psa.public.time_entries will be read again" in said

    async def is_done() -> bool:
        return await pool.fetchval("SELECT bool_and(state = 'done') FROM resnapshot") is True

    await until(is_done, seconds=DEADLINE_S)
    assert await pool.fetchval(sql) == 0


async def all_is_sent(firm: Staged) -> bool:
    sql = "SELECT bool_and(state = 'delivered') FROM delivery"
    return await firm.play.hub.pool.fetchval(sql) is True and await firm.play.hub.is_filled()


async def effects(firm: Staged) -> tuple[Any, ...]:
    return tuple(await firm.play.hub.pool.fetchrow(EFFECTS))


async def concord(firm: Staged, *words: str) -> tuple[int, str]:
    """What a command in a process of its own answers, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hub", *words),
        env={**os.environ, **environment(firm.play.stage.settings), "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(DEADLINE_S * 2):
        said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


def environment(settings: Settings) -> dict[str, str]:
    told = {"CONCORD_DATABASE_URL": settings.database_url.get_secret_value()}
    for name in ("crm", "psa", "hr", "erp", "billing"):
        reached = getattr(settings, name)
        told[f"CONCORD_{name.upper()}__URL"] = reached.url
        told[f"CONCORD_{name.upper()}__KEY"] = reached.key.get_secret_value()
        if reached.capture_url is not None:
            told[f"CONCORD_{name.upper()}__CAPTURE_URL"] = reached.capture_url.get_secret_value()
    return told
