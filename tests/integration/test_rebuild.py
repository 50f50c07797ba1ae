"""The projection rebuilt beside the live one: the same, silent, and swapped under readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from support.captured_owner import PREFIXES, World, drop_slot, world_of
from support.rebuilding import differing, effects, history, leftovers, writing
from support.targets import until
from support.working import at_work

from cdc.log.postgres_consumer import PostgresConsumer
from cdc.rebuild import Rebuild, Rebuilt
from schema.errors import Invalid
from schema.system import System
from sync.store.shadow import create_shadow


@pytest.fixture
async def world(database: str, hub_database: str, pool: asyncpg.Pool) -> AsyncIterator[World]:
    async with world_of(database, hub_database, pool) as made:
        yield made


async def test_what_is_rebuilt_is_what_was_there(world: World) -> None:
    """Snapshot, updates, a key change, a reused key, deletes: and nothing comes of the replay."""
    await world.add(1, 300)
    async with world.running():
        await history(world)
        before = await effects(world)
        assert before["delivery"]
        rebuilt = await rebuild(world)
        assert rebuilt.is_swapped
        assert differing(rebuilt) == {}
        assert await effects(world) == before
        await world.owner.execute("UPDATE accounts SET account_name = 'after' WHERE id > 'ACC-002'")
        await world.settled()
    assert await leftovers(world) == 0


async def test_drift_is_told_and_healed_by_the_swap(world: World) -> None:
    await world.add(1, 50)
    async with world.running():
        await world.pool.execute(
            "UPDATE projection.client SET name = 'wrong' WHERE crm_key = 'ACC-00009'"
        )
        await world.pool.execute("DELETE FROM projection.client WHERE crm_key = 'ACC-00003'")
        kept = await rebuild(world)
        assert not kept.is_swapped
        assert differing(kept) == {"client": 2}
        [clients] = [table for table in kept.tables if table.different]
        told = {(one.is_here, one.is_there, one.columns) for one in clients.examples}
        assert told == {(True, True, ("name",)), (False, True, ())}
        assert not await world.is_level()
        assert await leftovers(world) == 0
        healed = await rebuild(world, accepts_differences=True)
        assert healed.is_swapped
        assert await world.is_level()


async def test_readers_see_one_or_the_other_and_no_error(world: World) -> None:
    """Two tables' worth of one drift: a reader sees it whole or healed, through three swaps."""
    await world.add(1, 100)
    seen: set[tuple[Any, ...]] = set()
    async with world.running(), at_work(*[lambda: reading(world, seen)] * 4):
        for _ in range(3):
            await world.pool.execute("UPDATE projection.client SET name = 'x', trading_name = 'x'")
            await until(lambda: has_seen(seen, ("x", "x")))
            await rebuild(world, accepts_differences=True)
            await until(lambda: has_seen(seen, ("Client 1", None)))
            assert seen == {("x", "x"), ("Client 1", None)}
            seen.clear()


async def test_it_goes_on_while_changes_come(world: World) -> None:
    """The live projection moves on under the replay, and loses nothing by the swap."""
    await world.add(1, 60)
    async with world.running():
        async with at_work(lambda: writing(world)):
            for _ in range(3):
                rebuilt = await rebuild(world)
                assert (rebuilt.is_swapped, differing(rebuilt)) == (True, {})
        await world.settled()


async def test_what_a_sweep_deleted_stays_deleted(world: World) -> None:
    """The log never told of that delete; a replay would bring the record back."""
    await world.add(1, 20)
    async with world.running():
        pass
    await drop_slot(world.owner)
    await world.owner.execute("DELETE FROM accounts WHERE id = 'ACC-00007'")
    async with world.running_again():
        await world.done(await world.resnapshot())
        rebuilt = await rebuild(world)
        assert (rebuilt.is_swapped, differing(rebuilt)) == (True, {})
        assert await world.is_level()


async def test_a_log_that_lost_its_beginning_needs_a_reading_first(world: World) -> None:
    """It says what to do; after that the rebuild is the same as the live projection."""
    await world.add(1, 40)
    async with world.running():
        await history(world)
        await world.pool.execute('DELETE FROM log_record WHERE "offset" < 3')
        with pytest.raises(Invalid, match=r"concord resnapshot --system crm"):
            await rebuild(world)
        assert await leftovers(world) == 0
        await world.done(await world.resnapshot())
        await world.owner.execute("UPDATE accounts SET id = 'ACC-77777' WHERE id = 'ACC-00005'")
        await world.settled()
        rebuilt = await rebuild(world)
    assert (rebuilt.is_swapped, differing(rebuilt)) == (True, {})


async def test_after_an_epoch_was_bumped_a_reading_is_needed_too(world: World) -> None:
    """Positions of two histories cannot be told apart by the log alone."""
    await world.add(1, 4)
    async with world.running():
        await world.pool.execute(
            "INSERT INTO source_epoch (system, epoch, bumped_at) VALUES ('crm', 2, now())"
        )
        with pytest.raises(Invalid, match="no longer holds all"):
            await rebuild(world)
        await world.done(await world.resnapshot())
        assert (await rebuild(world)).is_swapped


async def test_a_letter_means_what_was_made_of_it(world: World) -> None:
    """One was discarded: what came after it for its key is applied, in the replay too."""
    await world.add(1, 4)
    async with world.running():
        await world.owner.execute("UPDATE accounts SET account_name = E'a' WHERE id = 'ACC-00002'")
        await world.settled()
        await world.pool.execute(
            'UPDATE log_record SET value = \'{"op":\' WHERE value LIKE \'%"op":"u"%\''
        )
        await world.pool.execute(
            'INSERT INTO dead_letter (topic, partition, "offset", key, state, reason, detail)'
            " SELECT topic, partition, \"offset\", key, 'discarded', 'bad_json', ''"
            " FROM log_record WHERE value = '{\"op\":'"
        )
        await world.owner.execute("UPDATE accounts SET account_name = 'b' WHERE id = 'ACC-00002'")
        await world.settled()
        rebuilt = await rebuild(world)
    assert (rebuilt.is_swapped, differing(rebuilt)) == (True, {})


async def test_what_is_built_on_the_projection_is_not_dropped(world: World) -> None:
    await world.add(1, 4)
    async with world.running():
        await world.pool.execute("CREATE VIEW report AS SELECT name FROM projection.client")
        with pytest.raises(Invalid, match="built on the projection"):
            await rebuild(world)
        assert await world.pool.fetchval("SELECT count(*) FROM report") == 4
        assert await leftovers(world) == 0


async def test_one_rebuild_at_a_time(world: World) -> None:
    async with world.pool.acquire() as other:
        await other.execute("SELECT pg_advisory_lock(hashtextextended('rebuild', 0))")
        with pytest.raises(Invalid, match="Another rebuild"):
            await rebuild(world)


async def test_what_a_killed_rebuild_left_is_in_nobodys_way(world: World) -> None:
    await world.add(1, 4)
    async with world.running():
        async with world.pool.acquire() as connection:
            await create_shadow(connection)
        assert (await rebuild(world)).is_swapped
        assert await leftovers(world) == 0


async def rebuild(world: World, **options: bool) -> Rebuilt:
    rebuilding = Rebuild(
        dsn=world.dsn,
        connectors={System.CRM: world.api},
        firsts=world.log.firsts,
        reader=lambda group: PostgresConsumer(dsn=world.dsn, group=group, prefixes=PREFIXES),
    )
    async with asyncio.timeout(60):
        return await rebuilding.run(**options)


async def reading(world: World, seen: set[tuple[Any, ...]]) -> None:
    sql = (
        "SELECT a.name, b.trading_name FROM projection.client a JOIN projection.client b"
        " USING (id) WHERE a.crm_key = 'ACC-00001'"
    )
    while True:
        seen.update(map(tuple, await world.pool.fetch(sql)))


async def has_seen(seen: set[tuple[Any, ...]], wanted: tuple[Any, ...]) -> bool:
    return wanted in seen
