"""Reading a table again while its changes stream: a chunk at a time, each in its place.

A chunk is read in one snapshot of the owner and kept until the stream has passed the moment of the
reading. Then it is appended, without the rows that were changed by a transaction which the snapshot
did not see: what the log holds of those is newer. So a read never comes after a newer change of its
key, nor before an older one. (Debezium puts marks into the stream to learn the same; here the
snapshot itself says what it saw.)
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import asyncpg
import structlog

from cdc.capture.chunk import ROWS_PER_CHUNK, key_text, read_chunk
from cdc.capture.envelope_writer import Source, write_read
from cdc.capture.pgoutput import Relation
from cdc.capture.table_shape import TableShape, fetch_shape
from cdc.capture.visibility import Visibility, look
from cdc.log.port import Appends, NewRecord
from sync.resnapshots import Resnapshot, Resnapshots

_log = structlog.get_logger()

_LOOK_EVERY_S = 1.0
_POSITION = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
_HOPELESS = (asyncpg.DataError, asyncpg.SyntaxOrAccessError)
"""What an owner says to a key that is none, or of a table that is gone: asking again is no use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """Rows by key, and up to where the stream must have come before they are appended."""

    rows: dict[bytes | None, NewRecord]
    last_key: tuple[str, ...] | None
    is_last: bool
    seen: Visibility
    position: int


@dataclass(slots=True, kw_only=True)
class _Reading:
    """A re-snapshot that is under way in this session.

    What is older than `begun` (a transaction's number) may have been streamed before this session
    remembered anything, so nothing is read while such a transaction is open. `streamed` are
    transactions that are in the log and were not seen to be visible yet.
    """

    wanted: Resnapshot
    relation: Relation
    shape: TableShape
    begun: int
    streamed: set[int]
    chunk: _Chunk | None = None


class Rereading:
    """The re-snapshots of one owner, as one session of its capture does them."""

    def __init__(
        self,
        source: Source,
        relations: Iterable[Relation],
        log: Appends,
        resnapshots: Resnapshots,
        connection: asyncpg.Connection,
    ) -> None:
        self._source = source
        self._relations = {f"{one.schema}.{one.name}": one for one in relations}
        self._log = log
        self._resnapshots = resnapshots
        self._connection = connection
        self._reading: _Reading | None = None
        self._look_at = 0.0

    def saw(self, transaction: int, records: Iterable[NewRecord]) -> None:
        """Hear of what a streamed transaction changed, before it is appended."""
        if self._reading is None:
            return
        self._reading.streamed.add(transaction)
        chunk = self._reading.chunk
        if chunk is not None and not chunk.seen.sees(transaction):
            for record in records:
                _drop(record, chunk)

    async def go_on(self, streamed_to: int, now: datetime) -> bool:
        """Do the next step; answers whether there is more to do.

        Everything that was committed before `streamed_to` is in the log.
        """
        reading = self._reading or await self._take_up()
        if reading is None:
            return False
        if reading.chunk is not None and reading.chunk.position <= streamed_to:
            await self._append(reading, reading.chunk)
        if self._reading is not None and reading.chunk is None:
            await self._read(reading, now)
        return True

    async def _take_up(self) -> _Reading | None:
        if time.monotonic() < self._look_at:
            return None
        wanted = await self._resnapshots.next(self._source.system, "asked", "reading")
        if wanted is None:
            self._look_at = time.monotonic() + _LOOK_EVERY_S
            return None
        relation = self._relations.get(wanted.table)
        if relation is None:
            await self._resnapshots.settle(wanted, failure=f"{wanted.table} is not captured")
            return None
        await self._resnapshots.begin(wanted, await self._connection.fetchval(_POSITION))
        self._reading = _Reading(
            wanted=wanted,
            relation=relation,
            shape=await fetch_shape(relation, self._connection),
            begun=(await look(self._connection)).xmax,
            streamed=set(),
        )
        _log.info("resnapshot.begun", topic=wanted.topic, behind=wanted.reached)
        return self._reading

    async def _read(self, reading: _Reading, now: datetime) -> None:
        """Read the next chunk, unless it might miss something that is in the log already."""
        try:
            async with self._connection.transaction(isolation="repeatable_read", readonly=True):
                seen = await look(self._connection)
                reading.streamed = {one for one in reading.streamed if not seen.sees(one)}
                if seen.xmin < reading.begun or reading.streamed:
                    return
                rows = await read_chunk(
                    reading.relation,
                    reading.shape,
                    reading.wanted,
                    connection=self._connection,
                )
        except _HOPELESS as refusal:
            await self._resnapshots.settle(reading.wanted, failure=str(refusal))
            _log.warning("resnapshot.failed", topic=reading.wanted.topic, why=str(refusal))
            self._reading = None
            return
        position = await self._connection.fetchval(_POSITION)
        source = replace(self._source, snapshot="incremental", lsn=None, committed_at=now)
        records = [write_read(row, reading.shape, source, now) for row in rows]
        reading.chunk = _Chunk(
            rows={record.key: record for record in records},
            last_key=key_text(rows[-1], reading.relation, reading.shape)
            if rows
            else reading.wanted.reached,
            is_last=len(rows) < ROWS_PER_CHUNK,
            seen=seen,
            position=position,
        )

    async def _append(self, reading: _Reading, chunk: _Chunk) -> None:
        """First the rows, then how far it is: a crash in between sends the chunk again."""
        await self._log.append(list(chunk.rows.values()))
        await self._resnapshots.reach(reading.wanted, chunk.last_key, len(chunk.rows))
        reading.wanted = replace(reading.wanted, reached=chunk.last_key)
        reading.chunk = None
        if chunk.is_last:
            await self._resnapshots.finish(reading.wanted)
            _log.info("resnapshot.read", topic=reading.wanted.topic)
            self._reading = None


def _drop(change: NewRecord, chunk: _Chunk) -> None:
    """Give up a row that has changed since; of a truncated table, all of them."""
    if change.key is not None:
        known = chunk.rows.get(change.key)
        if known is not None and known.topic == change.topic:
            del chunk.rows[change.key]
    elif any(known.topic == change.topic for known in chunk.rows.values()):
        chunk.rows.clear()
