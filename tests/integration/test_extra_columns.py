"""A column that its owner added and no binding reads is kept, told of, and adopted when bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from support.envelopes import envelope, record, whole
from support.intaking import ACCOUNTS, ACME, Desk
from support.targets import until

from cdc.capture.wal_reader import WalReader
from cdc.decode import Decoder
from cdc.envelope.placeholder import UNAVAILABLE
from cdc.listener import Listener, Pace
from cdc.log.port import LogRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from hub.demo.systems import create_tables
from hub.registry import captured_tables
from schema.position import LogPartition
from sync.adopt import adopt_columns
from sync.clock import utc_now
from sync.connectors import crm, hr
from sync.connectors.binding import Binding, Column
from sync.extra import ExtraColumns, note_columns
from sync.intake import Claim, Intake
from sync.xref import Xref

PACE = Pace(batch=50, wait=timedelta(milliseconds=50))
BEFORE = replace(
    crm.CLIENT, owns={n: p for n, p in crm.CLIENT.owns.items() if n != "language"}, copies={}
)
"""The CRM's binding of an earlier version, which did not read the language."""

GAINED = replace(crm.CLIENT, copies={}, optional=frozenset({"language"}))
EXTRA = "SELECT crm_extra FROM projection.client WHERE id = $1"
EMPLOYEES = "hr.public.employees"


@pytest.fixture
def desk(pool: asyncpg.Pool) -> Desk:
    return Desk(pool)


class Office:
    """An intake whose binding of the CRM's clients is of one version."""

    def __init__(self, pool: asyncpg.Pool, binding: Binding = BEFORE) -> None:
        self.pool = pool
        self.intake = Intake(pool, Xref(pool), {}, utc_now)
        self.offset = 0
        self.use(binding)

    def use(self, binding: Binding) -> None:
        self.binding, self.decoder = binding, Decoder([binding])

    async def take(self, op: str = "u", lsn: int | None = None, **cells: Any) -> None:
        """The client's whole row, with these cells among it."""
        row = dict.fromkeys(("segment", "owner_email", "trading_as", "parent_account_id"))
        row |= {"id": "ACC-00001", "account_name": "Acme", **cells}
        after = None if op == "d" else row
        value = envelope(ACCOUNTS, after, op=op, lsn=lsn or 100 + self.offset)
        await self.apply(record(ACCOUNTS, {"id": "ACC-00001"}, value, offset=self.offset))

    async def apply(self, *records: LogRecord) -> None:
        lane = LogPartition(topic=records[0].position.topic, partition=0)
        start = await self.intake.start_of(lane)
        end = records[-1].position.offset + 1
        told = [one for each in records for one in self.decoder.decode(each)]
        await self.intake.apply(told, [Claim(lane=lane, expected=start, next_offset=end)])
        self.offset = end

    async def extra(self) -> Mapping[str, Any] | None:
        found: Mapping[str, Any] | None = await self.pool.fetchval(EXTRA, ACME)
        return found

    async def language(self) -> str | None:
        sql = "SELECT language FROM projection.client WHERE id = $1"
        found: str | None = await self.pool.fetchval(sql, ACME)
        return found

    async def noted(self) -> list[tuple[str, bool]]:
        found = await ExtraColumns(self.pool, [self.binding]).now()
        return [(f"{one.system}.{one.table}.{one.name}", one.is_kept) for one in found]


@pytest.fixture
def office(pool: asyncpg.Pool) -> Office:
    return Office(pool)


async def test_what_nobody_binds_is_kept_as_it_was_told(office: Office) -> None:
    """Text stays text; a dropped column goes; what is known and left unread is no news."""
    await office.take("c", language_code="nl", size="0012", seats=7, billing_country="NL")
    assert await office.extra() == {"language_code": "nl", "size": "0012", "seats": 7}
    assert await office.noted() == [
        ("crm.public.accounts.language_code", True),
        ("crm.public.accounts.seats", True),
        ("crm.public.accounts.size", True),
    ]
    await office.take(language_code="de", seats=2**64 - 1)
    assert await office.extra() == {"language_code": "de", "seats": str(2**64 - 1)}
    await office.take()
    assert await office.extra() is None
    await office.take(seats=1)
    await office.take("d")
    assert await office.extra() is None


async def test_an_unchanged_column_is_kept_and_the_fence_holds(office: Office) -> None:
    """The placeholder erases nothing, in one batch or in two; what is older changes nothing."""
    await office.take("c", lsn=100, story="long", seats=1)
    await office.take(lsn=200, story=UNAVAILABLE, seats=2)
    assert await office.extra() == {"story": "long", "seats": 2}
    await office.take(lsn=150, story="older", seats=9)
    assert await office.extra() == {"story": "long", "seats": 2}
    keys = {"id": "ACC-00001"}
    rows = [{"story": "longer", "seats": 3}, {"story": UNAVAILABLE, "seats": 4}]
    written = [
        envelope(ACCOUNTS, whole(ACCOUNTS, keys | r), lsn=300 + n) for n, r in enumerate(rows)
    ]
    await office.apply(
        *(
            record(ACCOUNTS, keys, value, offset=office.offset + n)
            for n, value in enumerate(written)
        )
    )
    extra = await office.extra() or {}
    assert (extra["story"], extra["seats"]) == ("longer", 4)


async def test_of_people_only_the_name_of_a_column_is_kept(pool: asyncpg.Pool) -> None:
    """What HR adds may be a salary: it is told that there is one, and nothing of it."""
    office = Office(pool, hr.RESOURCE)
    row = whole(EMPLOYEES, {"employee_number": "E1", "full_name": "Ann", "salary": "secret"})
    value = envelope(EMPLOYEES, row, op="c")
    await office.apply(record(EMPLOYEES, {"employee_number": "E1"}, value))
    found = await pool.fetchrow("SELECT * FROM projection.resource")
    assert found["name"] == "Ann"
    assert "secret" not in str(found)
    assert await office.noted() == [("hr.public.employees.salary", False)]


async def test_a_name_that_is_noted_makes_no_listener_wait_for_another(office: Office) -> None:
    """Both meet the column in every batch, and each batch is one transaction."""
    await office.take("c", seats=1)
    async with office.pool.acquire() as one, one.transaction():
        await note_columns(one, BEFORE, [{"seats": 2}])
        async with office.pool.acquire() as other, other.transaction():
            await other.execute("SET LOCAL lock_timeout = '1s'")
            await note_columns(other, BEFORE, [{"seats": 3}])


async def test_a_binding_that_gains_the_column_adopts_what_was_kept(office: Office) -> None:
    """The field has the value without a new snapshot, and later changes go on from it."""
    await office.take("c", lsn=100, language_code="nl", seats=1)
    office.use(GAINED)
    assert await office.language() is None
    assert await adopt_columns(office.pool, office.intake, [GAINED]) == 1
    assert await office.language() == "nl"
    assert await office.extra() == {"seats": 1}
    assert await office.noted() == [("crm.public.accounts.seats", True)]
    assert await adopt_columns(office.pool, office.intake, [GAINED]) == 0
    await office.take(lsn=90, language_code="older", seats=1)
    assert await office.language() == "nl"
    await office.take(lsn=110, language_code="fr", seats=1)
    assert await office.language() == "fr"


async def test_a_binding_that_wants_it_unread_forgets_what_was_kept(office: Office) -> None:
    await office.take("c", seats=1, size="L")
    secretive = replace(BEFORE, unread=frozenset({"seats"}))
    await adopt_columns(office.pool, office.intake, [secretive])
    assert await office.extra() == {"size": "L"}
    await adopt_columns(office.pool, office.intake, [replace(BEFORE, keeps_extra=False)])
    assert await office.extra() is None


async def test_a_cell_that_is_no_value_of_the_field_is_left_where_it_is_told(
    office: Office,
) -> None:
    """The start of a listener does not fail over it: the field stays empty."""
    await office.take("c", language_code="nl")
    flawed = replace(
        GAINED, owns={**GAINED.owns, "language": Column(name="language_code", read=int)}
    )
    assert await adopt_columns(office.pool, office.intake, [flawed]) == 1
    assert await office.language() is None


async def test_an_envelope_from_before_the_column_leaves_the_field_be(office: Office) -> None:
    """Old records of the log are read by a binding that says when it gained a column."""
    await office.take("c", language_code="nl")
    office.use(GAINED)
    await adopt_columns(office.pool, office.intake, [GAINED])
    await office.take(account_name="Written before")
    assert await office.language() == "nl"
    name = "SELECT name FROM projection.client WHERE id = $1"
    assert await office.pool.fetchval(name, ACME) == "Written before"
    [lacking] = Decoder([replace(GAINED, optional=frozenset())]).decode(
        record(ACCOUNTS, {"id": "1"}, envelope(ACCOUNTS, {"id": "1"}))
    )
    assert "language_code" in getattr(lacking, "detail", "")


async def test_a_column_added_while_the_capture_runs(
    pool: asyncpg.Pool, hub_database: str, create_database: Callable[[str | None], str]
) -> None:
    """From ALTER TABLE at the owner to the projection, with nothing restarted or configured."""
    at_owner = create_database(None)
    owner = await asyncpg.connect(at_owner)
    await create_tables("crm", owner)
    async with asyncpg.create_pool(hub_database, min_size=1) as plain:
        reader = WalReader(
            system="crm",
            dsn=at_owner,
            tables=captured_tables([crm.CLIENT]),
            log=PostgresLog(plain, partitions=2),
            slot="extra",
            publication="extra",
        )
        consumer = PostgresConsumer(dsn=hub_database, group="intake", prefixes=("crm.",))
        intake = Intake(pool, Xref(pool), {}, utc_now)
        listener = Listener(consumer, Decoder([crm.CLIENT]), intake, PACE)
        tasks = [asyncio.create_task(one.run()) for one in (reader, listener)]
        columns = "id, account_name, segment, owner_email, billing_country"
        values = "'ACC-00001', 'Acme', 'SMB', 'a@b.test', 'NL'"
        await owner.execute(f"INSERT INTO accounts ({columns}) VALUES ({values})")

        async def is_kept(extra: object) -> bool:
            row = await pool.fetchrow("SELECT crm_extra FROM projection.client WHERE name = 'Acme'")
            return row is not None and row["crm_extra"] == extra

        try:
            await until(lambda: is_kept(None), seconds=20)
            await owner.execute("ALTER TABLE accounts ADD COLUMN seats integer")
            await owner.execute("UPDATE accounts SET seats = 7")
            await until(lambda: is_kept({"seats": 7}), seconds=20)
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await owner.close()
