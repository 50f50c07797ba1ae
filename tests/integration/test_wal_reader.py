"""The WAL reader over a real owner database: every kind of change, and every way to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import orjson
import pytest
from structlog.testing import capture_logs
from support.targets import until
from support.working import at_work

from cdc.capture.slot import Slot
from cdc.capture.table_shape import CapturedTable
from cdc.capture.wal_reader import WalReader
from cdc.log.port import NewRecord
from schema.errors import Invalid

TABLES = (CapturedTable(schema="public", name="accounts"),)
NAMES_ONLY = (CapturedTable(schema="public", name="accounts", columns=("name",)),)
PLACEHOLDER = "__debezium_unavailable_value"

ACCOUNTS = """
CREATE DOMAIN amount AS numeric(12, 2);
CREATE TABLE accounts (
    id bigint PRIMARY KEY, name text, is_active boolean, revenue amount, since date,
    seen_at timestamp, seen_ms timestamp(3), changed_at timestamptz, tags text[], scores integer[],
    profile jsonb, reference uuid, logo bytea, ratio double precision
)
"""
_HAS_SLOT = """
SELECT EXISTS (
    SELECT FROM pg_replication_slots WHERE database = current_database() AND NOT temporary
)
"""

WRITE_BESIDE = "INSERT INTO others SELECT repeat('x', 1000000) FROM generate_series(1, $1::int)"


class ListLog:
    """A log in memory that can be told to refuse, and wakes who waits for records."""

    def __init__(self) -> None:
        self.records: list[NewRecord] = []
        self.grown = asyncio.Condition()

    async def append(self, records: Sequence[NewRecord]) -> None:
        async with self.grown:
            self.records += records
            self.grown.notify_all()

    async def reach(self, count: int) -> list[NewRecord]:
        """The records, once there are `count` of them."""
        async with asyncio.timeout(10), self.grown:
            await self.grown.wait_for(lambda: len(self.records) >= count)
        return self.records

    async def reach_key(self, key: bytes) -> None:
        async with asyncio.timeout(10), self.grown:
            await self.grown.wait_for(lambda: any(r.key == key for r in self.records))

    def values(self) -> list[Any]:
        return [r.value and orjson.loads(r.value) for r in self.records]


@pytest.fixture
async def owner(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    await connection.execute(ACCOUNTS)
    yield connection
    await connection.close()


@pytest.fixture
def log() -> ListLog:
    return ListLog()


@pytest.fixture
def name(database: str) -> str:
    """Of the slot and of the publication: the cluster knows the slots of all its databases."""
    return "capture_" + database.rpartition("/")[2]


@pytest.fixture
def slot(owner: asyncpg.Connection, name: str) -> Slot:
    """The readers' slot, as their owner sees it."""
    return Slot(owner, name=name, publication=name)


@pytest.fixture
def reader(
    owner: asyncpg.Connection, database: str, name: str, log: ListLog
) -> Callable[..., WalReader]:
    def make(**changes: Any) -> WalReader:
        settings: dict[str, Any] = {
            "system": "crm",
            "dsn": database,
            "tables": TABLES,
            "log": log,
            "slot": name,
            "publication": name,
        }
        return WalReader(**settings | changes)

    return make


@asynccontextmanager
async def running(reader: WalReader, slot_owner: asyncpg.Connection) -> AsyncIterator[None]:
    """Run the reader until the block ends; it is following the stream when the block begins."""
    task = asyncio.create_task(reader.run())
    try:
        await slot_is_there(slot_owner, task)
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def slot_is_there(owner: asyncpg.Connection, task: asyncio.Task[Any]) -> None:
    async with asyncio.timeout(10):
        while not await owner.fetchval(_HAS_SLOT):
            if task.done():
                await task


async def test_a_snapshot_comes_first_with_its_marks(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """Rows that were there come as reads, the first and the last one marked."""
    await owner.execute("INSERT INTO accounts (id) VALUES (1), (2), (3)")
    async with running(reader(), owner):
        await log.reach(3)
    values = log.values()
    assert [value["op"] for value in values] == ["r", "r", "r"]
    assert [value["source"]["snapshot"] for value in values] == ["first", "true", "last"]
    assert [orjson.loads(record.key or b"") for record in log.records] == [
        {"id": 1},
        {"id": 2},
        {"id": 3},
    ]
    assert orjson.loads(values[0]["source"]["sequence"]) == [None, str(values[0]["source"]["lsn"])]


async def test_transactions_are_told_as_debezium_tells_them(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """Each change says to which it belongs and as how many'th, and its end how many there were."""
    async with running(reader(tells_transactions=True), owner):
        async with owner.transaction():
            await owner.execute("INSERT INTO accounts (id) VALUES (1)")
            await owner.execute("UPDATE accounts SET id = 2")
        await owner.execute("INSERT INTO accounts (id) VALUES (3)")
        await log.reach(7)
    *rows, end = log.values()[:5]
    assert [row and row["transaction"]["total_order"] for row in rows] == [1, 2, None, 3]
    [counted] = end["data_collections"]
    assert counted == {"data_collection": "public.accounts", "event_count": 3}
    assert {row["transaction"]["id"] for row in rows if row} == {end["id"]}
    assert log.records[4].topic == "crm.transaction"
    assert log.values()[5]["transaction"]["total_order"] == 1


async def test_every_type_is_written_alike_by_snapshot_and_stream(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """A row read and the same row streamed have equal values, and they are Debezium's."""
    insert = """
        INSERT INTO accounts VALUES ($1, E'Özgür\\t& "Söhne"\\n\\\\', true, 1234.5, '2026-11-20',
            '2026-11-20 08:15:30.123456', '2026-11-20 08:15:30.123',
            '2026-11-20 10:15:30.123456+02',
            '{a,NULL,"b \\"c\\",{}","NULL"}', '{{1,2},{3,NULL}}', '{"a": 1}',
            '6f1c2b1e-0f7e-4a53-9d2b-1f0c6a3d9e11', '\\x00ff', 'NaN')
    """
    await owner.execute(insert.replace("$1", "1"))
    async with running(reader(), owner):
        await log.reach(1)
        await owner.execute(insert.replace("$1", "2"))
        await log.reach(2)
    read, streamed = (value["after"] for value in log.values())
    assert streamed == read | {"id": 2}
    assert read == {
        "id": 1,
        "name": 'Özgür\t& "Söhne"\n\\',
        "is_active": True,
        "revenue": "1234.50",
        "since": 20777,
        "seen_at": 1795162530123456,
        "seen_ms": 1795162530123,
        "changed_at": "2026-11-20T08:15:30.123456Z",
        "tags": ["a", None, 'b "c",{}', "NULL"],
        "scores": [[1, 2], [3, None]],
        "profile": '{"a": 1}',
        "reference": "6f1c2b1e-0f7e-4a53-9d2b-1f0c6a3d9e11",
        "logo": "AP8=",
        "ratio": "NaN",
    }
    assert log.records[0].topic == "crm.public.accounts"


async def test_an_index_over_the_key_tells_more_of_a_deleted_row(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """With it a table that is only touched says which record its deleted row was part of."""
    await owner.execute("ALTER TABLE accounts ALTER COLUMN name SET NOT NULL")
    await owner.execute("CREATE UNIQUE INDEX chosen ON accounts (name, id)")
    await owner.execute("ALTER TABLE accounts REPLICA IDENTITY USING INDEX chosen")
    await owner.execute("INSERT INTO accounts (id, name) VALUES (1, 'Acme')")
    async with running(reader(tables=NAMES_ONLY), owner):
        await log.reach(1)
        await owner.execute("DELETE FROM accounts")
        await log.reach(3)
    deleted = log.values()[1]
    assert (deleted["op"], deleted["before"]) == ("d", {"id": 1, "name": "Acme"})
    assert log.records[1].key == b'{"id":1}'


async def test_infinities_are_debeziums_sentinels(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """An open end is a number for dates and timestamps, and a word with a time zone."""
    async with running(reader(), owner):
        await owner.execute(
            "INSERT INTO accounts (id, since, seen_at, seen_ms, changed_at) VALUES "
            "(1, 'infinity', 'infinity', 'infinity', 'infinity'), "
            "(2, '-infinity', '-infinity', '-infinity', '-infinity')"
        )
        await log.reach(2)
    columns = ("since", "seen_at", "seen_ms", "changed_at")
    high, low = 9223372036825200000, -9223372036832400000
    assert [tuple(value["after"][name] for name in columns) for value in log.values()] == [
        (-622191234, high, high, "infinity"),
        (622191232, low, low, "-infinity"),
    ]


async def test_an_update_and_a_delete_with_the_default_identity(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """`before` is null on an update and the key alone on a delete, which a tombstone follows."""
    async with running(reader(), owner):
        await owner.execute("INSERT INTO accounts (id, name) VALUES (1, 'Old')")
        await owner.execute("UPDATE accounts SET name = 'New'")
        await owner.execute("DELETE FROM accounts")
        await log.reach(4)
    create, update, delete, tombstone = log.values()
    assert [value["op"] for value in (create, update, delete)] == ["c", "u", "d"]
    assert (update["before"], update["after"]["name"]) == (None, "New")
    assert (delete["before"], delete["after"]) == ({"id": 1}, None)
    assert tombstone is None
    assert {record.key for record in log.records} == {b'{"id":1}'}
    lsns = [value["source"]["lsn"] for value in (create, update, delete)]
    assert lsns == sorted(set(lsns))


async def test_a_full_identity_brings_the_whole_row_before(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """With REPLICA IDENTITY FULL the old row is whole, and an unchanged long value is known."""
    await owner.execute("ALTER TABLE accounts REPLICA IDENTITY FULL")
    long = "SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n"
    async with running(reader(), owner):
        await owner.execute(f"INSERT INTO accounts (id, name) VALUES (1, ({long}))")
        await owner.execute("UPDATE accounts SET is_active = true")
        await owner.execute("DELETE FROM accounts")
        await log.reach(4)
    create, update, delete, _ = log.values()
    assert update["before"] == create["after"]
    assert update["after"] == create["after"] | {"is_active": True}
    assert delete["before"] == update["after"]


async def test_an_unchanged_long_value_is_a_placeholder(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """With the default identity, what the log omits is marked and not null, by kind of type."""
    long = "SELECT string_agg(md5(n::text), '') FROM generate_series(1, 400) n"
    async with running(reader(), owner):
        await owner.execute(
            f"INSERT INTO accounts (id, name, tags, scores) VALUES (1, ({long}), "
            f"array[({long})], (SELECT array_agg((random() * 1e9)::int) "
            "FROM generate_series(1, 2000)))"
        )
        await owner.execute("UPDATE accounts SET is_active = true")
        await log.reach(2)
    after = log.values()[1]["after"]
    assert after["name"] == PLACEHOLDER
    assert after["tags"] == [PLACEHOLDER]
    assert bytes(after["scores"]).decode() == PLACEHOLDER
    assert (after["is_active"], after["revenue"]) == (True, None)


async def test_a_key_change_is_a_delete_a_tombstone_and_a_create(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """The headers tie both halves together, which may land on different partitions."""
    async with running(reader(), owner):
        await owner.execute("INSERT INTO accounts (id, name) VALUES (1, 'A')")
        await owner.execute("UPDATE accounts SET id = 2")
        await log.reach(4)
    _, delete, tombstone, create = log.records
    assert [value and value["op"] for value in log.values()] == ["c", "d", None, "c"]
    assert [record.key for record in (delete, tombstone, create)] == [
        b'{"id":1}',
        b'{"id":1}',
        b'{"id":2}',
    ]
    assert dict(delete.headers) == dict(tombstone.headers) == {"__debezium.newkey": b'{"id":2}'}
    assert dict(create.headers) == {"__debezium.oldkey": b'{"id":1}'}


async def test_a_truncate_has_no_key(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """One record per table, without rows."""
    async with running(reader(), owner):
        await owner.execute("TRUNCATE accounts")
        await log.reach(1)
    [value] = log.values()
    assert (value["op"], value["before"], value["after"], log.records[0].key) == (
        "t",
        None,
        None,
        None,
    )


async def test_the_origin_of_a_replicated_transaction_is_told(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """A session with a replication origin marks its changes; others have none."""
    origin = await owner.fetchval("SELECT current_database()")
    async with running(reader(), owner):
        await owner.execute("SELECT pg_replication_origin_create($1)", origin)
        await owner.execute("SELECT pg_replication_origin_session_setup($1)", origin)
        async with owner.transaction():
            await owner.execute("SELECT pg_replication_origin_xact_setup('0/10', now())")
            await owner.execute("INSERT INTO accounts (id) VALUES (1)")
        await owner.execute("SELECT pg_replication_origin_session_reset()")
        await owner.execute("INSERT INTO accounts (id) VALUES (2)")
        await log.reach(2)
        await owner.execute("SELECT pg_replication_origin_drop($1)", origin)
    marked, unmarked = (value["source"] for value in log.values())
    assert (marked["origin"], marked["origin_lsn"]) == (origin, 16)
    assert (unmarked["origin"], unmarked["origin_lsn"]) == (None, None)
    assert marked["txId"] != unmarked["txId"]


async def test_a_rolled_back_change_never_comes(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """Only what was committed is captured, in commit order."""
    async with running(reader(), owner):
        rolled_back = owner.transaction()
        await rolled_back.start()
        await owner.execute("INSERT INTO accounts (id) VALUES (1)")
        await rolled_back.rollback()
        await owner.execute("INSERT INTO accounts (id) VALUES (2)")
        await log.reach(1)
    assert [record.key for record in log.records] == [b'{"id":2}']


async def test_a_new_column_is_seen_from_its_next_change_on(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """The table may change while it is captured."""
    async with running(reader(), owner):
        await owner.execute("INSERT INTO accounts (id) VALUES (1)")
        await log.reach(1)
        await owner.execute("ALTER TABLE accounts ADD COLUMN grade smallint")
        await owner.execute("INSERT INTO accounts (id, grade) VALUES (2, 5)")
        await log.reach(2)
    assert ["grade" in value["after"] for value in log.values()] == [False, True]


async def test_only_the_named_columns_leave_the_owner(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """A column list holds for the snapshot and for the stream; the primary key is always in it."""
    await owner.execute("INSERT INTO accounts (id, name, revenue) VALUES (1, 'A', 1)")
    async with running(reader(tables=NAMES_ONLY), owner):
        await owner.execute("INSERT INTO accounts (id, name, revenue) VALUES (2, 'B', 1)")
        await log.reach(2)
    assert [set(value["after"]) for value in log.values()] == [{"id", "name"}] * 2


async def test_a_publication_is_narrowed_at_the_next_start(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """Columns nobody wants any more stop leaving the owner, and no change is lost on the way."""
    async with running(reader(), owner):
        await owner.execute("INSERT INTO accounts (id, revenue) VALUES (1, 1)")
        await log.reach(1)
    await owner.execute("INSERT INTO accounts (id, revenue) VALUES (2, 1)")
    await reader(tables=NAMES_ONLY).prepare()
    await owner.execute("INSERT INTO accounts (id, revenue) VALUES (3, 1)")
    async with running(reader(tables=NAMES_ONLY), owner):
        await log.reach_key(b'{"id":3}')
    seen = {value["after"]["id"]: "revenue" in value["after"] for value in log.values()}
    assert seen == {1: True, 2: True, 3: False}
    with pytest.raises(Invalid, match=r"has other columns of public\.accounts, so changes since"):
        await reader().prepare()


async def test_nothing_of_a_transaction_in_flight_is_lost_by_the_snapshot(
    owner: asyncpg.Connection, database: str, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """A transaction that was open when the slot was made arrives, once it commits."""
    other = await asyncpg.connect(database)
    capturing = reader()
    await capturing.prepare()
    in_flight = other.transaction()
    await in_flight.start()
    await other.execute("INSERT INTO accounts (id) VALUES (1)")
    task = asyncio.create_task(capturing.run())
    async with asyncio.timeout(5):
        while not await owner.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_create_logical%'"
            " AND pid <> pg_backend_pid() AND datname = current_database()"
        ):
            assert not task.done()
    await in_flight.commit()
    await log.reach(1)
    await owner.execute("INSERT INTO accounts (id) VALUES (2)")
    await log.reach(2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await other.close()
    assert {record.key for record in log.records} == {b'{"id":1}', b'{"id":2}'}


async def test_a_crash_between_append_and_advance_repeats_and_loses_nothing(
    owner: asyncpg.Connection,
    reader: Callable[..., WalReader],
    log: ListLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next run sends the suffix again, with the same keys, LSNs and transaction ids."""
    async with running(reader(), owner):
        await owner.execute("INSERT INTO accounts (id) VALUES (1)")
        await log.reach(1)

    async def crash(self: Slot, lsn: int) -> None:
        if any(record.key == b'{"id":2}' for record in log.records):
            raise KeyError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Slot, "advance", crash)
        await owner.execute("INSERT INTO accounts (id) VALUES (2)")
        with pytest.raises(KeyError):
            await asyncio.wait_for(reader().run(), 10)
    async with running(reader(), owner):
        await owner.execute("INSERT INTO accounts (id) VALUES (3)")
        await log.reach_key(b'{"id":3}')
    assert [value["after"]["id"] for value in log.values()][-2:] == [2, 3]
    first, again = (v["source"] for v in log.values() if v["after"]["id"] == 2)
    assert {name: first[name] for name in ("lsn", "txId", "ts_us")} == {
        name: again[name] for name in ("lsn", "txId", "ts_us")
    }


async def test_a_crash_in_the_snapshot_starts_it_again(
    owner: asyncpg.Connection,
    reader: Callable[..., WalReader],
    log: ListLog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No slot is left behind, so the next run reads everything."""
    await owner.execute("INSERT INTO accounts (id) VALUES (1), (2)")

    async def crash(self: Slot) -> None:
        raise KeyError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(Slot, "keep", crash)
        with pytest.raises(KeyError):
            await asyncio.wait_for(reader().run(), 10)
    async with running(reader(), owner):
        await log.reach(4)
    assert [value["source"]["snapshot"] for value in log.values()] == ["first", "last"] * 2


async def test_a_lost_publication_is_fatal(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], name: str
) -> None:
    """The server skips the changes with a warning only: going on would hide the loss."""
    task = asyncio.create_task(reader().run())
    await slot_is_there(owner, task)
    await owner.execute(f"DROP PUBLICATION {name}")
    await owner.execute("INSERT INTO accounts (id) VALUES (1)")
    with pytest.raises(Invalid, match="pg_drop_replication_slot"):
        await asyncio.wait_for(task, 10)
    with pytest.raises(Invalid, match="does not exist, so changes since then are lost"):
        await reader().prepare()


async def test_other_tables_than_published_are_refused_once_there_is_a_slot(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """Before the slot the publication is made anew; afterwards it would hide a loss."""
    await owner.execute("CREATE TABLE contacts (id bigint PRIMARY KEY)")
    more = (*TABLES, CapturedTable(schema="public", name="contacts"))
    await reader().prepare()
    await reader(tables=more).prepare()
    async with running(reader(tables=more), owner):
        pass
    with pytest.raises(Invalid, match=r"is not for public\.accounts alone"):
        await reader().prepare()


@pytest.mark.parametrize(
    ("ddl", "table", "message"),
    [
        ("SELECT 1", CapturedTable(schema="public", name="nothing"), "there is no table"),
        (
            "CREATE TABLE keyless (id bigint)",
            CapturedTable(schema="public", name="keyless"),
            "no primary key",
        ),
        (
            "ALTER TABLE accounts REPLICA IDENTITY NOTHING",
            TABLES[0],
            "set its REPLICA IDENTITY",
        ),
        (
            "SELECT 1",
            CapturedTable(schema="public", name="accounts", columns=("id", "colour")),
            "has no column colour",
        ),
        (
            "ALTER TABLE accounts REPLICA IDENTITY FULL",
            NAMES_ONLY[0],
            "holds changed_at, is_active",
        ),
        (
            "ALTER TABLE accounts ALTER since SET NOT NULL;"
            "CREATE UNIQUE INDEX chosen ON accounts (since, id);"
            "ALTER TABLE accounts REPLICA IDENTITY USING INDEX chosen",
            NAMES_ONLY[0],
            "holds since, which is not captured",
        ),
    ],
)
async def test_a_table_that_cannot_be_captured_is_named(
    owner: asyncpg.Connection,
    reader: Callable[..., WalReader],
    ddl: str,
    table: CapturedTable,
    message: str,
) -> None:
    """The message says what is wrong and what to do, before anything is created."""
    await owner.execute(ddl)
    with pytest.raises(Invalid, match=message):
        await reader(tables=(table,)).prepare()
    assert await owner.fetchval("SELECT count(*) FROM pg_publication") == 0


async def test_a_look_does_not_begin_far_back_where_others_write_much(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], slot: Slot, log: ListLog
) -> None:
    """Without a mark of our own the server has nowhere nearer to begin for fifteen seconds."""
    await owner.execute("CREATE TABLE others (text text STORAGE EXTERNAL)")
    async with running(reader(), owner):
        await owner.execute("INSERT INTO accounts (id) VALUES (1)")
        await log.reach(1)
    await owner.execute(WRITE_BESIDE, 40)
    held = await slot.held_bytes()
    assert held is not None
    assert held > 40_000_000
    for number in range(2, 5):
        await owner.execute(WRITE_BESIDE, 10)
        await slot.shorten(held)
        await owner.execute("INSERT INTO accounts (id) VALUES ($1)", number)  # flushes the mark
        await slot.advance(await slot.wal_position())
    assert (await slot.held_bytes() or 0) < 25_000_000


@pytest.mark.parametrize(("role", "marks"), [("pg_monitor", 0), ("none", 1)])
async def test_who_may_not_ask_for_a_place_to_begin_goes_without(
    owner: asyncpg.Connection, slot: Slot, role: str, marks: int
) -> None:
    """The server would refuse the mark, so it is not asked for; a superuser asks."""
    mark = "SELECT pg_log_standby_snapshot()"
    asked: list[str] = []
    await owner.execute(f"SET ROLE {role}")
    with owner.query_logger(lambda ran: asked.append(ran.query)):
        await slot.shorten(1_000_000_000)
        await owner.execute("SELECT 1")  # loggers are called a turn of the loop later
    assert asked.count(mark) == marks
    if not marks:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(mark)


async def test_a_second_reader_waits_for_the_first(
    owner: asyncpg.Connection, reader: Callable[..., WalReader]
) -> None:
    """Two readers of one slot would interleave: the second one is refused for now."""
    with capture_logs() as told:

        async def is_refused() -> bool:
            return any("another reader" in entry.get("reason", "") for entry in told)

        async with running(reader(), owner), at_work(reader().run):
            await until(is_refused, seconds=10)


async def test_the_reader_survives_the_loss_of_its_connection(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """It connects again and goes on where the slot is."""
    async with running(reader(), owner):
        await owner.execute("INSERT INTO accounts (id) VALUES (1)")
        await log.reach(1)
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await owner.execute("INSERT INTO accounts (id) VALUES (2)")
        await log.reach(2)
    assert log.values()[-1]["after"]["id"] == 2


async def test_a_change_is_in_the_log_soon(
    owner: asyncpg.Connection, reader: Callable[..., WalReader], log: ListLog
) -> None:
    """By the envelope's two clocks, the log holds the change within a second of its commit."""
    async with running(reader(), owner):
        await owner.execute("INSERT INTO accounts (id) VALUES (1)")
        await log.reach(1)
    [value] = log.values()
    assert 0 <= value["ts_us"] - value["source"]["ts_us"] < 1_000_000
