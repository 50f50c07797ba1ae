"""The connection pool of Concord's own database."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg
import orjson

from schema.errors import Unavailable
from sync.outage import OUTAGE
from sync.store.projection_tables import SCHEMA

MINIMUM_SERVER = 180000
"""PostgreSQL 18: the intake reads old and new rows from one upsert (`RETURNING old, new`)."""

_SETTINGS = {
    # A process that hangs in a transaction, or whose machine is gone, must let go of its locks.
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    # Nor is a process that hangs while it is answered idle: its answer waits in the sockets.
    "tcp_user_timeout": "20s",
    # A statement whose process was killed is given up, and what it holds is free for the next one.
    "client_connection_check_interval": "1s",
}


_UNREACHED = (
    *OUTAGE,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


async def connect(
    dsn: str, *, size: int = 16, schemas: Sequence[str] = ("public", SCHEMA)
) -> asyncpg.Pool:
    """A pool whose json columns hold Python values.

    A table that a statement names without its schema is found in the first of `schemas` that has
    it; new tables go into the very first. Raises Unavailable when the database cannot be reached,
    and RuntimeError when the server is older than PostgreSQL 18.
    """
    settings = {**_SETTINGS, "search_path": ", ".join(schemas)}
    try:
        pool = await asyncpg.create_pool(
            dsn, min_size=1, max_size=size, init=_prepare, server_settings=settings
        )
    except _UNREACHED as refusal:
        raise Unavailable(_unreached(dsn, refusal)) from refusal
    version = await pool.fetchval("SELECT current_setting('server_version_num')::int")
    if version < MINIMUM_SERVER:
        await pool.close()
        raise RuntimeError(f"Concord needs PostgreSQL 18 or newer; this server is {version}.")
    return pool


def _unreached(dsn: str, refusal: Exception) -> str:
    place = dsn.rpartition("@")[2].partition("?")[0]  # without a user or a password
    why = str(refusal) or type(refusal).__name__
    return (
        f"Concord's database at {place} cannot be reached ({why}): start that server, "
        "or set CONCORD_DATABASE_URL to where it is"
    )


async def _prepare(connection: asyncpg.Connection) -> None:
    """Binary, so that COPY takes them too; binary jsonb is its text behind a version byte."""
    for name, mark in (("json", b""), ("jsonb", b"\x01")):
        await connection.set_type_codec(
            name,
            schema="pg_catalog",
            encoder=lambda value, mark=mark: mark + orjson.dumps(value),
            decoder=lambda raw, mark=mark: orjson.loads(raw.removeprefix(mark)),
            format="binary",
        )
