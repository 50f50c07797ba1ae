"""The hub's billing ledger as a test fills it: events, holds, allocations, and the PSA's word."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
from support.projecting import project

from schema.canon import Client, Invoice, Project, TimeEntry
from schema.entity import FilterOp, entity_name, prefix
from schema.ids import mint
from schema.system import System
from sync.connectors.binding import Row
from sync.connectors.hub import Hub
from sync.connectors.hub_bindings import EVENT, HOLD, INVOICE_HOLDS
from sync.connectors.ports import Condition, RowQuery

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
CLIENT, PROJECT = mint("cli", "crm", "ACC-1"), mint("prj", "erp", "P-1")
INVOICE = mint("inv", "billing", "in_1")
REVIEW_BY = "2026-12-01"


class Ledger:
    """The hub's tables, with one project of one client in the projection."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.hub = Hub(pool)
        self._made = 0

    async def meet(self) -> None:
        pool = self.pool
        await project(pool, Client, CLIENT, System.CRM, "ACC-1", as_of=AS_OF, name="Acme")
        await project(pool, Project, PROJECT, System.ERP, "P-1", as_of=AS_OF, client_id=CLIENT)
        await project(
            pool, Invoice, INVOICE, System.BILLING, "in_1", as_of=AS_OF,
            client_id=CLIENT, project_id=PROJECT,
        )  # fmt: skip
        await pool.executemany(
            "INSERT INTO xref (system, entity, external_id, record_id) VALUES ($1, $2, $3, $4)",
            [
                ("crm", "client", "ACC-1", CLIENT),
                ("erp", "project", "P-1", PROJECT),
                ("billing", "invoice", "in_1", INVOICE),
            ],
        )

    async def event(self, status: str = "ready", **cells: Any) -> str:
        told = {
            "project_no": "P-1",
            "kind": "time",
            "status": status,
            "quantity": "10",
            "service_from": "2026-11-01",
            "service_to": "2026-11-30",
            "amount": "100",
            "currency": "EUR",
            "allocations": [],
            "holds": [],
            **cells,
        }
        self._made += 1
        row = await self.hub.create(
            EVENT, {**told, "hub_reference": f"e{self._made}"}, idempotency_key=f"e{self._made}"
        )
        return str(row["id"])

    async def hold(self, effect: str = "block_event", **scope: str) -> str:
        self._made += 1
        told = {"effect": effect, "reason": "Dispute", "review_by": REVIEW_BY, **scope}
        row = await self.hub.create(HOLD, told, idempotency_key=str(self._made))
        return str(row["id"])

    async def release(self, hold: str) -> None:
        await self.hub.act(HOLD, hold, "release", {"by": "fin@firm.example"})

    async def standing(self, event: str) -> tuple[str, list[str]]:
        row = await self.row(event)
        return row["status"], row["holds"]

    async def row(self, event: str) -> asyncpg.Record:
        return await self.pool.fetchrow("SELECT * FROM hub.billing_event WHERE id = $1", event)

    async def allocate(self, event: str, *shares: tuple[str, str], currency: str = "EUR") -> None:
        told = [
            {"invoice": invoice, "line": line, "amount": amount, "currency": currency}
            for line, (invoice, amount) in enumerate(shares, start=1)
        ]
        sql = "UPDATE hub.billing_event SET allocations = $2, status = 'allocated' WHERE id = $1"
        await self.pool.execute(sql, event, told)

    async def write_off(self, event: str, reason: str = "Rework") -> Row:
        told = {"by": "cfo@firm.example", "reason": reason}
        return await self.hub.act(EVENT, event, "write_off", told)

    async def hear(self, entry: str, of: type = TimeEntry, **told: Any) -> None:
        """What the PSA says of work reaches the projection."""
        record_id = mint(prefix(of), "psa", entry)
        await self.pool.execute(
            "INSERT INTO xref (system, entity, external_id, record_id)"
            " VALUES ('psa', $1, $2, $3) ON CONFLICT DO NOTHING",
            entity_name(of),
            entry,
            record_id,
        )
        await project(self.pool, of, record_id, System.PSA, entry, as_of=AS_OF, **told)

    async def billed(self, entry: str) -> tuple[str, str]:
        sql = "SELECT billing_state, billed_share::text FROM hub.time_price WHERE time_entry = $1"
        state, share = await self.pool.fetchrow(sql, entry)
        return state, share.rstrip("0").rstrip(".")

    async def invoice_holds(self, key: str) -> list[tuple[str, str]]:
        asked = Condition(column="invoice", op=FilterOp.IN, value=(key,))
        [row] = (await self.hub.fetch(RowQuery(binding=INVOICE_HOLDS, where=(asked,)))).rows
        return [(one["hold"], one["effect"]) for one in row["standing"]]


async def ledger_over(pool: asyncpg.Pool) -> Ledger:
    """An empty ledger, of a project that the projection knows."""
    ledger = Ledger(pool)
    await ledger.meet()
    return ledger
