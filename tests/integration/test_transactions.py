"""A transaction over two tables is seen as a whole, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import asyncpg
import orjson
import pytest
from support.envelopes import envelope, whole
from support.targets import until

from cdc.decode import Decoder
from cdc.listener import Listener, Pace
from cdc.log.port import NewRecord
from cdc.log.postgres import PostgresLog
from cdc.log.postgres_consumer import PostgresConsumer
from cdc.transactions import Limits
from cdc.wholes import Wholes
from schema.errors import Unavailable
from schema.position import LogPartition, Topic
from sync.changes import Incoming
from sync.clock import utc_now
from sync.connectors import crm
from sync.intake import Intake
from sync.lag import Lags, Torn
from sync.xref import Xref

ACCOUNTS = Topic("crm.public.accounts")
DEALS = Topic("crm.public.opportunities")
ENDS = Topic("crm.transaction")
SEEN = """
SELECT (SELECT name FROM projection.client) AS client,
    (SELECT name FROM projection.engagement) AS engagement
"""
ROUNDS = 6


class Firm:
    """A CRM whose transactions each rename one client and its engagement, told by a log."""

    def __init__(self, pool: asyncpg.Pool, log: PostgresLog, dsn: str) -> None:
        self.pool, self.log, self.dsn = pool, log, dsn
        self.lags = Lags(pool)
        self._order = 0

    async def commit(self, number: int, *, bad: str = "", has_end: bool = True) -> None:
        """Each record in an append of its own, so that each is read by itself."""
        rows = [
            self._row(ACCOUNTS, {"id": "ACC-1", "account_name": f"{bad}{number}"}, number, 1),
            self._row(
                DEALS, {"id": "OPP-1", "account_id": "ACC-1", "title": f"{number}"}, number, 2
            ),
        ]
        end = {
            "status": "END",
            "id": f"{number}:9",
            "event_count": 3,
            "data_collections": [
                {"data_collection": "public.accounts", "event_count": 1},
                {"data_collection": "public.opportunities", "event_count": 1},
                {"data_collection": "public.concord_signal", "event_count": 1},
            ],
        }
        key = orjson.dumps({"id": end["id"]})
        await self.log.append(rows)
        if has_end:
            await self.log.append([NewRecord(topic=ENDS, key=key, value=orjson.dumps(end))])

    def _row(self, topic: Topic, row: dict[str, Any], number: int, order: int) -> NewRecord:
        value = orjson.loads(envelope(topic, whole(topic, row), lsn=number * 10 + order))
        value["transaction"] = {"id": f"{number}:{order}", "total_order": order}
        key = orjson.dumps({"id": row["id"]})
        return NewRecord(topic=topic, key=key, value=orjson.dumps(value))

    def wholes(self, **options: Any) -> Wholes:
        return Wholes(
            {"crm"}, options.pop("lanes", self.log.ends), self.lags.note_torn, Limits(**options)
        )

    @asynccontextmanager
    async def listening(
        self, wholes: Wholes | None, intake: type[Intake] = Intake, batch: int = 1
    ) -> AsyncIterator[Listener]:
        consumer = PostgresConsumer(dsn=self.dsn, group="intake", prefixes=("crm.",))
        made = intake(self.pool, Xref(self.pool), {}, utc_now)
        pace = Pace(batch=batch, wait=timedelta(milliseconds=20))
        decoder = Decoder([crm.CLIENT, crm.ENGAGEMENT])
        listener = Listener(consumer, decoder, made, pace, wholes)
        try:
            yield listener
        finally:
            await listener.close()

    async def seen(self) -> tuple[str | None, str | None]:
        row = await self.pool.fetchrow(SEEN)
        return row["client"], row["engagement"]

    async def states(self, listener: Listener, last: str) -> set[tuple[str | None, str | None]]:
        """What a reader may see between any two steps, until the last transaction is there."""
        states = {await self.seen()}

        async def step() -> bool:
            await listener.step()
            states.add(await self.seen())
            return (last, last) in states

        await until(step, seconds=20)
        return states


@pytest.fixture
async def firm(pool: asyncpg.Pool, hub_database: str) -> AsyncIterator[Firm]:
    async with asyncpg.create_pool(hub_database, min_size=1) as plain:
        yield Firm(pool, PostgresLog(plain, partitions=2), hub_database)


def halves(states: set[tuple[str | None, str | None]]) -> list[tuple[str | None, str | None]]:
    return [state for state in states if state[0] != state[1]]


@pytest.mark.parametrize("are_whole", [True, False])
async def test_a_reader_never_sees_half_of_a_transaction(firm: Firm, are_whole: bool) -> None:
    """Though every record is read by itself; without the gate the same log shows halves."""
    for number in range(1, ROUNDS):
        await firm.commit(number)
    async with firm.listening(firm.wholes() if are_whole else None) as listener:
        states = await firm.states(listener, str(ROUNDS - 1))
    assert bool(halves(states)) is not are_whole
    assert await firm.lags.torn() == []
    assert await firm.pool.fetchval("SELECT count(*) FROM dead_letter") == 0


async def test_the_first_transaction_of_all_is_a_whole(firm: Firm) -> None:
    """Its topics were made before, so that they are read by then."""
    await firm.log.make([ACCOUNTS, DEALS, ENDS])
    wholes = firm.wholes()
    async with firm.listening(wholes) as listener:

        async def is_ready() -> bool:
            await listener.step()
            return wholes.has(LogPartition(topic=DEALS, partition=0))

        await until(is_ready, seconds=20)
        await firm.commit(1)
        assert not halves(await firm.states(listener, "1"))
    assert await firm.lags.torn() == []


async def test_a_listener_that_dies_in_the_middle_leaves_nothing_half(firm: Firm) -> None:
    """What it held is read again by the next one, which waits for the rest."""
    await firm.commit(1)
    await firm.commit(2, has_end=False)
    async with firm.listening(firm.wholes()) as listener:
        assert not halves(await firm.states(listener, "1"))
        for _ in range(5):
            await listener.step()
        assert await firm.seen() == ("1", "1")
    await firm.commit(3)
    async with firm.listening(firm.wholes(patience=timedelta(milliseconds=300))) as listener:
        assert not [s for s in await firm.states(listener, "3") if "1" in s and "3" in s]


class Dying(Intake):
    """Loses its connection to Postgres at the end of the first two batches with rows."""

    lives = 2

    async def take(
        self,
        connection: asyncpg.Connection,
        incoming: Sequence[Incoming],
        *rest: Any,
        **options: Any,
    ) -> Any:
        taken = await super().take(connection, incoming, *rest, **options)
        if incoming and self.lives:
            self.lives -= 1
            raise Unavailable("Postgres is gone")
        return taken


async def test_a_batch_that_fails_in_the_middle_leaves_nothing_half(firm: Firm) -> None:
    await firm.commit(1)
    await firm.commit(2)
    async with firm.listening(firm.wholes(), Dying) as listener:
        states = {await firm.seen()}

        async def step() -> bool:
            with suppress(Unavailable):  # the next step reads it again
                await listener.step()
            states.add(await firm.seen())
            return ("2", "2") in states

        await until(step, seconds=20)
    assert not halves(states)


async def test_what_never_ends_is_applied_late_and_told(firm: Firm) -> None:
    """An end that is lost costs the wait, once; and `/metrics` counts it."""
    await firm.commit(1)
    await firm.commit(2, has_end=False)
    async with firm.listening(firm.wholes(patience=timedelta(milliseconds=100))) as listener:
        await firm.states(listener, "2")
    [torn] = await firm.lags.torn()
    assert isinstance(torn, Torn)
    assert (torn.system, torn.why, torn.times) == ("crm", "late", 1)


async def test_members_that_share_a_source_wait_for_nothing(firm: Firm) -> None:
    """Another one may have the rest, so that waiting would never end."""
    await firm.commit(1)
    await firm.commit(2, has_end=False)

    async def lanes() -> list[LogPartition]:
        return [*await firm.log.ends(), LogPartition(topic=DEALS, partition=9)]

    wholes = firm.wholes(lanes=lanes, patience=timedelta(hours=1))
    async with firm.listening(wholes) as listener:
        await firm.states(listener, "2")


async def test_a_source_that_tells_no_ends_is_not_waited_for(firm: Firm) -> None:
    """Its connector may not tell of transactions, or has not had one yet."""
    await firm.commit(1, has_end=False)
    async with firm.listening(firm.wholes(patience=timedelta(hours=1))) as listener:
        await firm.states(listener, "1")


@pytest.mark.parametrize("batch", [1, 100])
async def test_a_row_that_cannot_be_stored_does_not_tear_the_others(firm: Firm, batch: int) -> None:
    """It is a dead letter in the same transaction of the intake in which the others are applied."""
    await firm.commit(1)
    await firm.commit(2, bad="A\0")
    async with firm.listening(firm.wholes(), batch=batch) as listener:

        async def is_told() -> bool:
            await listener.step()
            return bool(await firm.pool.fetchval("SELECT count(*) FROM dead_letter"))

        await until(is_told, seconds=20)
    assert await firm.seen() == ("1", "2")
    assert await firm.pool.fetchval("SELECT array_agg(reason) FROM dead_letter") == ["unstorable"]
