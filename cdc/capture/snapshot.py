"""The first reading of captured tables, so that the stream has something to change."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import asyncpg

from cdc.capture.envelope_writer import Source, write_read
from cdc.capture.pgoutput import Relation, Row
from cdc.capture.table_shape import TableShape, fetch_shape
from cdc.log.port import Appends, NewRecord

_BATCH = 1000

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


async def read_snapshot(
    relations: Iterable[Relation], source: Source, log: Appends, connection: asyncpg.Connection
) -> int:
    """Append every row of the relations as a read, in their order, and return how many.

    All rows are of one moment. Start it after the slot exists: what commits in between comes twice,
    from here and from the stream, and nothing is missed. A crash half-way means starting again.
    """
    writer = _SnapshotWriter(source, log)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for relation in relations:
            shape = await fetch_shape(relation, connection)
            await _copy_rows(relation, shape, writer, connection)
    await writer.finish()
    return writer.count


async def _copy_rows(
    relation: Relation,
    shape: TableShape,
    writer: _SnapshotWriter,
    connection: asyncpg.Connection,
) -> None:
    """COPY writes values with the functions that pgoutput uses, so both read alike."""
    unfinished = b""

    async def take(chunk: bytes) -> None:
        nonlocal unfinished
        *lines, unfinished = (unfinished + chunk).split(b"\n")
        for line in lines:
            await writer.take(parse_copy_line(line), shape)

    await connection.copy_from_table(
        relation.name,
        schema_name=relation.schema,
        columns=[column.name for column in relation.columns],
        output=take,
        format="text",
    )


def parse_copy_line(line: bytes) -> Row:
    """One line of COPY's text format, without its end."""
    return tuple([_unescape(field) for field in line.split(b"\t")])


def _unescape(field: bytes) -> bytes | None:
    if b"\\" not in field:
        return field
    if field == rb"\N":
        return None
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), field)


class _SnapshotWriter:
    """Marks the first and last rows, for which it holds one row back until it knows the next."""

    def __init__(self, source: Source, log: Appends) -> None:
        self.count = 0
        self._source = source
        self._log = log
        self._held: tuple[Row, TableShape, str] | None = None
        self._batch: list[NewRecord] = []

    async def take(self, row: Row, shape: TableShape) -> None:
        mark = "true"
        if self._held is None:
            mark = "first"
        elif self._held[1] is not shape:
            mark = "first_in_data_collection"
            self._release("last_in_data_collection")
        else:
            self._release()
        self._held = (row, shape, mark)
        self.count += 1
        await self._append(at_least=_BATCH)

    async def finish(self) -> None:
        self._release("last")
        await self._append(at_least=0)

    def _release(self, mark: str | None = None) -> None:
        if self._held is not None:
            row, shape, own_mark = self._held
            source = replace(self._source, snapshot=mark or own_mark)
            self._batch.append(write_read(row, shape, source, source.committed_at))

    async def _append(self, *, at_least: int) -> None:
        if len(self._batch) >= at_least:
            await self._log.append(self._batch)
            self._batch = []
