"""Row changes as Debezium envelopes: the JSON of its Postgres connector, without schemas. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from cdc.capture.pgoutput import UNCHANGED, Delete, Insert, Row, Update
from cdc.capture.table_shape import JsonRow, TableShape
from cdc.capture.transaction import Transaction
from cdc.log.port import NewRecord
from schema.position import Topic

NEW_KEY = "__debezium.newkey"
OLD_KEY = "__debezium.oldkey"

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a change comes from, but for the table. A row that is read again has no `lsn`."""

    system: str
    database: str
    version: str
    committed_at: datetime
    lsn: int | None
    last_commit_lsn: int | None
    xid: int | None = None
    origin: str | None = None
    origin_lsn: int | None = None
    snapshot: str = "false"
    transaction: Transaction | None = None


def topic_of(system: str, shape: TableShape) -> Topic:
    return Topic(f"{system}.{shape.schema}.{shape.name}")


def write_change(
    change: Insert | Update | Delete, shape: TableShape, source: Source, now: datetime
) -> Iterator[NewRecord]:
    """The records of one row change: a delete brings its tombstone, a new key a delete before."""
    match change:
        case Insert():
            yield _create(shape.decode(change.new), shape, source, now)
        case Update():
            yield from _write_update(change, shape, source, now)
        case Delete():
            before = _old_row(change.old, shape, is_whole=change.is_old_whole)
            yield from _delete(before, shape, source, now)


def write_read(row: Row, shape: TableShape, source: Source, now: datetime) -> NewRecord:
    """The record of one row read by a snapshot."""
    after = shape.decode(row)
    return _record("r", shape.key_of(after), None, after, shape=shape, source=source, now=now)


def write_truncate(shape: TableShape, source: Source, now: datetime) -> NewRecord:
    return _record("t", None, None, None, shape=shape, source=source, now=now)


def _write_update(
    update: Update, shape: TableShape, source: Source, now: datetime
) -> Iterator[NewRecord]:
    new, before = update.new, None
    if update.old is not None:
        before = _old_row(update.old, shape, is_whole=update.is_old_whole)
        new = _refilled(new, update.old) if update.is_old_whole else new
    after = shape.decode(new)
    key = shape.key_of(after)
    former = key if before is None else {name: before.get(name, key[name]) for name in key}
    if former == key:
        yield _record("u", key, before, after, shape=shape, source=source, now=now)
        return
    yield from _delete(before or former, shape, source, now, headers={NEW_KEY: _dump(key)})
    yield _create(after, shape, source, now, headers={OLD_KEY: _dump(former)})


def _create(
    after: JsonRow,
    shape: TableShape,
    source: Source,
    now: datetime,
    headers: dict[str, bytes] | None = None,
) -> NewRecord:
    key = shape.key_of(after)
    return _record("c", key, None, after, shape=shape, source=source, now=now, headers=headers)


def _delete(
    before: JsonRow,
    shape: TableShape,
    source: Source,
    now: datetime,
    headers: dict[str, bytes] | None = None,
) -> Iterator[NewRecord]:
    key = shape.key_of(before)
    yield _record("d", key, before, None, shape=shape, source=source, now=now, headers=headers)
    topic = topic_of(source.system, shape)
    yield NewRecord(topic=topic, key=_dump(key), value=None, headers=headers or {})


def _old_row(old: Row, shape: TableShape, *, is_whole: bool) -> JsonRow:
    """With the key alone in the log, the other columns are unknown, which is not null."""
    row = shape.decode(old)
    return row if is_whole else {name: row[name] for name in row if row[name] is not None}


def _refilled(new: Row, old: Row) -> Row:
    """Where the whole old row is in the log, an unchanged value is known after all."""
    return tuple(
        [before if after is UNCHANGED else after for before, after in zip(old, new, strict=True)]
    )


def _record(
    op: str,
    key: JsonRow | None,
    before: JsonRow | None,
    after: JsonRow | None,
    *,
    shape: TableShape,
    source: Source,
    now: datetime,
    headers: dict[str, bytes] | None = None,
) -> NewRecord:
    envelope = {
        "before": before,
        "after": after,
        "source": _source_block(source, shape),
        "op": op,
        **_times(now),
        "transaction": _membership(source, shape),
    }
    return NewRecord(
        topic=topic_of(source.system, shape),
        key=None if key is None else _dump(key),
        value=_dump(envelope),
        headers=headers or {},
    )


def _membership(source: Source, shape: TableShape) -> JsonRow | None:
    if source.transaction is None:
        return None
    return source.transaction.member(f"{shape.schema}.{shape.name}")


def _source_block(source: Source, shape: TableShape) -> JsonRow:
    last_commit = None if source.last_commit_lsn is None else str(source.last_commit_lsn)
    lsn = None if source.lsn is None else str(source.lsn)
    return {
        "version": source.version,
        "connector": "postgresql",
        "name": source.system,
        "snapshot": source.snapshot,
        "db": source.database,
        "sequence": _dump([last_commit, lsn]).decode(),
        **_times(source.committed_at),
        "schema": shape.schema,
        "table": shape.name,
        "txId": source.xid,
        "lsn": source.lsn,
        "xmin": None,
        "origin": source.origin,
        "origin_lsn": source.origin_lsn,
    }


def _times(moment: datetime) -> dict[str, int]:
    microseconds = (moment - _UNIX_EPOCH) // timedelta(microseconds=1)
    return {"ts_ms": microseconds // 1000, "ts_us": microseconds, "ts_ns": microseconds * 1000}


def _dump(json: object) -> bytes:
    return orjson.dumps(json)
