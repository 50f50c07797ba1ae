"""Two processes in one moment: one reads the lane of the former key, the other that of the new."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import orjson
from support.intaking import CUSTOMERS, Desk
from support.renaming import Lanes, clients
from support.targets import until

from cdc.log.port import LogRecord
from schema.ids import mint
from sync.clock import utc_now
from sync.intake import Intake, Superseded
from sync.xref import Xref

BETA = mint("cli", "crm", "ACC-00002")
_WAITING = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


class Hesitant(Intake):
    """Has applied a batch, and commits it only when it may."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool, Xref(pool), {}, utc_now)
        self.has_applied, self.may_commit = asyncio.Event(), asyncio.Event()

    async def take(self, *told: Any, **options: Any) -> Any:
        taken = await super().take(*told, **options)
        self.has_applied.set()
        await self.may_commit.wait()
        return taken


class Hesitating:
    """One process that is about to commit what it was told, while others go on."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._desk = Desk(pool)
        self._desk.intake = self._intake = Hesitant(pool)

    async def begin(self, *told: LogRecord) -> asyncio.Task[None]:
        taking = asyncio.create_task(self._desk.take(*told))
        await self._intake.has_applied.wait()
        return taking

    def commit(self) -> None:
        self._intake.may_commit.set()


async def test_a_read_that_a_key_change_overtakes_undoes_nothing(pool: asyncpg.Pool) -> None:
    """The new key's lane commits after the read was judged, and before it is written."""
    desk, other = Desk(pool), Hesitating(pool)
    lanes = Lanes(desk, 1)
    await desk.take(lanes.row(0, "Acme", 100, "c"))
    read = lanes.row(0, "Acme", None, "r", snapshot="incremental")
    left, arrived = lanes.moved(0, 1, "Acme II", 200)
    renaming = await other.begin(arrived)
    reading = asyncio.create_task(as_a_listener(desk, read))
    await blocked(pool)
    other.commit()
    await asyncio.gather(renaming, reading)
    assert reading.result() == 1
    assert await clients(pool) == {lanes.keys[1]: (lanes.first, "Acme II")}
    await desk.take(left)
    assert await clients(pool) == {lanes.keys[1]: (lanes.first, "Acme II")}


async def test_a_read_beside_another_records_key_change_is_applied_at_once(
    pool: asyncpg.Pool,
) -> None:
    """Links have changed since the read was judged, but none of its record."""
    desk = Desk(pool)
    lanes = Lanes(desk, 1)
    await desk.take(lanes.row(0, "Acme", 100, "c"))
    read = lanes.row(0, "Acme II", None, "r", snapshot="incremental")
    async with pool.acquire() as other, other.transaction():
        await other.execute("UPDATE xref_version SET version = version + 1")
        await other.execute("UPDATE projection.client SET crm_version = 7")
        reading = asyncio.create_task(as_a_listener(desk, read))
        await blocked(pool)
    assert await reading == 0
    assert await clients(pool) == {lanes.keys[0]: (lanes.first, "Acme II")}


async def test_a_read_of_a_key_whose_change_was_missed_is_applied_again_and_again(
    pool: asyncpg.Pool,
) -> None:
    """Its key is the youngest, though a key change that was told of shared its batch."""
    desk = Desk(pool)
    await desk.take(desk.account("Acme", "c", lsn=100), customer(desk, "C1", 1, lsn=100))
    headers = {"__debezium.oldkey": orjson.dumps({"customer_no": "C1"})}
    arrived = customer(desk, "C2", 2, lsn=300, headers=headers)
    await desk.take(arrived, customer(desk, "C3", 3, lsn=None))
    for terms in (4, 5):
        await desk.take(customer(desk, "C3", terms, lsn=None))
        [row] = await pool.fetch("SELECT erp_key, payment_terms_days FROM projection.client")
        assert tuple(row) == ("C3", terms)


async def test_a_former_key_that_was_taken_unheard_is_read_again_and_again(
    pool: asyncpg.Pool,
) -> None:
    """By another record, which had changed its key before: it has this one since it was read."""
    desk = Desk(pool)
    known = {"C1": "ACC-00001", "C2": "ACC-00002"}
    await desk.take(*(customer(desk, key, 1, known[key], lsn=100) for key in known))
    left = {"__debezium.newkey": orjson.dumps({"customer_no": "C9"})}
    arrived = {"__debezium.oldkey": orjson.dumps({"customer_no": "C2"})}
    await desk.take(
        desk.event(CUSTOMERS, {"customer_no": "C1"}, None, "d", lsn=300, headers=left),
        customer(desk, "C3", 3, "ACC-00002", lsn=350, headers=arrived),
    )
    for terms in (4, 5):
        await desk.take(customer(desk, "C1", terms, "ACC-00002", lsn=None))
        row = await pool.fetchrow("SELECT * FROM projection.client WHERE id = $1", BETA)
        assert (row["erp_key"], row["payment_terms_days"]) == ("C1", terms)


async def test_a_batch_that_reads_renames_and_uses_a_key_again_is_applied(
    pool: asyncpg.Pool,
) -> None:
    """What it has changed of the links itself overtakes nothing that it has read."""
    desk = Desk(pool)
    lanes, other = Lanes(desk, 1), Lanes(desk, 2)
    await desk.take(lanes.row(0, "Acme", 100, "c"), other.row(0, "Beta", 110, "c"))
    await desk.take(*other.moved(0, 1, "Beta II", 120))
    read = lanes.row(0, "Acme", None, "r", snapshot="incremental")
    _, arrived = lanes.moved(0, 1, "Acme II", 200)
    await desk.take(read, arrived, other.row(0, "Newcomer", 210, "c"))
    found = await clients(pool)
    assert found.pop(other.keys[0])[1] == "Newcomer"
    assert found == {
        lanes.keys[1]: (lanes.first, "Acme II"),
        other.keys[1]: (other.first, "Beta II"),
    }


def customer(
    desk: Desk, number: str, terms: int, account: str = "ACC-00001", **options: Any
) -> LogRecord:
    row = {"customer_no": number, "crm_account": account, "terms_days": terms}
    row |= {"invoice_address": "Here", "credit_block": "NONE"}
    return desk.event(CUSTOMERS, {"customer_no": number}, row, "c", **options)


async def as_a_listener(desk: Desk, *told: LogRecord) -> int:
    """Take records as often as it needs, and answer how often it was not the first."""
    for times in range(9):
        try:
            await desk.take(*told)
        except Superseded:
            continue
        return times
    raise AssertionError("it never ends")


async def blocked(pool: asyncpg.Pool) -> None:
    async def is_waiting() -> bool:
        return bool(await pool.fetchval(_WAITING))

    await until(is_waiting)
