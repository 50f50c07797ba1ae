"""A second projection beside the live one, with ledgers of its own, and the swap of the two.

The intake's statements name no schema. A connection to the shadow finds the shadow's tables under
the same names and nothing else: whatever the intake does there, no delivery, event, letter or link
of the live hub comes of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from schema.canon import ENTITIES
from schema.errors import Invalid, Unavailable
from schema.position import LogPartition
from sync.store.projection_tables import SCHEMA, create_statements, table_for
from sync.store.projection_triggers import heard_in_place_of

PROJECTION = "projection_shadow"
LEDGERS = "ledgers_shadow"
SCHEMAS = (LEDGERS, PROJECTION)
"""Where a connection to the shadow looks for tables."""

_FORMER = "projection_former"
_DROP = f"DROP SCHEMA IF EXISTS {LEDGERS} CASCADE; DROP SCHEMA IF EXISTS {PROJECTION} CASCADE"
_LEDGERS = """
SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'log\\_%'
"""
_SEEDED = ("source_epoch", "xref_version", "feed_head")
_SEED_OFFSETS = """
INSERT INTO consumer_offset (consumer, topic, partition, next_offset)
SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[])
"""
# A key that a replayed change will leave is linked to the record that leaves it; one that a
# replayed change will arrive at is not linked yet.
_SEED_LINKS = """
WITH replayed AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[])
        AS from_there (system, entity, epoch, lsn)
), undone AS (
    SELECT DISTINCT ON (system, entity, external_id) system, entity, external_id, record_id
    FROM public.key_change k JOIN replayed r USING (system, entity)
    WHERE (k.epoch, k.lsn) > (r.epoch, r.lsn)
    ORDER BY system, entity, external_id, k.epoch, k.lsn
)
INSERT INTO xref
    (system, entity, external_id, record_id, first_seen, is_former, since_epoch, since_lsn)
SELECT system, entity, external_id, coalesce(u.record_id, x.record_id), x.first_seen,
    x.is_former AND u.record_id IS NULL,
    CASE WHEN u.record_id IS NULL THEN x.since_epoch ELSE 0 END,
    CASE WHEN u.record_id IS NULL THEN x.since_lsn ELSE 0 END
FROM public.xref x
LEFT JOIN undone u USING (system, entity, external_id)
LEFT JOIN replayed r USING (system, entity)
WHERE u.record_id IS NOT NULL
    OR ((x.since_epoch, x.since_lsn) > (r.epoch, r.lsn)) IS NOT TRUE
"""
_KEEP_LINKS = f"""
INSERT INTO public.xref SELECT * FROM {LEDGERS}.xref ON CONFLICT DO NOTHING;
UPDATE public.xref_version SET version = version + 1;
DELETE FROM public.pending_reference;
INSERT INTO public.pending_reference SELECT * FROM {LEDGERS}.pending_reference
"""
_PATIENCE = timedelta(seconds=60)
_SHORTLY = "SET LOCAL lock_timeout = '20ms'"
"""Much shorter than the server's deadlock timeout: it is always we who step back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedFrom:
    """Where in an owner's history the replay of a type's rows begins."""

    system: str
    entity: str
    epoch: int
    lsn: int


async def create_shadow(connection: asyncpg.Connection) -> None:
    """Make the tables anew, empty: a former attempt's are dropped."""
    async with connection.transaction():
        await connection.execute(_DROP)
        for schema in SCHEMAS:
            await connection.execute(f"CREATE SCHEMA {schema}")
        for entity in ENTITIES:
            await connection.execute(";\n".join(create_statements(entity, PROJECTION)))
        for row in await connection.fetch(_LEDGERS):
            await connection.execute(
                f"CREATE TABLE {LEDGERS}.{row[0]} (LIKE public.{row[0]} INCLUDING ALL)"
            )
        for table in _SEEDED:
            await connection.execute(f"INSERT INTO {LEDGERS}.{table} SELECT * FROM public.{table}")


async def drop_shadow(connection: asyncpg.Connection | asyncpg.Pool) -> None:
    await connection.execute(_DROP)


async def seed_shadow(
    shadow: asyncpg.Pool,
    consumer: str,
    starts: Mapping[LogPartition, int],
    replayed: Iterable[ReplayedFrom],
) -> None:
    """Say where the replay of each partition starts, and link what was linked before that."""
    lanes, known = list(starts), list(replayed)
    await shadow.execute(
        _SEED_OFFSETS,
        consumer,
        [lane.topic for lane in lanes],
        [lane.partition for lane in lanes],
        list(starts.values()),
    )
    await shadow.execute(
        _SEED_LINKS,
        [one.system for one in known],
        [one.entity for one in known],
        [one.epoch for one in known],
        [one.lsn for one in known],
    )


async def hold_still(connection: asyncpg.Connection, consumer: str) -> None:
    """Let nobody write to the live projection until the transaction ends; readers go on."""
    await connection.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
    await connection.execute(
        "SELECT FROM consumer_offset WHERE consumer = $1 ORDER BY topic, partition FOR UPDATE",
        consumer,
    )
    await connection.execute(
        f"LOCK TABLE public.pending_reference, {_tables(SCHEMA)} IN EXCLUSIVE MODE"
    )


async def swap(connection: asyncpg.Connection) -> None:
    """Put the shadow in the live projection's place, in the caller's transaction.

    A statement that is running ends first, on the tables it began with; one that comes meanwhile
    waits a moment and finds the new ones. Raises Unavailable when the running ones never end.
    """
    await _lock_out_readers(connection)
    await connection.execute(_KEEP_LINKS)
    await connection.execute(f"ALTER SCHEMA {SCHEMA} RENAME TO {_FORMER}")
    await connection.execute(f"ALTER SCHEMA {PROJECTION} RENAME TO {SCHEMA}")
    for statement in heard_in_place_of(_FORMER, SCHEMA):
        await connection.execute(statement)
    try:
        await connection.execute(f"DROP TABLE {_tables(_FORMER)}")
        await connection.execute(f"DROP SCHEMA {_FORMER}; DROP SCHEMA {LEDGERS} CASCADE")
    except asyncpg.DependentObjectsStillExistError as refusal:
        raise Invalid(
            f"Something else in the database is built on the projection ({refusal}): drop it, "
            "rebuild, and make it again."
        ) from refusal


async def _lock_out_readers(connection: asyncpg.Connection) -> None:
    """All tables at once or none, and never a long wait, so that no reader fails by us."""
    deadline = asyncio.get_running_loop().time() + _PATIENCE.total_seconds()
    while not await _try_to_lock(connection):
        if asyncio.get_running_loop().time() > deadline:
            raise Unavailable("Some statement reads the projection for too long: try again later.")
        await asyncio.sleep(0.05)


async def _try_to_lock(connection: asyncpg.Connection) -> bool:
    try:
        async with connection.transaction():
            await connection.execute(_SHORTLY)
            await connection.execute(f"LOCK TABLE {_tables(SCHEMA)} IN ACCESS EXCLUSIVE MODE")
            await connection.execute("SET LOCAL lock_timeout = 0")
    except asyncpg.LockNotAvailableError:
        return False
    return True


def _tables(schema: str) -> str:
    names: Sequence[str] = [table_for(entity).name for entity in ENTITIES]
    return ", ".join(f"{schema}.{name}" for name in names)
