"""Capture of a Postgres owner: its write-ahead log, read through SQL functions, as envelopes."""

from __future__ import annotations

import asyncio
import importlib.metadata
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import NoReturn, Protocol

import asyncpg
import structlog

from cdc.capture.change_stream import ChangeStream
from cdc.capture.envelope_writer import Source
from cdc.capture.pgoutput import Commit, Relation, parse
from cdc.capture.publication import check_tables, ensure_publication
from cdc.capture.slot import Slot
from cdc.capture.snapshot import read_snapshot
from cdc.capture.table_shape import CapturedTable, TableShape, describe_table, fetch_shape
from cdc.log.outage import outage_of
from cdc.log.port import Appends, NewRecord
from schema.errors import Unavailable
from sync.outage import OUTAGE

_log = structlog.get_logger()

# Values come in text form: these settings make it the form that the codecs expect.
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}

_CHANGES_PER_PEEK = 2000
_SHORTEST_WAIT_S = 0.02
_LONGEST_WAIT_S = 0.1
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
        return await asyncpg.connect(self._dsn, server_settings=_SETTINGS)

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
        source = replace(source, lsn=await slot.create())
        try:
            count = await read_snapshot(relations, source, self._log, connection)
            await slot.keep()
        except OUTAGE:
            await self._require_kept(source.lsn)
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
            if position > read_until and await self._drain(stream, slot, connection):
                wait = _SHORTEST_WAIT_S
                await self._report(slot, is_caught_up=False)
                continue
            if position > read_until:
                read_until = position
                await slot.pass_over(position)
            await self._report(slot, is_caught_up=True)
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, _LONGEST_WAIT_S)

    async def _report(self, slot: Slot, *, is_caught_up: bool) -> None:
        now = time.monotonic()
        if self._reports is None or now < self._report_at:
            return
        self._report_at = now + _REPORT_EVERY_S
        held = await slot.held_bytes()
        await self._reports.see(self._system, is_caught_up=is_caught_up, held_bytes=held)

    async def _drain(
        self, stream: ChangeStream, slot: Slot, connection: asyncpg.Connection
    ) -> bool:
        """Take what has been committed to the log, then let the owner forget it."""
        decoded = await slot.peek(_CHANGES_PER_PEEK)
        records: list[NewRecord] = []
        committed = 0
        for lsn, raw in decoded:
            message = parse(raw)
            if isinstance(message, Relation):
                stream.announce(message.id, await self._shape(message, connection))
            if isinstance(message, Commit):
                committed = message.end_lsn
            records += stream.take(lsn, message, self._now())
        await self._log.append(records)
        if committed:
            await slot.advance(committed)
        return bool(decoded)

    async def _shape(self, relation: Relation, connection: asyncpg.Connection) -> TableShape:
        """The shape of a relation; an unchanged announcement, sent at each look, is known."""
        if relation not in self._shapes:
            self._shapes[relation] = await fetch_shape(relation, connection)
        return self._shapes[relation]
