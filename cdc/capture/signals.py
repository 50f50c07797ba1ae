"""Re-snapshots of an owner that Debezium captures: asked for by a signal in the owner's database.

Debezium reads the table in chunks between marks in its stream, as `cdc.capture.rereading` does. It
does not tell us when it is done. So a table counts as read when the records that it has not come
across do not become fewer; the sweep asks the owner about each of those anyway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import NoReturn

import asyncpg
import orjson
import structlog

from cdc.capture.debezium import SIGNALS
from cdc.log.outage import outage_of
from schema.errors import Invalid, Unavailable
from sync.resnapshots import KeyRange, Resnapshot, Resnapshots

_log = structlog.get_logger()

_SIGNAL = f"""
INSERT INTO {SIGNALS} (id, type, data) VALUES ($1, 'execute-snapshot', $2) ON CONFLICT DO NOTHING
"""
_POSITION = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
_KEY = """
SELECT quote_ident(a.attname) FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = to_regclass($1) AND i.indisprimary
"""

Unseen = Callable[[Resnapshot], Awaitable[int]]
"""How many living records the log has not told of since a re-snapshot began."""


class Signals:
    """The re-snapshots of one owner, by the table of signals in its database."""

    def __init__(
        self,
        *,
        system: str,
        dsn: str,
        resnapshots: Resnapshots,
        unseen: Unseen,
        quiet: timedelta = timedelta(seconds=20),
        again: timedelta = timedelta(seconds=2),
    ) -> None:
        self._system = system
        self._dsn = dsn
        self._resnapshots = resnapshots
        self._unseen = unseen
        self._quiet = quiet
        self._again = again

    async def run(self) -> NoReturn:
        """Send what is asked for, one table after the other, until cancelled."""
        while True:
            try:
                await self._step()
            except Unavailable as outage:
                _log.warning("signals.waiting", system=self._system, why=outage.message)
            await asyncio.sleep(self._again.total_seconds())

    async def _step(self) -> None:
        with outage_of(self._system):
            wanted = await self._resnapshots.next(self._system, "asked", "reading")
            if wanted is not None and await self._send(wanted):
                await self._wait_until_quiet(wanted)
                await self._resnapshots.finish(wanted)

    async def _send(self, wanted: Resnapshot) -> bool:
        """Write the signal, once; False when the owner refuses it for good."""
        connection = await asyncpg.connect(self._dsn)
        try:
            key = await connection.fetchval(_KEY, wanted.table)
            if key is None:
                raise Invalid(f"{wanted.table} has no primary key, or is not there")
            await self._resnapshots.begin(wanted, await connection.fetchval(_POSITION))
            data = signal_of(wanted.table, key, wanted.keys)
            await connection.execute(_SIGNAL, f"{wanted.id}-{wanted.asked_at.timestamp()}", data)
        except (Invalid, asyncpg.SyntaxOrAccessError, asyncpg.DataError) as refusal:
            await self._resnapshots.settle(wanted, failure=str(refusal))
            return False
        finally:
            await connection.close()
        _log.info("resnapshot.signalled", topic=wanted.topic)
        return True

    async def _wait_until_quiet(self, wanted: Resnapshot) -> None:
        before = None
        while before != (now := await self._unseen(wanted)):
            before = now
            await asyncio.sleep(self._quiet.total_seconds())


def signal_of(table: str, key: str, keys: KeyRange) -> str:
    """The data of an `execute-snapshot`, as Debezium reads it; `key` is quoted already."""
    told: dict[str, object] = {"type": "incremental", "data-collections": [table]}
    bounds = ((">=", keys.low), ("<=", keys.high))
    wanted = [
        f"{key} {compare} {_literal(bound)}" for compare, bound in bounds if bound is not None
    ]
    if wanted:
        condition = {"data-collection": table, "filter": " AND ".join(wanted)}
        told["additional-conditions"] = [condition]
    return orjson.dumps(told).decode()


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
