"""Debezium dies between the halves of a key change, in an incremental snapshot that goes on after.

It resumes before the chunk that it had read: it tells the stream again, opens its window, reads the
chunk anew, and tells what it has read when the window is closed. The forms are recorded ones.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from support.envelopes import record, whole
from support.intaking import ACCOUNTS, Desk
from support.renaming import batches, clients, interleaved

from cdc.log.port import LogRecord
from schema.ids import mint

_PACK = Path(__file__).parents[1] / "conformance" / "postgres.jsonl"
MADE, CHANGED = "op c: a row was inserted", "op u: `before` is null with replica identity DEFAULT"
READ = "snapshot incremental: neither lsn nor txId"
LEFT, GONE = "key change, the half at the former key", "key change, the former key's tombstone"
ARRIVED = "key change, the half at the new key, with the same lsn"
RECORDED = {
    told["name"]: told for line in _PACK.read_text().splitlines() if (told := orjson.loads(line))
}


class Resent:
    """What lies in the lanes of the former and of the new key afterwards."""

    def __init__(self, desk: Desk, number: int) -> None:
        self._desk = desk
        self.former, self.new = f"ACC-{number:05d}", f"ACC-{90_000 + number}"
        self.first = mint("cli", "crm", self.former)

    def former_lane(self, *, is_taken: bool) -> list[LogRecord]:
        """It is told twice that the key was left; by the second reading another may have it."""
        read = [
            self._told(CHANGED, self.former, "Acme", lsn=100),
            self._told(READ, self.former, "Acme"),
        ]
        left = [self._told(LEFT, self.former, lsn=200), self._told(GONE, self.former)]
        again = [self._told(LEFT, self.former, lsn=200), self._told(GONE, self.former)]
        if is_taken:
            again.append(self._told(MADE, self.former, "Newcomer", lsn=250))
            again.append(self._told(READ, self.former, "Newcomer"))
        return [*read, *left, *again]

    def new_lane(self) -> list[LogRecord]:
        """It died before this half: it is told once, and then read by the second reading."""
        return [
            self._told(ARRIVED, self.new, "Acme II", lsn=200),
            self._told(READ, self.new, "Acme II"),
            self._told(CHANGED, self.new, "Acme III", lsn=300),
        ]

    def _told(self, form: str, key: str, name: str | None = None, lsn: int = 0) -> LogRecord:
        """The next record of the key's lane: a recorded one with other cells."""
        told, partition = RECORDED[form], 1 if key == self.former else 2
        offset = self._desk.event(ACCOUNTS, {}, None, partition=partition).position.offset
        headers = {n: self._header(n, one) for n, one in told["headers"].items()}
        value = told["value"] and orjson.dumps(_with(told["value"], key, name, lsn))
        where = {"offset": offset, "partition": partition}
        return record(ACCOUNTS, {"id": key}, value, headers=headers, **where)

    def _header(self, name: str, recorded: Any) -> bytes:
        keys = {"__debezium.newkey": self.new, "__debezium.oldkey": self.former}
        if name in keys:
            return orjson.dumps({"id": keys[name]})
        return str(recorded).encode()


def _with(recorded: Mapping[str, Any], key: str, name: str | None, lsn: int) -> dict[str, Any]:
    source = recorded["source"]
    if source["lsn"] is not None:
        source = source | {"lsn": lsn, "sequence": f'["{lsn}","{lsn}"]'}
    row = name and whole(ACCOUNTS, {"id": key, "account_name": name, "segment": "SMB"})
    before = recorded["before"] and recorded["before"] | {"id": key}
    return {**recorded, "source": source, "before": before, "after": row}


@pytest.mark.parametrize("is_taken", [False, True], ids=["the key is free", "another has it"])
async def test_a_snapshot_that_is_resumed_within_a_key_change_undoes_nothing(
    pool: asyncpg.Pool, is_taken: bool
) -> None:
    """In any order of the two lanes, in whatever batches and processes."""
    rng, desks = random.Random(17), [Desk(pool), Desk(pool)]
    orders = list(interleaved("abcdefgh" if is_taken else "abcdef", "xyz"))
    for number, order in enumerate(rng.sample(orders, 40), start=1):
        resent = Resent(desks[0], number)
        told = dict(zip("abcdefgh", resent.former_lane(is_taken=is_taken), strict=False))
        told |= zip("xyz", resent.new_lane(), strict=True)
        for batch in batches([told[name] for name in order], rng):
            await rng.choice(desks).take(*batch)
        found = await clients(pool)
        assert found[resent.new] == (resent.first, "Acme III"), order
        newcomer = found.get(resent.former, ("", "nobody"))
        assert newcomer[1] == ("Newcomer" if is_taken else "nobody"), order
    assert await pool.fetchval("SELECT count(*) FROM dead_letter") == 0
