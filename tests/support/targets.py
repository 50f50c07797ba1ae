"""Systems that hold copies, in memory, with scripted faults; and a desk to deliver to them from."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
from support.projecting import project

from schema.canon import Client, Invoice, PaymentStatus
from schema.entity import entity_name
from schema.errors import NotFound
from schema.ids import mint
from schema.system import System
from sync.connectors.binding import Binding, Row
from sync.connectors.ports import RowQuery, Rows
from sync.connectors.refs import Ref
from sync.deliver.retry import Backoff, Pace
from sync.delivery import Deliverer
from sync.xref import Xref

MOMENT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
CLIENT = mint("cli", "crm", "ACC-00001")
INVOICE = mint("inv", "billing", "in_000001")
PAYMENT = mint("pay", "erp", "1")
SOON = Backoff(first=timedelta(milliseconds=20), longest=timedelta(milliseconds=100))
QUICK = Pace(
    poll=timedelta(milliseconds=100),
    settle=timedelta(milliseconds=200),
    refused=SOON,
    missing=SOON,
    probing=SOON,
)


@dataclass(slots=True)
class Trouble:
    """`error` on the next `times` calls of a kind, before or after the call has its effect."""

    kind: str
    error: BaseException
    times: float
    is_after: bool


class FakeTarget:
    """One system in memory. It is not idempotent, and accepts duplicates."""

    def __init__(self, system: System, *bindings: Binding) -> None:
        self.system = system
        self.bindings = bindings
        self.rows: dict[str, dict[str, dict[str, Any]]] = {b.resource: {} for b in bindings}
        self.calls: Counter[str] = Counter()
        self.moments: list[float] = []
        self.written: list[tuple[str, str, Row]] = []
        self.troubles: list[Trouble] = []
        self.open = asyncio.Event()
        self.open.set()
        self.begun = asyncio.Event()
        self.busy: Counter[str] = Counter()

    async def close(self) -> None: ...

    def fail(
        self, kind: str, error: BaseException, *, times: float = 1, is_after: bool = False
    ) -> None:
        """Raise `error` on calls of a kind: fetch, create, update, remove."""
        self.troubles.append(Trouble(kind, error, times, is_after))

    def hold(self, binding: Binding, key: str, **cells: Any) -> None:
        """Put a row there, as if a person had."""
        self.rows[binding.resource][key] = {binding.key: key, binding.version: 1, **cells}

    def only(self, binding: Binding) -> dict[str, Any]:
        [row] = self.rows[binding.resource].values()
        return row

    async def fetch(self, query: RowQuery) -> Rows:
        await self._enter("fetch")
        found = [
            dict(row)
            for row in self.rows[query.binding.resource].values()
            if all(str(row.get(c.column)) in c.value for c in query.where)
        ]
        self._leave("fetch")
        return Rows(rows=tuple(found), has_more=False)

    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        await self._enter("create")
        rows = self.rows[binding.resource]
        key = f"{binding.resource}-{len(rows) + 1}"
        rows[key] = {binding.key: key, binding.version: 1, **row}
        self.written.append(("create", key, row))
        self._leave("create")
        return dict(rows[key])

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        self.busy[key] += 1
        assert self.busy[key] == 1, f"two calls for {key} at once"
        try:
            await self._enter("update")
            known = self.rows[binding.resource].get(key)
            if known is None:
                raise NotFound(f"There is no {key}.", system=self.system)
            known.update(row)
            known[binding.version] += 1
            self.written.append(("update", key, row))
            self._leave("update")
            return dict(known)
        finally:
            self.busy[key] -= 1

    async def remove(self, binding: Binding, key: str) -> None:
        await self._enter("remove")
        self.rows[binding.resource].pop(key, None)
        self._leave("remove")

    async def _enter(self, kind: str) -> None:
        self.calls[kind] += 1
        self.moments.append(asyncio.get_running_loop().time())
        self.begun.set()
        await asyncio.sleep(0)
        await self.open.wait()
        self._raise(kind, is_after=False)

    def _leave(self, kind: str) -> None:
        self._raise(kind, is_after=True)

    def _raise(self, kind: str, *, is_after: bool) -> None:
        for trouble in self.troubles:
            if trouble.kind == kind and trouble.is_after == is_after and trouble.times > 0:
                trouble.times -= 1
                raise trouble.error


class Desk:
    """A projection with one client and one invoice in it, and deliverers over some targets."""

    def __init__(self, pool: asyncpg.Pool, *targets: FakeTarget) -> None:
        self.pool = pool
        self.xref = Xref(pool)
        self.targets: Mapping[System, FakeTarget] = {t.system: t for t in targets}

    def deliverer(self, pace: Pace = QUICK) -> Deliverer:
        """A worker as another process would have it: with nothing in its memory."""
        luck = random.Random(7).random
        return Deliverer(self.targets, Xref(self.pool), self.pool, luck, pace, removes=self.targets)

    async def client(self, record_id: str = CLIENT, number: int = 1, **cells: Any) -> None:
        key = f"ACC-{number:05d}"
        known = {"name": "Acme", "segment": "enterprise", "account_manager": "ann@firm.example"}
        await self.link(Client, System.CRM, key, record_id)
        await project(self.pool, Client, record_id, System.CRM, key, as_of=MOMENT, **known | cells)

    async def invoice(self, **cells: Any) -> None:
        """The ledger's word on the invoice; billing anchors it."""
        await self.link(Invoice, System.BILLING, "in_000001", INVOICE)
        key = "in_000001"
        await project(self.pool, Invoice, INVOICE, System.BILLING, key, as_of=MOMENT)
        await project(self.pool, Invoice, INVOICE, System.ERP, "1", as_of=MOMENT, **cells)

    async def payment(self, **cells: Any) -> None:
        await self.link(PaymentStatus, System.ERP, "1", PAYMENT)
        await project(self.pool, PaymentStatus, PAYMENT, System.ERP, "1", as_of=MOMENT, **cells)

    async def link(self, entity: type, system: System, key: str, record_id: str) -> None:
        await self.xref.link([(Ref(entity, system.value, key), record_id)])

    async def owe(self, target: System, entity: type, record_id: str, *fields: str) -> None:
        """What the intake inserts when owned fields change."""
        await self.pool.execute(
            "INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at)"
            " VALUES ($1, $2, $3, $4, 'test', now())"
            " ON CONFLICT (target, entity, record_id) WHERE state = 'pending' DO UPDATE"
            " SET fields = (SELECT array_agg(DISTINCT f)"
            "  FROM unnest(delivery.fields || excluded.fields) AS f)",
            target.value,
            entity_name(entity),
            record_id,
            list(fields),
        )
        await self.pool.execute("SELECT pg_notify('delivery', '')")

    async def deliveries(self, state: str | None = None) -> list[asyncpg.Record]:
        return list(
            await self.pool.fetch(
                "SELECT * FROM delivery WHERE $1::text IS NULL OR state = $1 ORDER BY id", state
            )
        )

    async def states(self) -> Counter[str]:
        return Counter(row["state"] for row in await self.deliveries())

    async def all_delivered(self, seconds: float = 5) -> None:
        async def are() -> bool:
            return set(await self.states()) == {"delivered"}

        await until(are, seconds=seconds)


async def drained(deliverer: Deliverer, targets: Iterable[System]) -> None:
    """Send everything that is due now to each target."""
    for target in targets:
        while await deliverer.drain(target):
            pass


async def until(look: Callable[[], Awaitable[bool]], *, seconds: float = 5) -> None:
    """Return as soon as `look` answers True; fails after the deadline."""
    async with asyncio.timeout(seconds):
        while not await look():  # noqa: ASYNC110  # a condition with a deadline
            await asyncio.sleep(0.01)
