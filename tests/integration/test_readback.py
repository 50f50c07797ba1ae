"""Records that are spread over tables: touched, read back from their system, and merged as read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from structlog.testing import capture_logs
from support.envelopes import envelope, record
from support.owners import FakeOwner
from support.targets import until

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.port import LogRecord, NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from schema.entities.client import Client
from schema.errors import Unavailable
from schema.ids import mint
from schema.position import LogPartition, Topic
from schema.system import System
from sync.clock import utc_now
from sync.connectors.binding import Binding, Touch, column
from sync.connectors.ports import RowQuery, Rows
from sync.intake import Claim, Intake
from sync.xref import Xref

PARTIES, ADDRESSES, TERMS = "erp.public.party", "erp.public.address", "erp.public.term"
CUSTOMER = Binding(
    entity=Client,
    system=System.ERP,
    resource="customers",
    key="customer_no",
    anchor_key="crm_account",
    touches=(
        Touch(table="public.party", key="id"),
        Touch(table="public.address", key="party"),
    ),
    owns={"payment_terms_days": column("terms_days"), "bill_to": column("address")},
)
DECODER = Decoder([CUSTOMER])
NUMBERED = Decoder([replace(CUSTOMER, touched_by="id")])
SHARED = Decoder(
    [
        replace(
            CUSTOMER,
            touched_by="id",
            touches=(
                Touch(table="public.party", key="id"),
                Touch(table="public.address", key="party", by="sites"),
                Touch(table="public.term", key="id", by="terms"),
            ),
        )
    ]
)
ACME, BETA = mint("cli", "crm", "ACC-00001"), mint("cli", "crm", "ACC-00002")


class Ledger(FakeOwner):
    """The system; while `is_held`, what it has read reaches the caller only once it may go."""

    def __init__(self) -> None:
        rows = [
            {
                "customer_no": f"C{n}",
                "crm_account": f"ACC-{n:05d}",
                "terms_days": 30,
                "address": "x",
            }
            for n in (1, 2)
        ]
        super().__init__(System.ERP, (CUSTOMER,), {"customers": rows})
        self.is_held = False
        self.has_read, self.may_go = asyncio.Event(), asyncio.Event()

    async def fetch(self, query: RowQuery) -> Rows:
        page = await super().fetch(query)
        if self.is_held:
            self.has_read.set()
            await self.may_go.wait()
        return page

    def change(self, key: str, **cells: Any) -> None:
        [row] = [row for row in self.rows["customers"] if row["customer_no"] == key]
        row |= cells

    def remove(self, key: str) -> None:
        self.rows["customers"] = [r for r in self.rows["customers"] if r["customer_no"] != key]


class Desk:
    """Intakes over one database, each as another process would have it."""

    def __init__(self, pool: asyncpg.Pool, ledger: Ledger) -> None:
        self.pool = pool
        self.ledger = ledger

    def intake(self, timeout: timedelta = timedelta(seconds=60)) -> Intake:
        owners = {System.ERP: self.ledger}
        return Intake(self.pool, Xref(self.pool), owners, utc_now, read_timeout=timeout)

    async def take(
        self, *records: LogRecord, intake: Intake | None = None, decoder: Decoder = DECODER
    ) -> None:
        """Apply records as one batch, wherever their partitions stand."""
        intake = intake or self.intake()
        ends: dict[LogPartition, int] = {r.position.lane: r.position.offset + 1 for r in records}
        claims = [
            Claim(lane=lane, expected=await intake.start_of(lane), next_offset=end)
            for lane, end in ends.items()
        ]
        await intake.apply([m for one in records for m in decoder.decode(one)], claims)

    async def client(self, record_id: str = ACME) -> tuple[Any, ...] | None:
        row = await self.pool.fetchrow(
            "SELECT payment_terms_days, bill_to, erp_deleted_at IS NULL FROM projection.client"
            " WHERE id = $1",
            record_id,
        )
        return row and tuple(row)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def desk(pool: asyncpg.Pool, ledger: Ledger) -> Desk:
    return Desk(pool, ledger)


def party(key: str, op: str = "u", **options: Any) -> LogRecord:
    return _touch(PARTIES, {"id": key}, {"id": key, "name": "whatever"}, op, **options)


def address(key: str, op: str = "u", **options: Any) -> LogRecord:
    return _touch(ADDRESSES, {"id": 7}, {"id": 7, "party": key, "street": "other"}, op, **options)


def term(key: str, op: str = "u", **options: Any) -> LogRecord:
    return _touch(TERMS, {"id": key}, {"id": key}, op, **options)


def _touch(
    table: str,
    key: Mapping[str, Any],
    row: Mapping[str, Any],
    op: str,
    *,
    offset: int = 0,
    partition: int = 0,
    **options: Any,
) -> LogRecord:
    after, before = (None, row) if op == "d" else (row, None)
    value = envelope(table, after, op=op, before=before, **options)
    return record(table, key, value, offset=offset, partition=partition)


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
