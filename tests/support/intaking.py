"""An intake driven record by record, on real Postgres."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
from support.envelopes import envelope, record, whole

from cdc.decode import Decoder
from cdc.log.port import LogRecord
from schema.ids import mint
from schema.position import LogPartition
from sync.clock import utc_now
from sync.connectors import billing, crm, erp, psa
from sync.connectors.ports import Reads
from sync.intake import Claim, Intake
from sync.xref import Xref

ACCOUNTS = "crm.public.accounts"
INVOICES = "billing.public.invoices"
CUSTOMERS = "erp.public.customers"
PROJECTS = "erp.public.projects"
DECODER = Decoder(
    [
        *(crm.CLIENT, billing.INVOICE, erp.CLIENT, erp.PROJECT, erp.INVOICE),
        *(psa.PROJECT, psa.RESOURCE, psa.PAYMENT_STATUS),
    ]
)
ACME = mint("cli", "crm", "ACC-00001")


class Desk:
    """An intake with offsets of its own, as the listener would drive it."""

    def __init__(self, pool: asyncpg.Pool, *connected: Reads) -> None:
        self.pool = pool
        connectors = {connector.system: connector for connector in connected}
        self.intake = Intake(pool, Xref(pool), connectors, utc_now)
        self.offsets: dict[str | tuple[str, int], int] = {}

    async def take(self, *records: LogRecord) -> None:
        """Apply records of one partition per topic as one batch."""
        ends: dict[LogPartition, int] = {}
        for one in records:
            ends[one.position.lane] = one.position.offset + 1
        claims = [
            Claim(lane=lane, expected=await self.intake.start_of(lane), next_offset=end)
            for lane, end in ends.items()
        ]
        incoming = [meaning for one in records for meaning in DECODER.decode(one)]
        await self.intake.apply(incoming, claims)

    def event(
        self,
        table: str,
        key: Mapping[str, Any],
        row: Mapping[str, Any] | None,
        op: str = "u",
        **options: Any,
    ) -> LogRecord:
        """The next record of a table's partition, the first unless another is named."""
        partition = options.pop("partition", 0)
        offset = self._next_offset((table, partition) if partition else table)
        headers = options.pop("headers", None)
        value = envelope(table, None if row is None else whole(table, row), op=op, **options)
        return record(table, key, value, offset=offset, partition=partition, headers=headers)

    def tombstone(self, table: str, key: Mapping[str, Any]) -> LogRecord:
        """What follows a delete on the first partition of its table."""
        return record(table, key, None, offset=self._next_offset(table))

    def _next_offset(self, lane: str | tuple[str, int]) -> int:
        offset = self.offsets.get(lane, 0)
        self.offsets[lane] = offset + 1
        return offset

    def account(self, name: str, op: str = "u", **options: Any) -> LogRecord:
        key = {"id": "ACC-00001"}
        row = {**key, "account_name": name, "segment": "SMB", "owner_email": "a@b.example"}
        if op == "d":
            return self.event(ACCOUNTS, key, None, op, **options)
        return self.event(ACCOUNTS, key, row, op, **options)

    async def name(self) -> str | None:
        sql = "SELECT name FROM projection.client WHERE id = $1 AND crm_deleted_at IS NULL"
        found: str | None = await self.pool.fetchval(sql, ACME)
        return found

    async def owed(self) -> dict[str, list[str]]:
        rows = await self.pool.fetch("SELECT target, fields FROM delivery WHERE state = 'pending'")
        return {row["target"]: sorted(row["fields"]) for row in rows}
