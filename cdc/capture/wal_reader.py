"""Capture of a Postgres owner: its write-ahead log, read through SQL functions, as envelopes."""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn, Protocol

import asyncpg
import structlog

from cdc.capture.change_stream import ChangeStream
from cdc.capture.envelope_writer import Source
from cdc.capture.pgoutput import Commit, Relation, parse
from cdc.capture.publication import check_tables, ensure_publication
from cdc.capture.rereading import Rereading
from cdc.capture.slot import Slot
from cdc.capture.snapshot import read_snapshot
from cdc.capture.table_shape import CapturedTable, TableShape, describe_table, fetch_shape
from cdc.log.outage import outage_of
from cdc.log.port import Appends, NewRecord
from schema.errors import Unavailable
from sync.outage import OUTAGE
from sync.resnapshots import Resnapshots

_log = structlog.get_logger()

# Values come in text form: these settings make it the form that the codecs expect.
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}

# While we live we wait for whatever the server decodes. For a process that was killed it must not
# go on decoding, with the slot in hand. Servers before 14 do not know of it.
_GIVE_UP_ORPHANS = """
SELECT set_config(name, '1s', false) FROM pg_settings
WHERE name = 'client_connection_check_interval'
"""

_CHANGES_PER_PEEK = 2000
_SHORTEST_WAIT_S = 0.02
_LONGEST_WAIT_S = 0.1
_VAIN_SHARE, _LONGEST_PAUSE_S = 0.2, 2.0
"""Looks that find nothing but the changes of others take this share of the time, and may take more
where the pause between them would be longer than this."""
_RETRY_AFTER_S = 1.0
_REPORT_EVERY_S = 2.0


class Reports(Protocol):
    """Told every few seconds that a capture is alive, and what it knows of being behind."""

    async def see(self, system: str, *, is_caught_up: bool, held_bytes: int | None) -> None: ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


class WalReader:
    """Appends every committed change of `tables` to the log, at least once and in commit order.

    The first run reads the tables as they are, then follows. Records are appended first and the
    slot is advanced afterwards, so a crash sends a suffix again and loses nothing. One reader of a
    slot works at a time; another one waits for it to end.
    """

    def __init__(
        self,
        *,
        system: str,
        dsn: str,
        tables: tuple[CapturedTable, ...],
        log: Appends,
        slot: str,
        publication: str,
        reports: Reports | None = None,
        tells_transactions: bool = False,
        resnapshots: Resnapshots | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._system = system
        self._dsn = dsn
        self._tables = tables
        self._log = log
        self._slot = slot
        self._publication = publication
        self._reports = reports
        self._tells_transactions = tells_transactions
        self._report_at = 0.0
        self._resnapshots = resnapshots
        self._rereading: Rereading | None = None
        self._now = now
        self._shapes: dict[Relation, TableShape] = {}
        self.is_following = False
        """Whether the tables have been read as they were, and changes are followed since."""

    async def prepare(self) -> None:
        """Check the tables and the slot and make the publication, which must precede the slot.

        Raises `Invalid` with what to do when changes cannot be captured or were lost already.
        """
        with outage_of(self._system):
            connection = await self._connect()
            try:
                await self._prepare(self._slot_on(connection), connection)
            finally:
                connection.terminate()

    async def run(self) -> NoReturn:
        """Capture until cancelled, through outages. Raises `Invalid` when retrying cannot help."""
        while True:
            try:
                with outage_of(self._system):
                    await self._capture()
            except Unavailable as outage:
                _log.warning("capture.interrupted", system=self._system, reason=outage.message)
                await asyncio.sleep(_RETRY_AFTER_S)

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self._dsn, server_settings=_SETTINGS)
        with suppress(asyncpg.DataError):  # a server on a system where it cannot be done
            await connection.execute(_GIVE_UP_ORPHANS)
        return connection

    def _slot_on(self, connection: asyncpg.Connection) -> Slot:
        return Slot(connection, name=self._slot, publication=self._publication)

    async def _prepare(self, slot: Slot, connection: asyncpg.Connection) -> list[Relation]:
        relations = await check_tables(self._tables, connection)
        await ensure_publication(self._publication, list(relations), slot, connection)
        return [
            await describe_table(table, relation, connection)
            for table, relation in relations.items()
        ]

    async def _capture(self) -> NoReturn:
        connection = await self._connect()
        try:
            slot = self._slot_on(connection)
            relations = await self._prepare(slot, connection)
            await slot.claim()
            source = await self._blank_source(connection)
            if not await slot.exists():
                await self._snapshot(relations, source, slot, connection)
            if self._resnapshots is not None:
                self._rereading = Rereading(
                    source, relations, self._log, self._resnapshots, connection
                )
            stream = ChangeStream(source, tells_transactions=self._tells_transactions)
            await self._follow(stream, slot, connection)
        finally:
            connection.terminate()

    async def _blank_source(self, connection: asyncpg.Connection) -> Source:
        return Source(
            system=self._system,
            database=await connection.fetchval("SELECT current_database()"),
            version=importlib.metadata.version("concord"),
            committed_at=self._now(),
            lsn=0,
            last_commit_lsn=None,
        )

    async def _snapshot(
        self,
        relations: Sequence[Relation],
        source: Source,
        slot: Slot,
        connection: asyncpg.Connection,
    ) -> None:
        start = await slot.create()
        try:
            source = replace(source, lsn=start)
            count = await read_snapshot(relations, source, self._log, connection)
            await slot.keep()
        except OUTAGE:
            await self._require_kept(start)
            raise
        _log.info("capture.snapshot_read", system=self._system, rows=count)

    async def _require_kept(self, lsn: int) -> None:
        """Tell a snapshot that no retry saves from one that was merely interrupted."""
        connection = await self._connect()
        try:
            await self._slot_on(connection).require_kept(lsn)
        finally:
            connection.terminate()

    async def _follow(
        self, stream: ChangeStream, slot: Slot, connection: asyncpg.Connection
    ) -> NoReturn:
        """Look at the log when it has grown, at once after a change, more calmly when idle."""
        self.is_following = True
        wait, read_until = _SHORTEST_WAIT_S, 0
        while True:
            position = await slot.wal_position()
            began, streamed_to = time.monotonic(), 0
            if position > read_until:
                streamed_to = await self._drain(stream, slot, connection)
            if not streamed_to:
                await slot.pass_over(position)
                read_until = position
            looked_s = time.monotonic() - began
            is_rereading = await self._reread(streamed_to or position)
            await self._report(slot, is_caught_up=not streamed_to)
            is_calm = not streamed_to and not is_rereading
            if is_calm:
                await asyncio.sleep(max(wait, min(looked_s / _VAIN_SHARE, _LONGEST_PAUSE_S)))
            elif not streamed_to:
                await asyncio.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT_S) if is_calm else _SHORTEST_WAIT_S

    async def _reread(self, streamed_to: int) -> bool:
        """Go on with what is to be read again; answers whether there is such a thing."""
        return self._rereading is not None and await self._rereading.go_on(streamed_to, self._now())

    async def _report(self, slot: Slot, *, is_caught_up: bool) -> None:
        now = time.monotonic()
        if self._reports is None or now < self._report_at:
            return
        self._report_at = now + _REPORT_EVERY_S
        held = await slot.held_bytes()
        await slot.shorten(held or 0)
        await self._reports.see(self._system, is_caught_up=is_caught_up, held_bytes=held)

    async def _drain(self, stream: ChangeStream, slot: Slot, connection: asyncpg.Connection) -> int:
        """Take what has been committed to the log, then let the owner forget it.

        Answers the end of the last commit, before which everything is in the log; 0 if none came.
        """
        decoded = await slot.peek(_CHANGES_PER_PEEK)
        records: list[NewRecord] = []
        committed = 0
        for lsn, raw in decoded:
            message = parse(raw)
            if isinstance(message, Relation):
                stream.announce(message.id, await self._shape(message, connection))
            if isinstance(message, Commit):
                committed = message.end_lsn
            taken = list(stream.take(lsn, message, self._now()))
            if taken and self._rereading is not None:
                self._rereading.saw(stream.transaction, taken)
            records += taken
        await self._log.append(records)
        if committed:
            await slot.advance(committed)
        return committed

    async def _shape(self, relation: Relation, connection: asyncpg.Connection) -> TableShape:
        """The shape of a relation; an unchanged announcement, sent at each look, is known."""
        if relation not in self._shapes:
            self._shapes[relation] = await fetch_shape(relation, connection)
        return self._shapes[relation]
