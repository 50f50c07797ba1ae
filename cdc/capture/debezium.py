"""Capture of a Postgres owner by Debezium: the connector we recommend, and what it needs there.

The envelopes are those that our own WAL reader writes: decimals as text, days as numbers, times in
the precision of their column, no schemas. So an owner may change from one capture to the other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

import asyncpg

from cdc.capture.publication import check_tables, ensure_publication
from cdc.capture.slot import Slot
from cdc.capture.table_shape import CapturedTable
from cdc.log.outage import outage_of
from schema.errors import Invalid

SIGNALS = CapturedTable(schema="public", name="concord_signal")
"""Where incremental snapshots are asked for; its own topic is read by nobody."""

PUBLICATION = "concord_debezium"

_CREATE_SIGNALS = """
CREATE TABLE IF NOT EXISTS {signals} (
    id varchar(42) PRIMARY KEY, type varchar(32) NOT NULL, data varchar(2048)
)
"""

# It needs no table, and moves the slot of an owner that is idle while its neighbours are not.
_HEARTBEAT = "SELECT pg_logical_emit_message(false, 'heartbeat', now()::text)"

_ALWAYS: Mapping[str, str] = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "tasks.max": "1",
    "plugin.name": "pgoutput",
    "publication.name": PUBLICATION,
    "publication.autocreate.mode": "disabled",
    "signal.data.collection": str(SIGNALS),
    "snapshot.mode": "initial",
    "decimal.handling.mode": "string",
    "time.precision.mode": "adaptive",
    "interval.handling.mode": "string",
    "binary.handling.mode": "bytes",
    "skipped.operations": "none",
    "tombstones.on.delete": "true",
    "provide.transaction.metadata": "true",
    "extended.headers.enabled": "false",
    "poll.interval.ms": "50",
    "heartbeat.interval.ms": "10000",
    "heartbeat.action.query": _HEARTBEAT,
    # Where records carry schemas, this more than halves the work of reading them.
    "producer.override.compression.type": "lz4",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "key.converter.schemas.enable": "false",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """A connector of Kafka Connect; the password is named, never written."""

    name: str
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicPlan:
    """How Connect creates the topics of a connector."""

    partitions: int
    retention_ms: int


def connector_of(
    system: str,
    dsn: str,
    tables: Sequence[CapturedTable],
    plan: TopicPlan,
    spelling: Mapping[str, str] = MappingProxyType({}),
) -> Connector:
    """The connector we recommend for an owner, by its tables and the address of its database.

    A table with named columns must name its primary key (`keyed_tables`). `spelling` is what a
    deployment wants otherwise.
    """
    config = {
        **_ALWAYS,
        "topic.prefix": system,
        **_database(system, dsn),
        "slot.name": slot_of(dsn),
        "table.include.list": ",".join(str(table) for table in tables),
        **_columns(tables),
        **_topics(system, plan),
        **spelling,
    }
    return Connector(name=connector_name(system), config=config)


def connector_name(system: str) -> str:
    return f"concord-{system}"


def slot_of(dsn: str) -> str:
    return f"debezium_{urlsplit(dsn).path.strip('/')}"


def password_variable(system: str) -> str:
    """The variable of Connect's environment that holds the password of an owner's database."""
    return f"{system.upper()}_DATABASE_PASSWORD"


async def keyed_tables(dsn: str, tables: Sequence[CapturedTable]) -> Sequence[CapturedTable]:
    """The tables with their primary keys among the named columns, which the owner is asked for."""
    if all(table.columns is None for table in tables):
        return tables
    with outage_of("the owner's database"):
        connection = await asyncpg.connect(dsn)
        try:
            return list(await check_tables(tables, connection))
        finally:
            await connection.close()


async def prepare_owner(
    dsn: str, tables: Sequence[CapturedTable], signals: CapturedTable = SIGNALS
) -> None:
    """Create the table of signals and the publication, which must precede the slot.

    Raises `Invalid` with what to do when changes could not be captured or were lost already.
    """
    with outage_of("the owner's database"):
        connection = await asyncpg.connect(dsn)
        try:
            slot = Slot(connection, name=slot_of(dsn), publication=PUBLICATION)
            await _create_signals(signals, connection)
            known = await check_tables([*tables, signals], connection)
            await ensure_publication(PUBLICATION, list(known), slot, connection)
        finally:
            await connection.close()


async def held_bytes(dsn: str) -> int | None:
    """What WAL an owner keeps for its connector; None when it has no slot.

    Raises Unavailable while the owner does not answer.
    """
    with outage_of("the owner's database"):
        connection = await asyncpg.connect(dsn, timeout=5)
        try:
            slot = Slot(connection, name=slot_of(dsn), publication=PUBLICATION)
            return await slot.held_bytes()
        finally:
            await connection.close()


async def _create_signals(signals: CapturedTable, connection: asyncpg.Connection) -> None:
    create = _CREATE_SIGNALS.format(signals=signals)
    try:
        await connection.execute(create)
    except asyncpg.InsufficientPrivilegeError as refusal:
        raise Invalid(
            f"{signals} does not exist and we may not create it ({refusal}): let the owner of the "
            f"database run {' '.join(create.split())}"
        ) from refusal


def differences(wanted: Connector, running: Mapping[str, str]) -> list[str]:
    """What of a running connector is not as we recommend it, each in words."""
    return [
        f"{key} is {running.get(key, 'not set')}, not {value}"
        for key, value in wanted.config.items()
        if running.get(key) != value and not key.startswith("database.")
    ]


def _database(system: str, dsn: str) -> dict[str, str]:
    server = urlsplit(dsn)
    return {
        "database.hostname": server.hostname or "localhost",
        "database.port": str(server.port or 5432),
        "database.user": unquote(server.username or ""),
        "database.password": f"${{env:{password_variable(system)}}}",
        "database.dbname": server.path.strip("/"),
    }


def _columns(tables: Sequence[CapturedTable]) -> dict[str, str]:
    """Named columns where a table is not captured whole; else nothing, which means all."""
    if all(table.columns is None for table in tables):
        return {}
    return {"column.include.list": ",".join(_columns_of(table) for table in tables)}


def _columns_of(table: CapturedTable) -> str:
    names = ".*" if table.columns is None else f"({'|'.join(map(re.escape, table.columns))})"
    return f"{re.escape(str(table))}[.]{names}"


def _topics(system: str, plan: TopicPlan) -> dict[str, str]:
    """One partition for the transactions, so that an end never comes before its beginning."""
    return {
        "topic.creation.groups": "transaction",
        "topic.creation.transaction.include": rf"{system}\.transaction",
        "topic.creation.transaction.partitions": "1",
        "topic.creation.default.partitions": str(plan.partitions),
        "topic.creation.default.replication.factor": "-1",
        "topic.creation.default.cleanup.policy": "delete",
        "topic.creation.default.retention.ms": str(plan.retention_ms),
    }
