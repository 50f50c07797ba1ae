"""Billing: system of record for what an invoice says before the ledger makes it legal.

Reads: drafts, and its copies of clients, contracts, rates, projects, ledger words, payments, time,
expenses, holds and billing events. Writes: guarded by version (in the body). Creates are idempotent
by `Idempotency-Key`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schema.entities.client import Client
from schema.entities.invoice import Invoice, InvoiceStatus
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entity import FilterOp
from schema.system import System
from sync.connectors.billing_contracts import CONTRACTS
from sync.connectors.billing_holds import EVENT, HOLD
from sync.connectors.billing_work import WORK
from sync.connectors.binding import Binding, Column, MoneyColumns, Row
from sync.connectors.http import Dialect, Endpoint, Upstream, page_of, path_segment, record_of
from sync.connectors.ports import RowQuery, Rows
from sync.connectors.words import (
    CREDIT_STATUS,
    LEDGER_STATUS,
    PAYMENT_STATE,
    PROJECT_STATUS,
    SEGMENT,
)

CLIENT = Binding(
    entity=Client,
    system=System.BILLING,
    resource="customers",
    table="public.customers",
    key="id",
    anchor_key="crm_account",
    copies={
        "name": Column(name="name"),
        "segment": Column(name="segment", words=SEGMENT),
        "account_manager": Column(name="account_manager"),
        "trading_name": Column(name="display_name"),
        "language": Column(name="preferred_locale"),
        "bill_to": Column(name="address"),
        "tax_id": Column(name="tax_number"),
        "payment_terms_days": Column(name="payment_terms"),
        "credit_status": Column(name="credit_state", words=CREDIT_STATUS),
    },
)

PROJECT = Binding(
    entity=Project,
    system=System.BILLING,
    resource="projects",
    table="public.projects",
    key="id",
    anchor_key="project_code",
    copies={
        "client_id": Column(name="customer"),
        "name": Column(name="name"),
        "status": Column(name="status", words=PROJECT_STATUS),
        "currency": Column(name="currency"),
    },
)

INVOICE = Binding(
    entity=Invoice,
    system=System.BILLING,
    resource="invoices",
    table="public.invoices",
    key="id",
    anchor_key="id",
    owns={
        "client_id": Column(name="customer"),
        "project_id": Column(name="project_code", names=System.ERP),
        "legal_entity_id": Column(name="entity_code", names=System.ERP),
        "description": Column(name="description"),
        "net": MoneyColumns(amount="amount_net", currency="currency"),
        "issued_on": Column(name="issued_on"),
        "due_on": Column(name="due_on"),
        "draft_status": Column(
            name="status",
            words={
                "draft": InvoiceStatus.DRAFT,
                "approved": InvoiceStatus.APPROVED,
                "void": InvoiceStatus.VOID,
            },
        ),
    },
    copies={
        "number": Column(name="ledger_number"),
        "ledger_status": Column(name="ledger_status", words=LEDGER_STATUS),
        "posted_on": Column(name="posted_on"),
        "tax": MoneyColumns(amount="tax_amount", currency="currency"),
    },
)

PAYMENT_STATUS = Binding(
    entity=PaymentStatus,
    system=System.BILLING,
    resource="invoices",
    table="public.invoices",
    key="id",
    anchor_key="id",
    found_by="invoice_id",
    is_part_of=Invoice,
    copies={
        "state": Column(name="payment_status", words=PAYMENT_STATE),
        "paid": MoneyColumns(amount="amount_paid", currency="currency"),
        "balance": MoneyColumns(amount="amount_open", currency="currency"),
        "last_payment_on": Column(name="last_payment_on"),
    },
)


def _refusal(body: Any) -> tuple[str, str]:
    error = body["error"]
    return error["code"], error["message"]


DIALECT = Dialect(refusal=_refusal, stale=frozenset({"stale_object"}))
SUFFIX = {
    FilterOp.IN: "[]",
    FilterOp.CONTAINS: "[contains]",
    FilterOp.FROM: "[gte]",
    FilterOp.TO: "[lte]",
}


class Billing:
    """Billing over its REST API."""

    system = System.BILLING
    bindings = (CLIENT, *CONTRACTS, PROJECT, INVOICE, PAYMENT_STATUS, HOLD, EVENT, *WORK)

    def __init__(self, endpoint: Endpoint) -> None:
        self._upstream = Upstream(self.system, endpoint, DIALECT)

    async def fetch(self, query: RowQuery) -> Rows:
        if any(c.op is FilterOp.IN and not c.value for c in query.where):
            return Rows(rows=(), has_more=False)
        return await self._upstream.read(_path(query.binding), list(_parameters(query)), _page)

    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        headers = {"idempotency-key": idempotency_key}
        created: Row = await self._upstream.write(
            "POST", _path(binding), row, headers, shape=record_of
        )
        return created

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        body = row if version is None else {**row, "version": version}
        path = f"{_path(binding)}/{path_segment(key)}"
        updated: Row = await self._upstream.write("POST", path, body, shape=record_of)
        return updated

    async def close(self) -> None:
        await self._upstream.close()


def _page(page: Any) -> Rows:
    return page_of(page["data"], page["has_more"])


def _path(binding: Binding) -> str:
    return f"/v1/{binding.resource}"


def _parameters(query: RowQuery) -> Iterator[tuple[str, str]]:
    yield "limit", str(query.limit)
    if query.after is not None:
        yield "starting_after", query.after
    if query.before is not None:
        yield "ending_before", query.before
    if query.descending:
        yield "order", "desc"
    for condition in query.where:
        is_key = condition.column == query.binding.key and condition.op is FilterOp.IN
        name = ("ids" if is_key else condition.column) + SUFFIX[condition.op]
        values = condition.value if condition.op is FilterOp.IN else (condition.value,)
        for value in values:
            yield name, str(value)
