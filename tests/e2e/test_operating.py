"""What whoever runs Concord sees and does: `status`, `dlq`, `topics`, `epoch`, `/metrics`."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from support.commands import NOBODY
from support.envelopes import record
from support.intaking import ACCOUNTS, Desk
from typer.testing import CliRunner

from hub.asgi import app
from hub.cli import cli
from hub.metrics import metrics_page
from hub.settings import Settings
from hub.wiring import build_hub
from schema.errors import Invalid
from schema.position import Position, Topic

ANN = ("--by", "ann@firm.example", "--why", "Mended.")
BURIED = """
INSERT INTO delivery (target, entity, record_id, fields, state, cause, caused_at, attempts,
                      last_error, settled_at)
VALUES ($1, 'client', $2, '{name}', 'dead', 'crm/0@1', now(), 9, 'no such client', now())
RETURNING id
"""


@pytest.fixture
def desk(pool: asyncpg.Pool) -> Desk:
    return Desk(pool)


async def concord(database: str, *words: str) -> tuple[int, str]:
    """What a command answers, and what it prints; here, because a process of its own takes long."""
    runner = CliRunner(env={**environment(database), "COLUMNS": "200"})
    told = await asyncio.to_thread(runner.invoke, cli, words)
    return told.exit_code, told.output


async def refused(database: str, *words: str) -> str:
    """What a process of its own prints before it fails."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hub", *words),
        env={**os.environ, **environment(database)},
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 1
    return said.decode()


def environment(database: str) -> dict[str, str]:
    """A hub whose systems nobody runs: none of these commands needs one."""
    systems = {
        f"CONCORD_{name}__{part}": value
        for name in ("CRM", "PSA", "HR", "ERP", "BILLING")
        for part, value in (("URL", NOBODY), ("KEY", "k"))
    }
    return {"CONCORD_DATABASE_URL": database, **systems}


async def garble(desk: Desk) -> None:
    """A record nobody can decode, and one that waits behind it."""
    good = desk.account("Acme", "c", lsn=100)
    await desk.take(
        record(ACCOUNTS, {"id": "ACC-00001"}, b'{"op":', offset=good.position.offset),
        desk.account("Acme II", lsn=200),
    )


async def test_a_dead_letter_from_its_listing_to_its_end(
    desk: Desk, hub_database: str, tmp_path: Path
) -> None:
    """Listed, shown with its bytes, tried in vain, edited: and its key has gone on."""
    await garble(desk)
    code, said = await concord(hub_database, "status")
    assert code == 1
    assert "crm.public.accounts: 1 open (poison, bad_json)" in said
    code, said = await concord(hub_database, "dlq", "list")
    assert code == 0
    [number] = re.findall(r"│ (\d+) +│ crm.public.accounts/0@0", said)
    assert "waiting" in said
    assert '{"op":' in (await concord(hub_database, "dlq", "show", number))[1]
    assert await concord(hub_database, "dlq", "retry", number, *ANN) == (
        *(1,),
        f"Applied: 0. Still dead: 1.\nSee `concord dlq show {number}`.\n",
    )
    file = tmp_path / "value.json"
    file.write_bytes(desk.account("Acme", "c", lsn=100).value or b"")
    code, said = await concord(hub_database, "dlq", "edit", number, "--value", str(file), *ANN)
    assert (code, said) == (0, "Applied: 2. Still dead: 0.\n")
    assert await desk.name() == "Acme II"
    said = await refused(hub_database, "dlq", "discard", number, *ANN)
    assert "no such unsettled dead letter" in said


async def test_a_dead_delivery_from_its_listing_to_its_end(desk: Desk, hub_database: str) -> None:
    """Listed by target, shown with what its target said, sent again or given up, once."""
    first, second, other = [
        str(await desk.pool.fetchval(BURIED, target, record_id))
        for target, record_id in (("psa", "cli_1"), ("psa", "cli_2"), ("erp", "cli_1"))
    ]
    assert "3 copies are refused for good" in (await concord(hub_database, "status"))[1]
    _, listed = await concord(
        hub_database, "deliveries", "list", "--target", "psa", "--after", first
    )
    assert re.findall(r"│ (\d+) +│ (psa|erp)", listed) == [(second, "psa")]
    code, said = await concord(hub_database, "deliveries", "show", first)
    assert code == 0
    assert re.findall(r"^(target|fields|sent|why) +(.*)$", said, re.MULTILINE) == [
        *(("target", "psa"), ("fields", "name"), ("sent", "9"), ("why", "no such client")),
    ]
    said = await refused(hub_database, "deliveries", "retry", *ANN)
    assert "by their ids, or all to a --target" in said
    for words, answer in (
        (("retry", first), "Owed again: 1."),
        (("retry", "--target", "psa"), "Owed again: 1."),
        (("discard", other), "Given up: 1."),
    ):
        code, said = await concord(hub_database, "deliveries", *words, *ANN)
        assert (code, said.splitlines()[-1]) == (0, answer)
    await refused(hub_database, "deliveries", "discard", other, *ANN)
    rows = await desk.pool.fetch("SELECT state, handled_by, handled_why FROM delivery")
    ann = ("ann@firm.example", "Mended.")
    assert sorted(map(tuple, rows)) == [
        *(("discarded", *ann), ("pending", *ann), ("pending", *ann)),
    ]


async def test_a_parked_topic_is_told_and_resumed(desk: Desk, hub_database: str) -> None:
    position = Position(topic=Topic(ACCOUNTS), partition=0, offset=7)
    await desk.intake.parked_topics.park(position, "no column segment")
    code, said = await concord(hub_database, "status")
    assert code == 1
    assert "concord topics resume crm.public.accounts" in said
    assert (await concord(hub_database, "topics", "resume", ACCOUNTS, *ANN))[0] == 0
    assert (await concord(hub_database, "status"))[0] == 0


async def test_an_epoch_is_bumped_with_a_name_and_a_reason(desk: Desk, hub_database: str) -> None:
    code, said = await concord(hub_database, "epoch", "bump", "--system", "crm", *ANN)
    assert (code, said.splitlines()[-1]) == (0, "CRM is in epoch 2.")
    row = await desk.pool.fetchrow("SELECT system, epoch, bumped_by FROM source_epoch")
    assert tuple(row) == ("crm", 2, "ann@firm.example")
    unsigned = ("--by", "ann", "--why", " ")
    said = await refused(hub_database, "epoch", "bump", "--system", "crm", *unsigned)
    assert said == "concord: Say who does it, and why.\n"


async def test_a_rebuild_says_what_differs_and_what_was_done(desk: Desk, hub_database: str) -> None:
    """A record of which the log knows nothing: told first, gone when that is accepted."""
    await desk.pool.execute("INSERT INTO projection.client (id, crm_key) VALUES ('cli_x', 'ACC-9')")
    code, said = await concord(hub_database, "rebuild")
    assert code == 1
    assert "✗ client: 1 records differ (1 live, 0 rebuilt)\n  cli_x: only live\n" in said
    assert "Nothing was changed." in said
    assert await desk.pool.fetchval("SELECT count(*) FROM projection.client") == 1
    code, said = await concord(hub_database, "rebuild", "--accept-differences")
    assert code == 0
    assert "The rebuilt projection is live: 0 records." in said
    assert await desk.pool.fetchval("SELECT count(*) FROM projection.client") == 0


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("psa",), "PSA is not captured: set CONCORD_PSA__CAPTURE_URL."),
        (("hub", "--from", "1"), "A range of keys is one table's: name it with --table."),
        (("hub", "--table", "nothing"), "HUB has no captured table nothing; it has hub.billing_"),
    ],
)
def test_what_cannot_be_read_again_is_refused(
    database: str, words: tuple[str, ...], answer: str
) -> None:
    told = CliRunner(env=environment(database)).invoke(
        cli, ["resnapshot", "--system", *words, *ANN]
    )
    assert isinstance(told.exception, Invalid)
    assert answer in told.exception.message


async def test_a_polled_system_is_read_again_by_what_its_api_lists(
    desk: Desk, hub_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its legal entities, and not the periods that only touch them; no database is needed."""
    monkeypatch.setenv("CONCORD_ERP__CAPTURE", "poll")
    code, said = await concord(hub_database, "resnapshot", "--system", "erp", *ANN)
    assert code == 0
    assert "erp.public.entities will be read again" in said
    assert "periods" not in said
    said = await refused(hub_database, "resnapshot", "--system", "erp", "--table", "periods", *ANN)
    assert "ERP has no captured table periods; it has public.entities" in said


async def test_what_is_asked_for_is_told_by_status(desk: Desk, hub_database: str) -> None:
    words = ("--system", "hub", "--table", "billing_hold", "--from", "a", "--to", "b")
    code, said = await concord(hub_database, "resnapshot", *words, *ANN)
    assert code == 0
    assert "hub.hub.billing_hold will be read again" in said
    row = await desk.pool.fetchrow('SELECT "table", low, high, asked_by FROM resnapshot')
    assert tuple(row) == ("hub.billing_hold", "a", "b", "ann@firm.example")
    assert (
        "… hub.hub.billing_hold is read again: asked, 0 rows"
        in (await concord(hub_database, "status"))[1]
    )


async def test_the_page_of_figures(desk: Desk, hub_database: str, monkeypatch: Any) -> None:
    """Lags of what was applied, what is owed, and what needs somebody."""
    for name, value in environment(hub_database).items():
        monkeypatch.setenv(name, value)
    await desk.take(desk.account("Zeta", "c", lsn=90))
    await garble(desk)
    async with build_hub(Settings.from_env()) as hub:
        transport = httpx.ASGITransport(
            app(hub.services, metrics=lambda: metrics_page(hub.services.operations))
        )
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as http:
            page = (await http.get("/metrics")).text
    labels = 'class="poison",reason="bad_json",state="open",topic="crm.public.accounts"'
    assert f"concord_dead_letters{{{labels}}} 1.0" in page
    assert re.search(r'concord_apply_lag_seconds\{topic="crm.public.accounts"\} [\d.e+]+', page)
