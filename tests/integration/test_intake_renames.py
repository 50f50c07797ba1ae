"""Keys that change, that are used again, and that nobody knows: whose record is a row?"""

from __future__ import annotations

import random
from typing import Any

import asyncpg
import orjson
import pytest
from support.envelopes import record
from support.intaking import ACCOUNTS, ACME, CUSTOMERS, Desk
from support.renaming import Lanes, batches, clients, interleaved
from support.targets import until

from cdc.log.port import LogRecord
from schema.entities.client import Client
from schema.ids import mint
from schema.system import System
from sync.connectors.refs import Ref
from sync.intake import Claim, Superseded
from sync.xref import Xref

STATUSES = "psa.public.receivables"


@pytest.fixture
def desk(pool: asyncpg.Pool) -> Desk:
    return Desk(pool)


async def test_a_key_change_keeps_the_record_and_frees_the_key(pool: asyncpg.Pool) -> None:
    """However the two lanes interleave, in whatever batches and processes: two records."""
    rng = random.Random(11)
    desks = [Desk(pool), Desk(pool)]
    for number, order in enumerate(interleaved("abcdef", "xy"), start=1):
        lanes = Lanes(desks[0], number)
        begun = lanes.row(0, "Acme", 100, "c")
        left, arrived = lanes.moved(0, 1, "Acme II", 200)
        former = [
            begun,
            left,
            lanes.tombstone(0),
            lanes.row(0, "Newcomer", 300, "c"),
            left_again(lanes, left),
            lanes.row(0, "Newcomer II", 400),
        ]
        told = dict(zip("abcdef", former, strict=True))
        told |= {"x": arrived, "y": lanes.row(1, "Acme III", 500)}
        for batch in batches([told[name] for name in order], rng):
            await rng.choice(desks).take(*batch)
        found = await clients(pool)
        assert found[lanes.keys[1]] == (lanes.first, "Acme III"), order
        newcomer, name = found[lanes.keys[0]]
        assert name == "Newcomer II", order
        assert newcomer != lanes.first, order
    assert len(found) == 2 * number


async def test_a_key_that_comes_back_brings_its_record_along(pool: asyncpg.Pool) -> None:
    """There and back again is one record throughout, in every order of the two lanes."""
    rng = random.Random(12)
    desks = [Desk(pool), Desk(pool)]
    for number, order in enumerate(interleaved("abcd", "xy"), start=1):
        lanes = Lanes(desks[0], number)
        begun = lanes.row(0, "Acme", 100, "c")
        left, arrived = lanes.moved(0, 1, "Acme II", 200)
        left_too, came_back = lanes.moved(1, 0, "Acme III", 300)
        told = {"a": begun, "b": left, "c": came_back, "d": lanes.row(0, "Acme IV", 400)}
        told |= {"x": arrived, "y": left_too}
        for batch in batches([told[name] for name in order], rng):
            await rng.choice(desks).take(*batch)
        assert (await clients(pool))[lanes.keys[0]] == (lanes.first, "Acme IV"), order
    assert len(await clients(pool)) == number


async def test_a_read_under_a_key_that_was_left_undoes_nothing(pool: asyncpg.Pool) -> None:
    """The lane of the former key is behind: what was read there before the key change is older."""
    rng = random.Random(13)
    desks = [Desk(pool), Desk(pool)]
    for number, order in enumerate(interleaved("abcde", "xy"), start=1):
        lanes = Lanes(desks[0], number)
        begun = lanes.row(0, "Acme", 100, "c")
        read = lanes.row(0, "Acme", None, "r", snapshot="incremental")
        left, arrived = lanes.moved(0, 1, "Acme II", 200)
        newcomer = lanes.row(0, "Newcomer", None, "r", snapshot="incremental")
        told = {"a": begun, "b": read, "c": left, "d": lanes.tombstone(0), "e": newcomer}
        told |= {"x": arrived, "y": lanes.row(1, "Acme III", 300)}
        for batch in batches([told[name] for name in order], rng):
            await rng.choice(desks).take(*batch)
        found = await clients(pool)
        assert found[lanes.keys[1]] == (lanes.first, "Acme III"), order
        assert found[lanes.keys[0]][1] == "Newcomer", order
    assert len(found) == 2 * number


async def test_a_read_under_a_key_that_another_took_is_of_that_one(desk: Desk) -> None:
    """However often the former record has changed its key since."""
    lanes = Lanes(desk, 1)
    lanes.keys = (*lanes.keys, "ACC-95000")
    await desk.take(lanes.row(0, "Acme", 100, "c"))
    for old, new, lsn in ((0, 1, 200), (1, 2, 300)):
        for half in lanes.moved(old, new, "Acme II", lsn):
            await desk.take(half)
    for name in ("Newcomer", "Newcomer II"):
        await desk.take(lanes.row(0, name, None, "r", snapshot="incremental"))
        found = await clients(desk.pool)
        assert found[lanes.keys[2]] == (lanes.first, "Acme II")
        assert found[lanes.keys[0]][1] == name


async def test_a_key_change_that_was_missed_is_read_again(desk: Desk) -> None:
    """The slot was lost: a read says by itself whose it is, though the key before was told of."""
    first, then, now = "C1", "C2", "C3"
    await desk.take(desk.account("Acme", "c", lsn=100), customer(desk, first, "ACC-00001", terms=1))
    left = {"__debezium.newkey": orjson.dumps({"customer_no": then})}
    gone = desk.event(CUSTOMERS, {"customer_no": first}, None, "d", lsn=300, headers=left)
    arrived = {"__debezium.oldkey": orjson.dumps({"customer_no": first})}
    await desk.take(gone, customer(desk, then, "ACC-00001", terms=2, lsn=300, headers=arrived))
    for terms in (3, 4):
        await desk.take(customer(desk, now, "ACC-00001", terms=terms, lsn=None))
        [row] = await desk.pool.fetch("SELECT erp_key, payment_terms_days FROM projection.client")
        assert tuple(row) == (now, terms)


async def test_a_read_between_there_and_back_undoes_nothing(desk: Desk) -> None:
    """The lane of the key that was left last is behind; the first key was met long before it."""
    lanes = Lanes(desk, 1)
    await desk.take(lanes.row(0, "Acme", 100, "c"))
    for half in lanes.moved(0, 1, "Acme II", 200):
        await desk.take(half)
    read = lanes.row(1, "Acme II", None, "r", snapshot="incremental")
    left, came_back = lanes.moved(1, 0, "Acme III", 300)
    for told in (came_back, read, left):
        await desk.take(told)
        assert await clients(desk.pool) == {lanes.keys[0]: (lanes.first, "Acme III")}


async def test_a_read_before_a_key_that_was_anothers_undoes_nothing(desk: Desk) -> None:
    """What is the new key now was met as another record's, before the one that is read."""
    other, lanes = Lanes(desk, 2), Lanes(desk, 1)
    await desk.take(other.row(0, "Beta", 50, "c"))
    for half in other.moved(0, 1, "Beta II", 60):
        await desk.take(half)
    lanes.keys = (lanes.keys[0], other.keys[0])
    await desk.take(lanes.row(0, "Acme", 100, "c"))
    read = lanes.row(0, "Acme", None, "r", snapshot="incremental")
    _, arrived = lanes.moved(0, 1, "Acme II", 200)
    for told in (arrived, read):
        await desk.take(told)
        found = await clients(desk.pool)
        assert found[other.keys[0]] == (lanes.first, "Acme II")
        assert found[other.keys[1]] == (other.first, "Beta II")
        assert len(found) == 2


async def test_a_former_key_means_its_record_until_another_takes_it(desk: Desk) -> None:
    """A system that was not told of the new key still refers to the record it knew."""
    lanes = Lanes(desk, 1)
    await desk.take(lanes.row(0, "Acme", 100, "c"), *lanes.moved(0, 1, "Acme II", 200))
    await desk.take(customer(desk, "C1", lanes.keys[0], terms=30))
    await desk.take(lanes.row(0, "Newcomer", 300, "c"))
    await desk.take(customer(desk, "C2", lanes.keys[0], terms=60))
    rows = await desk.pool.fetch(
        "SELECT crm_key, payment_terms_days AS terms FROM projection.client"
    )
    assert {row["crm_key"]: row["terms"] for row in rows} == {lanes.keys[1]: 30, lanes.keys[0]: 60}


async def test_other_processes_soon_go_by_the_new_key(desk: Desk) -> None:
    """What a process has cached of a key does not outlive the key change by more than a moment."""
    lanes, elsewhere = Lanes(desk, 1), Xref(desk.pool)
    old, new = (Ref(Client, "crm", key) for key in lanes.keys)
    await desk.take(lanes.row(0, "Acme", 100, "c"))
    assert await elsewhere.resolve([old]) == {old: lanes.first}
    assert await elsewhere.external_ids(Client, System.CRM, [lanes.first]) == {
        lanes.first: lanes.keys[0]
    }
    await desk.take(*lanes.moved(0, 1, "Acme II", 200), lanes.row(0, "Newcomer", 300, "c"))

    async def is_told() -> bool:
        ids = await elsewhere.resolve([old, new])
        keys = await elsewhere.external_ids(Client, System.CRM, [lanes.first])
        is_renamed = ids[new] == lanes.first and keys == {lanes.first: lanes.keys[1]}
        return is_renamed and ids[old] != lanes.first

    await until(is_told)


async def test_a_replicas_former_key_is_its_rows_to_explain(desk: Desk) -> None:
    """The next row under it goes where it says it belongs; one that does not say is parked."""
    await desk.take(desk.account("Acme", "c", lsn=100), customer(desk, "C1", "ACC-00001", terms=30))
    new = {"customer_no": "C2"}
    left = desk.event(
        CUSTOMERS,
        {"customer_no": "C1"},
        None,
        "d",
        lsn=300,
        headers={"__debezium.newkey": orjson.dumps(new)},
    )
    silent = customer(desk, "C1", None, terms=10, lsn=400)
    other = customer(desk, "C1", "ACC-00002", terms=90, lsn=500)
    await desk.take(left, silent, other)
    arrived = customer(
        desk, "C2", None, lsn=300, terms=45, headers={"__debezium.oldkey": b'{"customer_no":"C1"}'}
    )
    await desk.take(arrived)
    rows = await desk.pool.fetch(
        "SELECT id, erp_key, payment_terms_days FROM projection.client ORDER BY erp_key DESC"
    )
    assert [tuple(row) for row in rows] == [
        (ACME, "C2", 45),
        (mint("cli", "crm", "ACC-00002"), "C1", 90),
    ]
    parked = await desk.pool.fetch("SELECT reason, value FROM dead_letter")
    assert [tuple(row) for row in parked] == [("key_reused", silent.value)]


async def test_a_row_that_belongs_to_no_record_is_parked_and_the_stream_goes_on(
    desk: Desk,
) -> None:
    """Its bytes, position and reason are kept; once its system says whose it is, it is applied."""
    lost = customer(desk, "C9", None, terms=10, lsn=100)
    gone = desk.event(CUSTOMERS, {"customer_no": "C8"}, None, "d", lsn=110)
    await desk.take(lost, gone, customer(desk, "C1", "ACC-00001", terms=30, lsn=120))
    [parked] = await desk.pool.fetch("SELECT * FROM dead_letter")
    assert (parked["reason"], parked["key"], parked["value"]) == ("unlinked", lost.key, lost.value)
    assert (parked["topic"], parked["offset"]) == (CUSTOMERS, lost.position.offset)
    await desk.take(customer(desk, "C9", "ACC-00009", terms=20, lsn=200))
    rows = await desk.pool.fetch(
        "SELECT erp_key, payment_terms_days FROM projection.client ORDER BY erp_key"
    )
    assert [tuple(row) for row in rows] == [("C1", 30), ("C9", 20)]


async def test_a_row_that_names_another_record_is_not_taken_for_that_one(desk: Desk) -> None:
    """A receivable names its invoice, not itself: until Concord has linked it, it is nobody's."""
    row = {"id": 7, "billing_invoice_id": "in_000001", "payment_state": "PAID", "version": 1}
    await desk.take(desk.event(STATUSES, {"id": 7}, row, "c", lsn=100))
    assert await desk.pool.fetchval("SELECT count(*) FROM xref") == 0
    assert await desk.pool.fetchval("SELECT count(*) FROM replica_state") == 0
    assert await desk.pool.fetchval("SELECT count(*) FROM dead_letter") == 0


async def test_a_link_that_was_taken_back_is_made_again(desk: Desk) -> None:
    """A failed transaction leaves nothing in the process's memory that is not in the table."""
    good, bad = desk.account("Acme", "c", lsn=100), desk.account("A\0B", lsn=200)
    with pytest.raises(asyncpg.DataError):
        await desk.take(good, bad)
    behind = Claim(lane=good.position.lane, expected=5, next_offset=6)
    with pytest.raises(Superseded):
        await desk.intake.apply([], [behind])
    await desk.take(good)
    assert await desk.pool.fetchval("SELECT record_id FROM xref") == ACME


def left_again(lanes: Lanes, left: LogRecord) -> LogRecord:
    """The `d` half, told a second time after a connector's crash."""
    again = lanes.tombstone(0)
    return record(
        ACCOUNTS,
        {"id": lanes.keys[0]},
        left.value,
        offset=again.position.offset,
        partition=again.position.partition,
        headers=left.headers,
    )


def customer(
    desk: Desk,
    number: str,
    account: str | None,
    *,
    terms: int,
    lsn: int | None = 50,
    **options: Any,
) -> LogRecord:
    row = {
        "customer_no": number,
        "crm_account": account,
        "invoice_address": "Here",
        "vat_id": None,
        "terms_days": terms,
        "credit_block": "NONE",
    }
    return desk.event(CUSTOMERS, {"customer_no": number}, row, "c", lsn=lsn, **options)
