"""Three tables of a busy firm, and the log records that a capture would append of their changes.

Each step is one transaction of an owner. What is appended and what should come of it are kept
beside each other: `sources` know every record's history, `undecodable` what is to be parked.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from support.envelopes import envelope, whole

from cdc.envelope.placeholder import UNAVAILABLE
from cdc.log.port import NewRecord
from schema.canon import Client, Invoice
from schema.ids import mint
from schema.position import Topic
from schema.system import System
from sync.connectors import billing, crm, erp
from sync.connectors.binding import Binding

BINDINGS = (crm.CLIENT, erp.CLIENT, billing.INVOICE)
OPS = frozenset(
    {"c", "u", "partial", "d", "tombstone", "r"}
    | {"key change", "again", "undecodable", "unstorable"}
)
TEXTS = {
    (Client, System.CRM): ("account_name", "owner_email"),
    (Client, System.ERP): ("invoice_address", "vat_id"),
    (Invoice, System.BILLING): ("description",),
}
"""Columns that may be long enough for an envelope to leave them out."""
_START = datetime(2026, 11, 20, tzinfo=UTC)

Cells = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A record after one change; `row` is None once it is deleted."""

    op: str
    at: datetime
    row: Cells | None


@dataclass(slots=True)
class Kept:
    """One record at its owner: what it is called now, and all it has been."""

    id: str
    key: str
    keys: list[str]
    history: list[Version] = field(default_factory=list)
    events: list[NewRecord] = field(default_factory=list)

    @property
    def row(self) -> Cells | None:
        return self.history[-1].row if self.history else None


@dataclass(slots=True)
class Source:
    """One captured table. `make` answers a record's cells by number and version."""

    binding: Binding
    make: Callable[[int, int, random.Random], Cells]
    is_renamed: bool = False
    is_deleted: bool = True
    records: dict[int, Kept] = field(default_factory=dict)

    @property
    def table(self) -> str:
        return f"{self.binding.system.value}.{self.binding.table}"


def _account(n: int, version: int, rng: random.Random) -> Cells:
    return {
        "id": f"ACC-{n:05d}",
        "account_name": f"Client {n} v{version}",
        "segment": rng.choice(("SMB", "MIDMARKET", "ENTERPRISE")),
        "owner_email": f"{rng.choice(('ann', 'bob', 'eve'))}@firm.example",
    }


def _customer(n: int, version: int, rng: random.Random) -> Cells:
    return {
        "customer_no": f"C{10000 + n}",
        "crm_account": f"ACC-{n:05d}",
        "invoice_address": f"Quay {version}",
        "vat_id": f"NL{n}",
        "terms_days": version,
        "credit_block": rng.choice(("NONE", "WATCH", "BLOCKED")),
    }


def _invoice(n: int, version: int, rng: random.Random) -> Cells:
    return {
        "id": f"in_{n:06d}",
        "customer": None,
        "project_code": f"P-{n % 7}",
        "entity_code": "NL01",
        "currency": "EUR",
        "amount_net": f"{version}.50",
        "status": rng.choice(("draft", "approved", "void")),
        "issued_on": 20_700,
        "due_on": 20_730,
        "description": f"Work {n} v{version}",
    }


class Firm:
    """The owners under load, reproducible by its seed; `produced` counts the operations.

    `garbage` is the weight of records that nobody can take in; an update weighs 60.
    """

    def __init__(self, seed: int, *, records: int = 40, garbage: float = 1) -> None:
        self.sources = (
            Source(crm.CLIENT, _account, is_renamed=True),
            Source(erp.CLIENT, _customer, is_deleted=False),
            Source(billing.INVOICE, _invoice),
        )
        self.produced: Counter[str] = Counter()
        self.undecodable: list[bytes] = []
        self.unstorable: list[bytes] = []
        self._records = records
        self._garbage = garbage
        self._rng = random.Random(seed)
        self._version = 0

    def step(self) -> list[NewRecord]:
        """One transaction at one owner, as it reaches the log."""
        source = self._rng.choice(self.sources)
        n = self._rng.randrange(1, self._records + 1)
        known = source.records.get(n)
        if known is None or known.row is None:
            return list(self._appear(source, n))
        return list(self._rng.choices(*zip(*self._moves(source, n, known), strict=True))[0]())

    def _moves(
        self, source: Source, n: int, known: Kept
    ) -> Iterator[tuple[Callable[[], Iterator[NewRecord]], float]]:
        yield lambda: self._write(source, n, known, "u"), 60
        yield lambda: self._partial(source, n, known), 2
        yield lambda: self._read(source, known), 1
        yield lambda: self._garble(source, known), self._garbage
        if known.events:
            yield lambda: self._again(known), 2
        if source.is_deleted:
            yield lambda: self._delete(source, known), 2
        if source.is_renamed and self._may_be_renamed(known):
            yield lambda: self._rename(source, n, known), 3

    def _may_be_renamed(self, known: Kept) -> bool:
        """Once, and not after a snapshot read, which bears no position.

        The new key's partition may be applied before the old one's: by the position of a change
        the two histories are told apart, but not that of a read or of a name in between.
        """
        return len(known.keys) == 1 and all(version.op != "r" for version in known.history)

    def _appear(self, source: Source, n: int) -> Iterator[NewRecord]:
        """A new record, or one that was there before the capture began; or a deleted one again."""
        known = source.records.get(n)
        if known is None:
            known = self._unknown(source, n)
            source.records[n] = known
            if self._rng.random() < 0.3:
                yield from self._write(source, n, known, "r")
                return
        yield from self._write(source, n, known, "c")

    def _unknown(self, source: Source, n: int) -> Kept:
        made = source.make(n, 0, random.Random(0))
        key = made[source.binding.key]
        is_client = source.binding.entity is Client
        prefix, anchor = ("cli", System.CRM) if is_client else ("inv", System.BILLING)
        record_id = mint(prefix, anchor.value, made[source.binding.anchor_key])
        return Kept(id=record_id, key=key, keys=[key])

    def _write(self, source: Source, n: int, known: Kept, op: str) -> Iterator[NewRecord]:
        version = self._next_version()
        row = source.make(n, version, self._rng) | {source.binding.key: known.key}
        yield self._event(source, known, op, row, version, row)

    def _partial(self, source: Source, n: int, known: Kept) -> Iterator[NewRecord]:
        """An update whose envelope leaves out one column that did not change."""
        version = self._next_version()
        row = source.make(n, version, self._rng) | {source.binding.key: known.key}
        same = self._rng.choice(TEXTS[source.binding.entity, source.binding.system])
        row[same] = (known.row or {})[same]
        yield self._event(source, known, "partial", row, version, row | {same: UNAVAILABLE})

    def _read(self, source: Source, known: Kept) -> Iterator[NewRecord]:
        """An incremental snapshot comes across the record: its row as it is, without an lsn."""
        row = dict(known.row or {})
        yield self._event(source, known, "r", row, self._next_version(), row)

    def _delete(self, source: Source, known: Kept) -> Iterator[NewRecord]:
        yield self._event(source, known, "d", None, self._next_version(), None)
        self.produced["tombstone"] += 1
        known.events.append(_record(source, known.key, None))
        yield known.events[-1]

    def _rename(self, source: Source, n: int, known: Kept) -> Iterator[NewRecord]:
        """A new key arrives as a delete, a tombstone and a create that share one lsn."""
        version, former = self._next_version(), known.key
        known.key = f"{former.partition('/')[0]}/{version}"
        known.keys.append(known.key)
        row = source.make(n, version, self._rng) | {source.binding.key: known.key}
        away = {"__debezium.newkey": _key(source, known.key)}
        gone = envelope(source.table, None, op="d", lsn=version, ts_ms=_ms(version))
        yield _record(source, former, gone, away)
        yield _record(source, former, None, away)
        came = {"__debezium.oldkey": _key(source, former)}
        yield self._event(source, known, "key change", row, version, row, headers=came)

    def _again(self, known: Kept) -> Iterator[NewRecord]:
        """The capture restarts and sends what it had sent already, in order.

        A tombstone comes with the delete before it: they are one change.
        """
        self.produced["again"] += 1
        first = len(known.events) - min(self._rng.randrange(1, 6), len(known.events))
        if known.events[first].value is None:
            first -= 1
        yield from known.events[first:]

    def _garble(self, source: Source, known: Kept) -> Iterator[NewRecord]:
        """What nobody can decode, or nobody can store."""
        row = dict(known.row or {})
        text = TEXTS[source.binding.entity, source.binding.system][0]
        garbage = (
            b'{"op": "u", "after"',
            envelope(source.table, row, op="q"),
            envelope(source.table, None),
        )
        if self._rng.random() < 0.25:
            self.produced["unstorable"] += 1
            self.unstorable.append(
                envelope(
                    source.table,
                    whole(source.table, row | {text: "A\0B"}),
                    lsn=self._next_version(),
                )
            )
            yield _record(source, known.key, self.unstorable[-1])
        else:
            self.produced["undecodable"] += 1
            self.undecodable.append(self._rng.choice(garbage))
            yield _record(source, known.key, self.undecodable[-1])

    def _event(
        self,
        source: Source,
        known: Kept,
        op: str,
        row: Cells | None,
        version: int,
        sent: Cells | None,
        headers: Mapping[str, bytes] | None = None,
    ) -> NewRecord:
        self.produced[op] += 1
        wire = {"partial": "u", "key change": "c", "unlinked": "c"}.get(op, op)
        snapshot = "incremental" if op == "r" else "false"
        value = envelope(
            source.table,
            None if sent is None else whole(source.table, sent),
            op=wire,
            lsn=version,
            snapshot=snapshot,
            ts_ms=_ms(version),
        )
        record = _record(source, known.key, value, headers or {})
        known.history.append(Version(op=op, at=_moment(version), row=row))
        if op == "key change":
            known.events.clear()
        elif op != "r":  # a snapshot that starts again reads anew
            known.events.append(record)
        return record

    def _next_version(self) -> int:
        self._version += 1
        return self._version


def _record(
    source: Source, key: str, value: bytes | None, headers: Mapping[str, bytes] | None = None
) -> NewRecord:
    topic = Topic(source.table)
    return NewRecord(topic=topic, key=_key(source, key), value=value, headers=headers or {})


def _key(source: Source, key: str) -> bytes:
    return orjson.dumps({source.binding.key: key})


def _ms(version: int) -> int:
    return int(_moment(version).timestamp() * 1000)


def _moment(version: int) -> datetime:
    """Each version has a moment of its own, so that an event tells which change it came from."""
    return _START + timedelta(milliseconds=version)
