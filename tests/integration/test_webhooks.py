"""The endpoint for webhooks: 202 once the event is in the log, and never twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from support.graph import operations_of
from support.hooks import BODY, PATH, SECRET, counted, endpoint, inbox_of, signed
from support.logs import MockCluster, MockLog

from cdc.log.port import NewRecord, Told
from cdc.log.postgres import PostgresLog
from cdc.log.seen import SeenBeside, forget
from hub.metrics import metrics_page
from hub.webhooks import LARGEST_EVENT
from schema.errors import Unavailable
from schema.position import Topic

KEPT = "SELECT convert_from(value, 'UTF8') FROM log_record WHERE topic = 'billing.events'"


@pytest.fixture
async def log(hub_database: str, pool: asyncpg.Pool) -> AsyncIterator[PostgresLog]:
    async with asyncpg.create_pool(hub_database, min_size=1, max_size=8) as plain:
        yield PostgresLog(plain, partitions=2)


async def test_an_event_is_in_the_log_before_we_say_yes(
    pool: asyncpg.Pool, log: PostgresLog
) -> None:
    async with endpoint(inbox_of(log)) as client:
        answer = await client.post(PATH, content=BODY, headers=signed())
        assert (answer.status_code, answer.json()) == (202, {"status": "kept"})
        assert [row[0] for row in await pool.fetch(KEPT)] == [BODY.decode()]


async def test_one_that_is_sent_again_adds_nothing(pool: asyncpg.Pool, log: PostgresLog) -> None:
    """At once, many times over, and days later under a new signature."""
    inbox = inbox_of(log)
    async with endpoint(inbox) as client:
        calls = (client.post(PATH, content=BODY, headers=signed()) for _ in range(12))
        answers = await asyncio.gather(*calls)
        assert {answer.status_code for answer in answers} == {202}
        later = await client.post(PATH, content=BODY, headers=signed(age_s=-60))
    assert later.json() == {"status": "known"}
    assert counted(inbox) == {"kept": 1, "known": 12}
    assert await pool.fetchval("SELECT count(*) FROM log_record") == 1


async def test_a_refused_call_leaves_its_id_unused(pool: asyncpg.Pool, log: PostgresLog) -> None:
    """Nobody without the secret can make us deaf to an event that is to come."""
    async with endpoint(inbox_of(log)) as client:
        forged = signed(secret=b"a guess that is long enough too")
        assert (await client.post(PATH, content=BODY, headers=forged)).status_code == 401
        assert (await client.post(PATH, content=BODY, headers=signed())).json() == {
            "status": "kept"
        }


@pytest.mark.parametrize("system", ["crm", "hr", "nobody", "hub", "BILLING", "billing.events"])
async def test_who_has_no_secret_has_no_endpoint(log: PostgresLog, system: str) -> None:
    """One that we know, too: nobody learns which systems there are."""
    async with endpoint(inbox_of(log)) as client:
        answer = await client.post(f"/webhooks/{system}", content=BODY, headers=signed())
    assert (answer.status_code, answer.json()) == (404, {"error": "No such endpoint."})


async def test_no_answer_says_which_part_of_a_signature_was_wrong(log: PostgresLog) -> None:
    good = signed()
    bad = [
        *({**good, "webhook-signature": wrong} for wrong in ("", "v1,AAAA", "v2,x")),
        {**good, "webhook-id": "evt_2"},
        {**good, "webhook-timestamp": "1"},
        {**good, "webhook-timestamp": "now"},
        {"content-type": "application/json"},
        signed(secret=SECRET + b"."),
    ]
    async with endpoint(inbox_of(log)) as client:
        answers = [await client.post(PATH, content=BODY, headers=headers) for headers in bad]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (401, '{"error":"Not signed by a secret of this system."}')
    }


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (BODY, {"age_s": 600}, 401),
        (BODY, {"age_s": -600}, 401),
        (b"{", {}, 400),
        (b'{"type": 7}', {}, 400),
        (b'"' + b"x" * LARGEST_EVENT + b'"', {}, 413),
    ],
)
async def test_what_cannot_be_kept_is_refused(
    pool: asyncpg.Pool, log: PostgresLog, body: bytes, headers: dict[str, float], status: int
) -> None:
    async with endpoint(inbox_of(log)) as client:
        answer = await client.post(PATH, content=body, headers=signed(body, **headers))
    assert answer.status_code == status
    assert await pool.fetchval("SELECT count(*) FROM webhook_seen") == 0


@pytest.mark.parametrize("content", ["text/plain", "", "application/cloudevents-batch+json"])
async def test_other_content_is_refused(log: PostgresLog, content: str) -> None:
    async with endpoint(inbox_of(log)) as client:
        headers = {**signed(), "content-type": content}
        assert (await client.post(PATH, content=BODY, headers=headers)).status_code == 415
        assert (await client.get(PATH)).status_code == 405


async def test_a_body_without_a_length_is_not_read_to_its_end(log: PostgresLog) -> None:
    """It stops being read where it is too large, whatever its sender says of its length."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * LARGEST_EVENT:
            sent += 65536
            yield b"x" * 65536

    async with endpoint(inbox_of(log)) as client:
        answer = await client.post(PATH, content=endless(), headers=signed())
    assert answer.status_code == 413


async def test_while_the_log_is_down_the_sender_keeps_it(
    pool: asyncpg.Pool, log: PostgresLog
) -> None:
    """What could not be kept is not known either: sent again, it is kept."""
    inbox = inbox_of(log)
    async with endpoint(inbox) as client:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log, "_append", _lost)
            answer = await client.post(PATH, content=BODY, headers=signed())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert await pool.fetchval("SELECT count(*) FROM webhook_seen") == 0
        again = await client.post(PATH, content=BODY, headers=signed())
    assert again.json() == {"status": "kept"}
    assert counted(inbox) == {"unavailable": 1, "kept": 1}


async def test_beside_kafka_a_crash_in_between_appends_again(pool: asyncpg.Pool) -> None:
    """It may stand there twice, and is never lost; the rest is up to the intake."""
    cluster = MockCluster()
    kafka, topic, told = MockLog(cluster), Topic("billing.events"), Told(system="billing", id="e")
    beside, records = SeenBeside(pool, kafka), [NewRecord(topic=topic, key=b"k", value=b"{}")]

    async def stored() -> int:
        return sum((await kafka.ends([topic])).values())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cdc.log.seen.REMEMBER", "SELECT pg_terminate_backend(pg_backend_pid())")
        with pytest.raises(Unavailable):
            await beside.append_once(told, records)
    assert await stored() == 1
    assert await beside.append_once(told, records)
    assert not await beside.append_once(told, records)
    assert await stored() == 2
    await kafka.close()


async def test_ids_are_kept_for_as_long_as_they_are_sent_again(pool: asyncpg.Pool) -> None:
    await pool.execute(
        "INSERT INTO webhook_seen VALUES ('billing', 'old', now() - interval '8 days'),"
        " ('billing', 'new', now() - interval '6 days')"
    )
    await forget(pool, timedelta(days=7))
    assert [row["id"] for row in await pool.fetch("SELECT id FROM webhook_seen")] == ["new"]


async def test_the_figures_say_what_became_of_the_calls(
    pool: asyncpg.Pool, log: PostgresLog
) -> None:
    inbox = inbox_of(log)
    async with endpoint(inbox) as client:
        for headers in (signed(), signed(), signed(secret=SECRET + b"?")):
            await client.post(PATH, content=BODY, headers=headers)
    page = (await metrics_page(operations_of(pool), inbox.counted)).decode()
    for outcome in ("kept", "known", "unsigned"):
        assert f'concord_webhooks_total{{outcome="{outcome}",system="billing"}} 1.0' in page


async def _lost(*_: object) -> None:
    raise asyncpg.ConnectionDoesNotExistError("gone in mid-transaction")
