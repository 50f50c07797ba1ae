"""A system whose records are spread over tables: touches of them, and intakes that read back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
from support.envelopes import envelope, record
from support.owners import FakeOwner

from cdc.decode import Decoder
from cdc.log.port import LogRecord
from schema.entities.client import Client
from schema.ids import mint
from schema.position import LogPartition
from schema.system import System
from sync.clock import utc_now
from sync.connectors.binding import Binding, Touch, column
from sync.connectors.ports import RowQuery, Rows
from sync.intake import Claim, Intake
from sync.xref import Xref

PARTIES, ADDRESSES, TERMS = "erp.public.party", "erp.public.address", "erp.public.term"
CUSTOMER = Binding(
    entity=Client,
    system=System.ERP,
    resource="customers",
    key="customer_no",
    anchor_key="crm_account",
    touches=(
        Touch(table="public.party", key="id"),
        Touch(table="public.address", key="party"),
    ),
    owns={"payment_terms_days": column("terms_days"), "bill_to": column("address")},
)
DECODER = Decoder([CUSTOMER])
NUMBERED = Decoder([replace(CUSTOMER, touched_by="id")])
SHARED = Decoder(
    [
        replace(
            CUSTOMER,
            touched_by="id",
            touches=(
                Touch(table="public.party", key="id"),
                Touch(table="public.address", key="party", by="sites"),
                Touch(table="public.term", key="id", by="terms"),
            ),
        )
    ]
)
ACME, BETA = mint("cli", "crm", "ACC-00001"), mint("cli", "crm", "ACC-00002")


class Ledger(FakeOwner):
    """The system; while `is_held`, what it has read reaches the caller only once it may go."""

    def __init__(self) -> None:
        rows = [
            {
                "customer_no": f"C{n}",
                "crm_account": f"ACC-{n:05d}",
                "terms_days": 30,
                "address": "x",
            }
            for n in (1, 2)
        ]
        super().__init__(System.ERP, (CUSTOMER,), {"customers": rows})
        self.is_held = False
        self.has_read, self.may_go = asyncio.Event(), asyncio.Event()

    async def fetch(self, query: RowQuery) -> Rows:
        page = await super().fetch(query)
        if self.is_held:
            self.has_read.set()
            await self.may_go.wait()
        return page

    def change(self, key: str, **cells: Any) -> None:
        [row] = [row for row in self.rows["customers"] if row["customer_no"] == key]
        row |= cells

    def remove(self, key: str) -> None:
        self.rows["customers"] = [r for r in self.rows["customers"] if r["customer_no"] != key]


class Desk:
    """Intakes over one database, each as another process would have it."""

    def __init__(self, pool: asyncpg.Pool, ledger: Ledger) -> None:
        self.pool = pool
        self.ledger = ledger

    def intake(self, timeout: timedelta = timedelta(seconds=60)) -> Intake:
        owners = {System.ERP: self.ledger}
        return Intake(self.pool, Xref(self.pool), owners, utc_now, read_timeout=timeout)

    async def take(
        self, *records: LogRecord, intake: Intake | None = None, decoder: Decoder = DECODER
    ) -> None:
        """Apply records as one batch, wherever their partitions stand."""
        intake = intake or self.intake()
        ends: dict[LogPartition, int] = {r.position.lane: r.position.offset + 1 for r in records}
        claims = [
            Claim(lane=lane, expected=await intake.start_of(lane), next_offset=end)
            for lane, end in ends.items()
        ]
        await intake.apply([m for one in records for m in decoder.decode(one)], claims)

    async def client(self, record_id: str = ACME) -> tuple[Any, ...] | None:
        row = await self.pool.fetchrow(
            "SELECT payment_terms_days, bill_to, erp_deleted_at IS NULL FROM projection.client"
            " WHERE id = $1",
            record_id,
        )
        return row and tuple(row)


def party(key: str, op: str = "u", **options: Any) -> LogRecord:
    return _touch(PARTIES, {"id": key}, {"id": key, "name": "whatever"}, op, **options)


def address(key: str, op: str = "u", **options: Any) -> LogRecord:
    return _touch(ADDRESSES, {"id": 7}, {"id": 7, "party": key, "street": "other"}, op, **options)


def term(key: str, op: str = "u", **options: Any) -> LogRecord:
    return _touch(TERMS, {"id": key}, {"id": key}, op, **options)


def _touch(
    table: str,
    key: Mapping[str, Any],
    row: Mapping[str, Any],
    op: str,
    *,
    offset: int = 0,
    partition: int = 0,
    **options: Any,
) -> LogRecord:
    after, before = (None, row) if op == "d" else (row, None)
    value = envelope(table, after, op=op, before=before, **options)
    return record(table, key, value, offset=offset, partition=partition)
