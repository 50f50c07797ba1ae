"""Records that are spread over tables: touched, read back from their system, and merged as read."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import asyncpg
import orjson
import pytest
from structlog.testing import capture_logs
from support.envelopes import envelope, record, whole
from support.ledger import ledger_over
from support.owners import ERP_PROJECT
from support.targets import until
from support.touching import (
    ACME,
    BETA,
    CUSTOMER,
    DECODER,
    NUMBERED,
    PARTIES,
    SHARED,
    Desk,
    Ledger,
    address,
    party,
    term,
)

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.port import NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from schema.errors import Unavailable
from schema.position import Topic
from schema.system import System
from sync.connectors.binding import Touch
from sync.connectors.ports import PAGE_LIMIT, RowQuery, Rows
from sync.connectors.psa_work import TIME_ENTRY

_LAST_HEARD = """
SELECT max(state_change) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction'
"""


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def desk(pool: asyncpg.Pool, ledger: Ledger) -> Desk:
    return Desk(pool, ledger)


async def test_a_touched_record_is_as_its_system_has_it(desk: Desk) -> None:
    """Rows of two tables touch two records: one call, and nothing is taken from the rows."""
    desk.ledger.change("C2", terms_days=45, address="Quay 2")
    await desk.take(party("C1"), address("C2"), party("C2", offset=1), address("C1", "d", offset=1))
    assert await desk.client(ACME) == (30, "x", True)
    assert await desk.client(BETA) == (45, "Quay 2", True)
    assert desk.ledger.calls == {"fetch": 1}


async def test_what_was_read_back_needs_no_fence(desk: Desk) -> None:
    """A touch from a place in the log that looks older still brings the newest state."""
    await desk.take(party("C1", offset=50, lsn=900))
    desk.ledger.change("C1", terms_days=60)
    await desk.take(address("C1", offset=3, lsn=100))
    assert await desk.client() == (60, "x", True)


async def test_a_record_that_is_gone_is_deleted_and_may_return(desk: Desk) -> None:
    """The system does not have it any more: its part is marked and emptied, until it is back."""
    await desk.take(party("C1"))
    desk.ledger.remove("C1")
    await desk.take(party("C1", "d", offset=1))
    assert await desk.client() == (None, None, False)
    desk.ledger.rows["customers"].append(
        {"customer_no": "C1", "crm_account": "ACC-00001", "terms_days": 14, "address": "y"}
    )
    await desk.take(address("C1"))
    assert await desk.client() == (14, "y", True)


async def test_only_a_change_is_owed_to_the_replicas(desk: Desk) -> None:
    """What a snapshot touches first is owed to nobody; the field that changes later is."""
    await desk.take(party("C1", "r", lsn=None, snapshot="true"))
    assert await desk.pool.fetchval("SELECT count(*) FROM delivery") == 0
    desk.ledger.change("C1", terms_days=60)
    await desk.take(party("C1", offset=1))
    rows = await desk.pool.fetch("SELECT target, fields FROM delivery")
    fields = {row["target"]: row["fields"] for row in rows}
    assert fields == {"billing": ["payment_terms_days"], "crm": ["payment_terms_days"]}


@pytest.mark.parametrize("trouble", ["down", "slow"])
async def test_a_batch_whose_owner_is_down_leaves_nothing(desk: Desk, trouble: str) -> None:
    """The batch is refused as a whole, its offset included, and can be tried again."""
    if trouble == "down":
        desk.ledger.fault = Unavailable("ERP is down.", system=System.ERP)
    else:
        desk.ledger.seconds = 60
    touch = party("C1")
    with pytest.raises(Unavailable, match="ERP"):
        await desk.take(touch, intake=desk.intake(timedelta(milliseconds=50)))
    assert await desk.client() is None
    assert await desk.intake().start_of(touch.position.lane) == 0
    desk.ledger.fault, desk.ledger.seconds = None, 0
    await desk.take(touch)
    assert await desk.client() == (30, "x", True)


async def test_a_listener_waits_for_an_owner_that_is_down(hub_database: str, desk: Desk) -> None:
    """It says so, parks nothing, and goes on by itself when the owner answers."""
    desk.ledger.fault = Unavailable("ERP is down.", system=System.ERP)
    topic = Topic(PARTIES)
    value = envelope(PARTIES, {"id": "C1", "name": "n"})
    async with asyncpg.create_pool(hub_database, min_size=1, max_size=1) as plain:
        key = orjson.dumps({"id": "C1"})
        await PostgresLog(plain).append([NewRecord(topic=topic, key=key, value=value)])
    pace = Pace(wait=timedelta(milliseconds=50), backoff=timedelta(milliseconds=10))
    consumer = PostgresConsumer(dsn=hub_database, group="intake", prefixes=("erp.",))
    with capture_logs() as logs:
        working = asyncio.create_task(Listener(consumer, DECODER, desk.intake(), pace).run())

        async def has_waited() -> bool:
            return [e["why"] for e in logs if e["event"] == "listener.waiting"][:3] == [
                "ERP is down."
            ] * 3

        async def has_arrived() -> bool:
            return await desk.client() == (30, "x", True)

        try:
            await until(has_waited, seconds=60)
            assert await desk.client() is None
            desk.ledger.fault = None
            await until(has_arrived, seconds=60)
        finally:
            working.cancel()
            await asyncio.wait([working])
    assert await desk.pool.fetchval("SELECT count(*) FROM dead_letter") == 0


async def test_two_that_touch_one_record_end_with_its_newest_state(desk: Desk) -> None:
    """One has read but not committed when the record moves on: the other reads after it."""
    desk.ledger.is_held = True
    first = asyncio.create_task(desk.take(party("C1")))
    await desk.ledger.has_read.wait()
    desk.ledger.change("C1", terms_days=60)
    second = asyncio.create_task(desk.take(address("C1")))

    async def is_waiting() -> bool:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'"
        return bool(await desk.pool.fetchval(waiting + " AND datname = current_database()"))

    await until(is_waiting, seconds=60)
    assert desk.ledger.calls == {"fetch": 1}
    desk.ledger.may_go.set()
    await asyncio.gather(first, second)
    assert desk.ledger.calls == {"fetch": 2}
    assert await desk.client() == (60, "x", True)


async def test_two_batches_that_touch_the_same_types_never_wait_for_each_other(
    desk: Desk,
) -> None:
    """Whichever type their rows name first: the second waits before it asks for anything."""
    job = replace(ERP_PROJECT, touches=(Touch(table="public.job", key="id"),))
    decoder, row = Decoder([CUSTOMER, job]), {"id": "P-1"}
    desk.ledger.rows["projects"] = []
    jobs = [
        record("erp.public.job", row, envelope("erp.public.job", row), partition=n) for n in (0, 1)
    ]
    desk.ledger.is_held = True
    first = asyncio.create_task(desk.take(party("C1"), jobs[0], decoder=decoder))
    await desk.ledger.has_read.wait()
    second = asyncio.create_task(desk.take(jobs[1], party("C1", partition=1), decoder=decoder))

    async def has_come() -> bool:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'"
        is_waiting = await desk.pool.fetchval(waiting + " AND datname = current_database()")
        return bool(is_waiting or desk.ledger.calls["fetch"] > 1)

    await until(has_come, seconds=60)
    desk.ledger.may_go.set()
    await asyncio.gather(first, second)
    assert desk.ledger.calls == {"fetch": 4}


async def test_a_session_that_reads_back_is_never_silent_for_longer_than_a_page(
    desk: Desk,
) -> None:
    """The server would end it, and the batch begin anew: it hears of us after each page."""
    heard = []

    class Watched(Ledger):
        async def fetch(self, query: RowQuery) -> Rows:
            heard.append(await desk.pool.fetchval(_LAST_HEARD))
            return await super().fetch(query)

    desk.ledger = Watched()
    await desk.take(*(party(f"C{n}", offset=n) for n in range(250)))
    assert len(heard) == len(set(heard)) == 3
    assert None not in heard


async def test_what_many_records_share_may_name_more_than_a_page(desk: Desk) -> None:
    """All of them are read back."""
    desk.ledger.rows["customers"] = [
        {
            "customer_no": f"C{n}",
            "crm_account": f"ACC-{n:05d}",
            "terms_days": 45,
            "address": "x",
            "id": n,
            "terms": 7,
            "sites": [],
        }
        for n in range(PAGE_LIMIT + 1)
    ]
    await desk.take(term("7"), decoder=SHARED)
    sql = "SELECT count(*) FROM projection.client WHERE payment_terms_days = 45"
    assert await desk.pool.fetchval(sql) == PAGE_LIMIT + 1
    assert desk.ledger.calls == {"fetch": 2}


async def test_while_an_owner_is_asked_the_ledger_is_free(desk: Desk) -> None:
    """The batch tells of an hour that is not billable, whose price row the hub will write."""
    billing, topic = await ledger_over(desk.pool), "psa.public.time_entries"
    row = {"id": "7", "is_chargeable": False, "version": 1}
    hour = record(topic, {"id": "7"}, envelope(topic, whole(topic, row), op="c"))
    desk.ledger.is_held = True
    decoder = Decoder([CUSTOMER, TIME_ENTRY])
    taking = asyncio.create_task(desk.take(hour, party("C1"), decoder=decoder))
    await desk.ledger.has_read.wait()
    async with asyncio.timeout(20):
        await billing.write_off(await billing.event(time_entries=["7"]))
    desk.ledger.may_go.set()
    await taking
    assert await billing.billed("7") == ("non_billable", "0")
    assert await desk.client() == (30, "x", True)


async def test_a_record_may_be_touched_by_another_column_than_its_key(desk: Desk) -> None:
    """The rows know it by a number; once it is gone nobody can say of whom that was."""
    for number, row in enumerate(desk.ledger.rows["customers"], start=1):
        row["id"] = number
    desk.ledger.change("C2", terms_days=45)
    await desk.take(party("2"), address("1"), decoder=NUMBERED)
    assert await desk.client(ACME) == (30, "x", True)
    assert await desk.client(BETA) == (45, "x", True)
    desk.ledger.remove("C2")
    await desk.take(party("2", "d", offset=1), decoder=NUMBERED)
    assert await desk.client(BETA) == (45, "x", True)


async def test_a_row_may_touch_all_records_that_hold_what_it_names(desk: Desk) -> None:
    """What they share changed: each is read back, once, whatever else touched it."""
    for number, row in enumerate(desk.ledger.rows["customers"], start=1):
        row |= {"id": number, "terms": 7, "sites": [number, 90 + number]}
    desk.ledger.change("C1", terms_days=45)
    desk.ledger.change("C2", terms_days=60)
    await desk.take(term("7"), party("1"), decoder=SHARED)
    assert [await desk.client(ACME), await desk.client(BETA)] == [(45, "x", True), (60, "x", True)]
    desk.ledger.change("C2", address="Quay 2")
    await desk.take(address("92", offset=1), address("4", offset=2), decoder=SHARED)
    assert await desk.client(BETA) == (60, "Quay 2", True)
    await desk.take(term("7", "d", offset=1), decoder=SHARED)
    assert await desk.client(BETA) == (60, "Quay 2", True)


async def test_news_beside_a_snapshot_stays_news(desk: Desk) -> None:
    """A row of the snapshot and one of the stream touch the same record: its change is owed."""
    for number, row in enumerate(desk.ledger.rows["customers"], start=1):
        row |= {"id": number, "terms": 7, "sites": []}
    await desk.take(party("1", "r", lsn=None, snapshot="true"), decoder=SHARED)
    desk.ledger.change("C1", terms_days=45)
    seen = term("7", "r", lsn=None, snapshot="true")
    await desk.take(party("1", offset=1), seen, decoder=SHARED)
    assert await desk.pool.fetchval("SELECT count(DISTINCT target) FROM delivery") == 2
