"""A batch that fails is tried again, and what the first attempt learned is forgotten with it."""

from __future__ import annotations

import asyncio
import json
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
from schema.ids import mint
from schema.position import Topic
from sync.clock import utc_now
from sync.connectors import crm
from sync.intake import Intake
from sync.xref import Xref

ACCOUNTS = Topic("crm.public.accounts")
FIRST, SECOND, THIRD = ({"id": f"ACC-{n:05d}"} for n in (1, 2, 3))
_TOUCH = "UPDATE projection.client SET crm_version = 7 WHERE crm_key = $1"
_WAITING = """
FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
_END_BLOCKED = f"SELECT pg_terminate_backend(pid) {_WAITING}"
SOON = Pace(wait=timedelta(milliseconds=50))


async def test_links_of_a_failed_attempt_are_made_by_the_next(
    hub_database: str, pool: asyncpg.Pool
) -> None:
    """A new key shares its batch with a row that cannot be stored; any process knows it after."""
    renamed = {"id": "ACC-90001"}
    former = {"__debezium.oldkey": orjson.dumps(FIRST)}
    await _append(
        hub_database,
        _record(renamed, "Acme", 100, former),
        _record(renamed, "Acme II", 200),
        _record(THIRD, "Gamma", 300),
        _record(SECOND, "A\0B", 400),
    )
    await _listened(hub_database, pool, count=4)
    rows = await pool.fetch("SELECT external_id, record_id FROM xref")
    assert {row["external_id"]: row["record_id"] for row in rows} == {
        "ACC-00001": mint("cli", "crm", "ACC-00001"),  # until its own lane says that it was left
        "ACC-90001": mint("cli", "crm", "ACC-00001"),
        "ACC-00003": mint("cli", "crm", "ACC-00003"),
    }
    assert await pool.fetchval("SELECT array_agg(reason) FROM dead_letter") == ["unstorable"]


async def test_the_victim_of_a_deadlock_tries_again(hub_database: str, pool: asyncpg.Pool) -> None:
    """Another transaction holds what the batch needs and waits for what it has: it gives way."""
    await _append(hub_database, _record(FIRST, "Acme", 100), _record(SECOND, "Beta", 200))
    await _listened(hub_database, pool, count=2)
    await _append(hub_database, _record(FIRST, "Acme II", 300), _record(SECOND, "Beta II", 400))
    async with pool.acquire() as other, other.transaction():
        await other.execute("SET LOCAL deadlock_timeout = '60s'")  # the batch finds it, not we
        await other.execute(_TOUCH, "ACC-00002")
        listening = asyncio.create_task(_listened(hub_database, pool, count=2))
        await _blocked(pool)
        await other.execute(_TOUCH, "ACC-00001")
    await listening
    assert await _names(pool) == ["Acme II", "Beta II"]
    assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0


async def test_a_session_that_the_server_ends_is_followed_by_another(
    hub_database: str, pool: asyncpg.Pool
) -> None:
    """In the middle of a batch the server shuts its session down: the batch is taken again."""
    await _append(hub_database, _record(FIRST, "Acme", 100))
    await _listened(hub_database, pool, count=1)
    await _append(hub_database, _record(FIRST, "Acme II", 300))
    async with pool.acquire() as other, other.transaction():
        await other.execute(_TOUCH, "ACC-00001")
        listening = asyncio.create_task(_listened(hub_database, pool, count=1))
        await _blocked(pool)
        await other.execute(_END_BLOCKED)
    await listening
    assert await _names(pool) == ["Acme II"]


@pytest.mark.parametrize(
    "cells",
    [
        {"account_name": "A\0B"},
        {"account_name": "half a pair \ud800"},
        {"version": 2**63},
        {"version": 2**70},
        {"account_name": 17},
    ],
    ids=["zero byte", "surrogate", "beyond bigint", "beyond 64 bits", "no text"],
)
async def test_a_value_that_fits_nowhere_holds_nobody_up(
    hub_database: str, pool: asyncpg.Pool, cells: dict[str, Any]
) -> None:
    """It is parked with its bytes, whoever refuses it, and its neighbours are applied."""
    row = {**SECOND, "account_name": "x", "segment": "SMB", "owner_email": None} | cells
    text = json.dumps(whole(ACCOUNTS, row)).encode()
    value = envelope(ACCOUNTS, {}, lsn=200).replace(b'"after":{}', b'"after":' + text)
    bad = NewRecord(topic=ACCOUNTS, key=orjson.dumps(SECOND), value=value)
    await _append(hub_database, _record(FIRST, "Acme", 100), bad, _record(THIRD, "Gamma", 300))
    await _listened(hub_database, pool, count=3)
    assert await _names(pool) == ["Acme", "Gamma"]
    assert await pool.fetchval("SELECT array_agg(value) FROM dead_letter") == [value]


async def _names(pool: asyncpg.Pool) -> list[str]:
    names = await pool.fetchval("SELECT array_agg(name ORDER BY crm_key) FROM projection.client")
    return list(names)


async def _blocked(pool: asyncpg.Pool) -> None:
    """Return once some session waits for a lock."""

    async def is_blocked() -> bool:
        return bool(await pool.fetchval(f"SELECT count(*) {_WAITING}"))

    await until(is_blocked, seconds=60)


async def _append(dsn: str, *records: NewRecord) -> None:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1) as plain:
        await PostgresLog(plain, partitions=1).append(records)


async def _listened(dsn: str, pool: asyncpg.Pool, count: int) -> None:
    """A process that runs until that many more positions have been passed."""
    passed = "SELECT coalesce(sum(next_offset), 0)::int FROM consumer_offset"
    wanted = count + await pool.fetchval(passed)
    consumer = PostgresConsumer(dsn=dsn, group="intake", prefixes=("crm.",))
    intake = Intake(pool, Xref(pool), {}, utc_now)
    running = asyncio.create_task(Listener(consumer, Decoder([crm.CLIENT]), intake, SOON).run())

    async def has_passed() -> bool:
        assert not running.done(), running.exception()
        return bool(await pool.fetchval(passed) >= wanted)

    try:
        await until(has_passed, seconds=30)
    finally:
        running.cancel()
        await asyncio.wait([running])


def _record(
    key: dict[str, str], name: str, lsn: int, headers: dict[str, bytes] | None = None
) -> NewRecord:
    row = {**key, "account_name": name, "segment": "SMB", "owner_email": None}
    value = envelope(ACCOUNTS, whole(ACCOUNTS, row), op="c" if headers else "u", lsn=lsn)
    return NewRecord(topic=ACCOUNTS, key=orjson.dumps(key), value=value, headers=headers or {})
