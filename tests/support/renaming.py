"""Accounts whose keys change, told in the lanes of the former and of the new key."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import asyncpg
import orjson
from support.envelopes import record
from support.intaking import ACCOUNTS, Desk

from cdc.log.port import LogRecord
from schema.ids import mint


class Lanes:
    """Accounts in two partitions: the former key's and the new key's."""

    def __init__(self, desk: Desk, number: int) -> None:
        self._desk = desk
        self.keys = (f"ACC-{number:05d}", f"ACC-{90_000 + number}")
        self.first = mint("cli", "crm", self.keys[0])

    def row(self, lane: int, name: str, lsn: int | None, op: str = "u", **how: Any) -> LogRecord:
        row = {"id": self.keys[lane], "account_name": name, "segment": "SMB", "owner_email": None}
        return self._event(lane, row, op, lsn=lsn, **how)

    def moved(self, old: int, new: int, name: str, lsn: int) -> tuple[LogRecord, LogRecord]:
        """The two halves of a key change, each in the lane of its key."""
        old_key, new_key = ({"id": self.keys[lane]} for lane in (old, new))
        left = {"__debezium.newkey": orjson.dumps(new_key)}
        arrived = {"__debezium.oldkey": orjson.dumps(old_key)}
        return (
            self._event(old, None, "d", lsn=lsn, headers=left),
            self.row(new, name, lsn, "c", headers=arrived),
        )

    def tombstone(self, lane: int) -> LogRecord:
        """As a connector sends it that puts no header on it."""
        told = self._event(lane, None, "d")
        return record(
            ACCOUNTS,
            {"id": self.keys[lane]},
            None,
            offset=told.position.offset,
            partition=told.position.partition,
        )

    def _event(self, lane: int, row: Any, op: str, **how: Any) -> LogRecord:
        key = {"id": self.keys[lane]}
        return self._desk.event(ACCOUNTS, key, row, op, partition=lane + 1, **how)


async def clients(pool: asyncpg.Pool) -> dict[str, tuple[str, str]]:
    rows = await pool.fetch(
        "SELECT crm_key, id, name FROM projection.client WHERE crm_deleted_at IS NULL"
    )
    assert len(rows) == len({row["crm_key"] for row in rows}), "two records have one key"
    return {row["crm_key"]: (row["id"], row["name"]) for row in rows}


def interleaved(one: Sequence[Any], other: Sequence[Any]) -> Iterator[list[Any]]:
    """Every order that keeps the order within each."""
    if not one or not other:
        yield [*one, *other]
        return
    yield from ([one[0], *rest] for rest in interleaved(one[1:], other))
    yield from ([other[0], *rest] for rest in interleaved(one, other[1:]))


def batches(records: Sequence[LogRecord], rng: random.Random) -> Iterable[list[LogRecord]]:
    start = 0
    while start < len(records):
        size = rng.choice((1, 1, 2, len(records)))
        yield list(records[start : start + size])
        start += size
