"""A table is read again while its changes stream; what is gone at the owner goes here too."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
from support.captured_owner import World, drop_slot, world_of
from support.targets import until
from support.working import at_work

from cdc.log.port import NewRecord
from sync.resnapshots import KeyRange

MISSED = "DELETE FROM accounts WHERE id IN ('ACC-00007', 'ACC-01500')"


@pytest.fixture
async def world(database: str, hub_database: str, pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with world_of(database, hub_database, pool) as made:
        yield made


async def test_it_heals_drift_while_writes_go_on(world: World) -> None:
    """Values that drifted, a row that vanished: right again, and no newer write is undone."""
    await world.add(1, 2500)
    async with world.running():
        await world.pool.execute("UPDATE projection.client SET name = 'wrong' WHERE id > 'cli_8'")
        await world.pool.execute("DELETE FROM projection.client WHERE crm_key = 'ACC-00003'")
        assert not await world.is_level()
        async with at_work(lambda: writes(world)):
            await world.done(await world.resnapshot())
        await world.settled()


async def test_a_read_never_comes_after_a_newer_change(world: World) -> None:
    """In the log of each key, the rows' versions only rise, whatever was read in between."""
    await world.add(1, 40)
    async with world.running(), at_work(lambda: writes(world)):
        for _ in range(5):
            await world.done(await world.resnapshot())
    told = await world.pool.fetch(
        "SELECT key, convert_from(value, 'UTF8')::jsonb -> 'after' ->> 'account_name' AS name"
        ' FROM log_record WHERE value IS NOT NULL ORDER BY partition, "offset"'
    )
    versions: dict[bytes, list[int]] = {}
    for row in told:
        number = row["name"].partition(" v")[2]
        versions.setdefault(row["key"], []).append(int(number or 0))
    assert max(len(of_key) for of_key in versions.values()) > 6
    assert all(of_key == sorted(of_key) for of_key in versions.values())


async def test_a_transaction_that_was_open_is_not_overtaken(world: World) -> None:
    """What a transaction changed that the snapshot did not see is newer than what was read."""
    await world.add(1, 3)
    async with world.running():
        async with world.owner.acquire() as connection, connection.transaction():
            await connection.execute("UPDATE accounts SET account_name = 'open' WHERE id > ''")
            number = await world.resnapshot()
            await until(lambda: is_in_state(world, number, "reading"))
        await world.done(number)
        await world.settled()


async def test_killed_half_way_it_goes_on_where_it_was(world: World) -> None:
    """The chunks that are in the log are not read again."""
    await world.add(1, 4500)
    async with world.running():
        pass
    failing = Failing(world)
    number = await world.resnapshot()
    with pytest.raises(Killed):
        await asyncio.wait_for(world.reader(log=failing).run(), 30)
    half = await world.resnapshots.known(number)
    assert (half.state, half.rows_read, half.reached) == ("reading", 2000, ("ACC-02000",))
    async with world.running():
        await world.done(number)
    assert (await world.resnapshots.known(number)).rows_read == 4500


async def test_deletes_that_no_stream_told_are_found_and_passed_on(world: World) -> None:
    """The slot was lost, and with it two deletes: they are deletes here, and owed to replicas."""
    await world.add(1, 2000)
    async with world.running():
        pass
    await drop_slot(world.owner)
    await world.owner.execute(MISSED)
    async with world.running_again():
        assert not await world.is_level()
        number = await world.resnapshot()
        await world.done(number)
        assert await world.is_level()
        assert (await world.resnapshots.known(number)).deleted == 2
        owed = await world.owed()
    assert owed
    assert all("name" in fields for _, fields in owed)
    fence = await world.pool.fetchrow(
        "SELECT name, crm_offset FROM projection.client WHERE crm_key = 'ACC-00007'"
    )
    assert fence["name"] is None
    assert fence["crm_offset"] is not None


async def test_a_reading_that_finds_nothing_new_is_silent(world: World) -> None:
    """Nobody is owed anything, and no subscriber hears of it."""
    await world.add(1, 50)
    async with world.running():
        await world.done(await world.resnapshot())
    assert await world.owed() == []
    assert await world.pool.fetchval("SELECT count(*) FROM feed_event") == 0


async def test_a_range_leaves_the_rest_alone(world: World) -> None:
    await world.add(1, 30)
    async with world.running():
        await world.pool.execute("UPDATE projection.client SET segment = 'drift'")
        number = await world.resnapshot("ACC-00010", "ACC-00019")
        await world.done(number)
        healed = await world.pool.fetch(
            "SELECT crm_key FROM projection.client WHERE segment <> 'drift' ORDER BY 1"
        )
    assert [row["crm_key"] for row in healed] == [f"ACC-{n:05d}" for n in range(10, 20)]
    assert (await world.resnapshots.known(number)).deleted == 0


async def test_what_was_made_meanwhile_is_not_taken_for_gone(world: World) -> None:
    """A record that the sweep finds unseen, and that its owner still has, stays."""
    await world.add(1, 5)
    async with world.running():
        number = await world.resnapshot("ACC-00001", "ACC-00002")
        await world.done(number)
        await world.pool.execute("UPDATE resnapshot SET low = NULL, high = NULL, state = 'read'")
        await world.done(number)
        assert await world.is_level()


async def test_an_owner_that_is_down_is_waited_for(world: World) -> None:
    await world.add(1, 5)
    async with world.running():
        pass
    await drop_slot(world.owner)
    await world.owner.execute("DELETE FROM accounts WHERE id = 'ACC-00002'")
    world.api.is_down = True
    async with world.running_again():
        number = await world.resnapshot()
        await until(lambda: is_in_state(world, number, "read"), seconds=30)
        assert not await world.is_level()
        world.api.is_down = False
        await world.done(number)
        assert await world.is_level()


async def test_a_table_that_is_not_captured_is_told(world: World) -> None:
    async with world.running():
        number = await world.ask_for("public.nothing", KeyRange())

        async def has_failed() -> bool:
            failure = (await world.resnapshots.known(number)).failure
            return failure == "public.nothing is not captured"

        await until(has_failed, seconds=30)


async def is_in_state(world: World, number: int, state: str) -> bool:
    return (await world.resnapshots.known(number)).state == state


async def writes(world: World) -> None:
    """Names with a version that only rises."""
    rng, version = random.Random(7), 0
    while True:
        version += 1
        keys = [f"ACC-{rng.randrange(1, 41):05d}" for _ in range(rng.randrange(1, 4))]
        await world.owner.execute(
            "UPDATE accounts SET account_name = 'Client v' || $1::text WHERE id = ANY ($2)",
            str(version),
            sorted(set(keys)),
        )


class Killed(Exception):
    """The end of a process, as far as its database can tell."""


class Failing:
    """A log that takes two chunks, and then the process dies."""

    def __init__(self, world: World) -> None:
        self._log = world.log
        self._taken = 0

    async def append(self, records: Sequence[NewRecord]) -> None:
        if self._taken == 2 and records:
            raise Killed
        await self._log.append(records)
        self._taken += bool(records)
