"""Owners in memory, with a small firm in them: systems to read, to write, and to break."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

from schema.canon import Client, PaymentStatus, Project, TimeEntry
from schema.entities.client import Segment
from schema.entities.payment_status import PaymentState
from schema.entities.project import Health, ProjectStatus
from schema.entity import FilterOp
from schema.errors import Conflict, NotFound
from schema.system import System
from sync.connectors.binding import Binding, MoneyColumns, Row, column
from sync.connectors.cells import texts_of
from sync.connectors.ports import Condition, RowQuery, Rows

CRM_CLIENT = Binding(
    entity=Client,
    system=System.CRM,
    resource="accounts",
    key="id",
    anchor_key="id",
    owns={
        "name": column("account_name"),
        "segment": column("segment", words={"SMB": Segment.SMALL, "ENT": Segment.ENTERPRISE}),
        "account_manager": column("owner_email"),
    },
)
ERP_CLIENT = Binding(
    entity=Client,
    system=System.ERP,
    resource="customers",
    key="customer_no",
    anchor_key="crm_account",
    owns={"payment_terms_days": column("terms_days"), "tax_id": column("vat_id")},
    read_only=frozenset({"tax_id"}),
)
ERP_PROJECT = Binding(
    entity=Project,
    system=System.ERP,
    resource="projects",
    key="project_no",
    anchor_key="project_no",
    owns={
        "code": column("project_no"),
        "name": column("description"),
        "client_id": column("customer_no"),
        "status": column(
            "status",
            words={
                "SETUP": ProjectStatus.PROVISIONING,
                "OPEN": ProjectStatus.ACTIVE,
                "RUNNING": ProjectStatus.ACTIVE,
                "HELD": ProjectStatus.SUSPENDED,
            },
        ),
        "budget": MoneyColumns(amount="budget_amount", currency="currency"),
    },
    reference="hub_reference",
)
PSA_PROJECT = Binding(
    entity=Project,
    system=System.PSA,
    resource="projects",
    key="id",
    anchor_key="erp_code",
    owns={"health": column("health", words={h.value: h for h in Health})},
)
PSA_TIME = Binding(
    entity=TimeEntry,
    system=System.PSA,
    resource="time_entries",
    key="id",
    anchor_key="id",
    owns={
        "project_id": column("project_code", names=System.ERP),
        "work_date": column("day"),
        "note": column("text"),
    },
)
_PAYMENT_STATES = {"POSTED": PaymentState.OPEN, "PAID": PaymentState.PAID}
ERP_PAYMENT = Binding(
    entity=PaymentStatus,
    system=System.ERP,
    resource="payments",
    key="doc_id",
    anchor_key="doc_id",
    owns={
        "invoice_id": column("billing_ref", names=System.BILLING),
        "status": column("document_status", read=lambda word: _PAYMENT_STATES[word]),
    },
)


class FakeOwner:
    """One system in memory. `fault` is raised by reads; `write_fault` after a write's effect.

    `effects` are the cells that an action sets.
    """

    def __init__(
        self, system: System, bindings: tuple[Binding, ...], rows: Mapping[str, list[Any]]
    ) -> None:
        self.system = system
        self.bindings = bindings
        self.rows = {name: [{"version": 1, **row} for row in some] for name, some in rows.items()}
        self.calls: Counter[str] = Counter()
        self.queries: list[RowQuery] = []
        self.fault: Exception | None = None
        self.write_fault: Exception | None = None
        self.refusal: Exception | None = None
        self.effects: dict[str, Row] = {"suspend": {"status": "HELD"}}
        self.seconds = 0.0

    async def close(self) -> None: ...

    async def fetch(self, query: RowQuery) -> Rows:
        self.calls["fetch"] += 1
        self.queries.append(query)
        await asyncio.sleep(self.seconds)
        if self.fault:
            raise self.fault
        key = query.binding.key
        rows = sorted(self.rows[query.binding.resource], key=lambda r: r[key])
        found = [
            row
            for row in rows
            if all(_passes(row, condition) for condition in query.where)
            and (query.after is None or row[key] > type(row[key])(query.after))
            and (query.before is None or row[key] < type(row[key])(query.before))
        ]
        if query.descending:
            found.reverse()
        kept = tuple(dict(row) for row in found[: query.limit])
        return Rows(rows=kept, has_more=len(found) > query.limit)

    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        self.calls["create"] += 1
        await asyncio.sleep(self.seconds)
        if self.refusal:
            raise self.refusal
        made = {binding.key: f"P-{len(self.rows[binding.resource]) + 1:03d}", "version": 1, **row}
        self.rows[binding.resource].append(made)
        if self.write_fault:
            raise self.write_fault
        return dict(made)

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        self.calls["update"] += 1
        if self.refusal:
            raise self.refusal
        found = next((r for r in self.rows[binding.resource] if str(r[binding.key]) == key), None)
        if found is None:
            raise NotFound(f"There is no {key}.", system=self.system)
        if version not in (None, found["version"]):
            raise Conflict(f"{key} has moved on.", system=self.system)
        found.update(row)
        found["version"] += 1
        if self.write_fault:
            raise self.write_fault
        return dict(found)

    async def act(
        self, binding: Binding, key: str, action: str, arguments: Mapping[str, Any]
    ) -> Row:
        self.calls[action] += 1
        return await self.update(binding, key, self.effects.get(action, {}))


def crm(count: int = 3) -> FakeOwner:
    accounts = [
        {
            "id": f"ACC-{n:05d}",
            "account_name": f"Client {n}",
            "segment": "SMB" if n % 2 else "ENT",
            "owner_email": "ann@firm.example",
        }
        for n in range(1, count + 1)
    ]
    return FakeOwner(System.CRM, (CRM_CLIENT,), {"accounts": accounts})


def erp(clients: int = 3, projects_each: int = 2) -> FakeOwner:
    customers = [
        {
            "customer_no": f"C{10000 + n}",
            "crm_account": f"ACC-{n:05d}",
            "terms_days": 30 + n,
            "vat_id": f"NL{n}",
        }
        for n in range(1, clients + 1)
    ]
    projects = [
        {
            "project_no": f"P-{n:03d}",
            "description": f"Project {n}",
            "customer_no": customers[(n - 1) % clients]["customer_no"],
            "status": "OPEN" if n % 2 else "RUNNING",
            "budget_amount": "1250.50",
            "currency": "EUR",
            "hub_reference": None,
        }
        for n in range(1, clients * projects_each + 1)
    ]
    payments = [
        {"doc_id": n, "billing_ref": f"in_{n:06d}", "document_status": "POSTED"}
        for n in range(8, 13)
    ]
    return FakeOwner(
        System.ERP,
        (ERP_CLIENT, ERP_PROJECT, ERP_PAYMENT),
        {"customers": customers, "projects": projects, "payments": payments},
    )


def psa(projects: int = 6, entries_each: int = 0) -> FakeOwner:
    rows = [
        {"id": 100 + n, "erp_code": f"P-{n:03d}", "health": "green"} for n in range(1, projects + 1)
    ]
    entries = [
        {"id": n, "project_code": f"P-{n % projects + 1:03d}", "day": None, "text": f"Live {n}"}
        for n in range(1, projects * entries_each + 1)
    ]
    return FakeOwner(
        System.PSA, (PSA_PROJECT, PSA_TIME), {"projects": rows, "time_entries": entries}
    )


def _passes(row: Row, condition: Condition) -> bool:
    cell = row[condition.column]
    match condition.op:
        case FilterOp.IN:
            return not {str(value) for value in condition.value}.isdisjoint(texts_of(cell))
        case FilterOp.CONTAINS:
            return condition.value.lower() in cell.lower()
        case FilterOp.FROM:
            return bool(cell >= condition.value)
        case FilterOp.TO:
            return bool(cell <= condition.value)
