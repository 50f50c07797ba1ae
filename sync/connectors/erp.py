"""ERP: system of record for projects, for the accounting side of clients, and for the ledger.

Reads: clients, projects, ledger documents and payments, and its copies of people, contracts, plans,
time and expenses. Writes: guarded by version (`If-Match`); posted documents are immutable. Acts:
`post` on an invoice. Creates are not idempotent, but a project keeps the caller's reference, by
which a lost create is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schema.entities.client import Client
from schema.entities.invoice import Invoice
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.resource import Resource
from schema.entity import FilterOp
from schema.errors import Invalid
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns, Row
from sync.connectors.erp_contracts import CONTRACTS
from sync.connectors.erp_work import WORK
from sync.connectors.http import Dialect, Endpoint, Upstream, page_of, path_segment, record_of
from sync.connectors.ports import Condition, RowQuery, Rows
from sync.connectors.words import (
    CREDIT_STATUS,
    EMPLOYMENT_STATUS,
    PROJECT_STATUS,
    SEGMENT,
    hours_of,
    ledger_status_of,
    minutes_of,
    payment_state_of,
)

CLIENT = Binding(
    entity=Client,
    system=System.ERP,
    resource="customers",
    table="public.customers",
    key="customer_no",
    anchor_key="crm_account",
    owns={
        "bill_to": Column(name="invoice_address"),
        "tax_id": Column(name="vat_id"),
        "payment_terms_days": Column(name="terms_days"),
        "credit_status": Column(name="credit_block", words=CREDIT_STATUS),
    },
    copies={
        "name": Column(name="customer_name"),
        "segment": Column(name="customer_group", words=SEGMENT),
        "account_manager": Column(name="rep_email"),
        "trading_name": Column(name="search_name"),
        "language": Column(name="language_key"),
        "parent_id": Column(name="head_office_no"),
    },
)

PROJECT = Binding(
    entity=Project,
    system=System.ERP,
    resource="projects",
    table="public.projects",
    key="project_no",
    anchor_key="project_no",
    reference="hub_reference",
    read_only=frozenset({"code"}),
    owns={
        "code": Column(name="project_no"),
        "name": Column(name="description"),
        "client_id": Column(name="customer_no"),
        "engagement_id": Column(name="crm_opportunity", names=System.CRM),
        "legal_entity_id": Column(name="entity_code"),
        "currency": Column(name="currency"),
        "status": Column(name="project_status", words=PROJECT_STATUS),
        "starts_on": Column(name="start_on"),
        "ends_on": Column(name="end_on"),
        "budget": MoneyColumns(amount="budget_amount", currency="currency"),
        "budget_minutes": Column(name="budget_hours", read=minutes_of, write=hours_of),
    },
    copies={
        "percent_complete": Column(name="delivery_percent"),
        "health": Column(name="delivery_health"),
        "manager_id": Column(name="delivery_manager", names=System.HR),
    },
)

RESOURCE = Binding(
    entity=Resource,
    system=System.ERP,
    resource="employees",
    table="public.employees",
    key="id",
    anchor_key="hr_number",
    copies={
        "name": Column(name="full_name"),
        "email": Column(name="email"),
        "employment_status": Column(name="status", words=EMPLOYMENT_STATUS),
        "country": Column(name="country"),
    },
)

INVOICE = Binding(
    entity=Invoice,
    system=System.ERP,
    resource="ar-invoices",
    table="public.ar_invoices",
    key="doc_id",
    anchor_key="billing_ref",
    read_only=frozenset({"number", "ledger_status", "posted_on", "tax", "gross"}),
    owns={
        "number": Column(name="document_no"),
        "ledger_status": Column(name="document_status", read=ledger_status_of),
        "posted_on": Column(name="posted_on"),
        "tax": MoneyColumns(amount="tax_amount", currency="currency"),
        "gross": MoneyColumns(amount="gross_amount", currency="currency"),
    },
    copies={
        "client_id": Column(name="customer_no"),
        "project_id": Column(name="project_no"),
        "legal_entity_id": Column(name="entity_code"),
        "net": MoneyColumns(amount="net_amount", currency="currency"),
        "due_on": Column(name="due_on"),
    },
)

PAYMENT_STATUS = Binding(
    entity=PaymentStatus,
    system=System.ERP,
    resource="ar-invoices",
    table="public.ar_invoices",
    key="doc_id",
    anchor_key="doc_id",
    read_only=frozenset({"invoice_id", "state", "paid", "balance", "last_payment_on"}),
    owns={
        "invoice_id": Column(name="billing_ref", names=System.BILLING),
        "state": Column(name="document_status", read=payment_state_of),
        "paid": MoneyColumns(amount="paid_amount", currency="currency"),
        "balance": MoneyColumns(amount="open_amount", currency="currency"),
        "last_payment_on": Column(name="last_payment_on"),
    },
)


def _refusal(body: Any) -> tuple[str, str]:
    error = body["error"]
    return error["code"], error["message"]["value"]


DIALECT = Dialect(refusal=_refusal, stale=frozenset({"STALE"}))
NUMBERED = frozenset({"doc_id", "id"})
COMPARE = {FilterOp.FROM: "ge", FilterOp.TO: "le"}


class Erp:
    """The ERP over its OData API."""

    system = System.ERP
    bindings = (CLIENT, PROJECT, *CONTRACTS, RESOURCE, INVOICE, PAYMENT_STATUS, *WORK)

    def __init__(self, endpoint: Endpoint) -> None:
        self._upstream = Upstream(self.system, endpoint, DIALECT)

    async def fetch(self, query: RowQuery) -> Rows:
        if any(c.op is FilterOp.IN and not c.value for c in query.where):
            return Rows(rows=(), has_more=False)
        return await self._upstream.read(_path(query.binding), list(_parameters(query)), _page)

    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        created: Row = await self._upstream.write("POST", _path(binding), row, shape=record_of)
        return created

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        guard = {} if version is None else {"if-match": f'"{version}"'}
        path = f"{_path(binding)}/{path_segment(key)}"
        updated: Row = await self._upstream.write("PATCH", path, row, guard, shape=record_of)
        return updated

    async def act(
        self, binding: Binding, key: str, action: str, arguments: Mapping[str, Any]
    ) -> Row:
        path = f"{_path(binding)}/{path_segment(key)}/{path_segment(action)}"
        result: Row = await self._upstream.write("POST", path, dict(arguments), shape=record_of)
        return result

    async def close(self) -> None:
        await self._upstream.close()


def _page(page: Any) -> Rows:
    return page_of(page["value"], page["@odata.nextLink"])


def _path(binding: Binding) -> str:
    return f"/erp/{binding.resource}"


def _parameters(query: RowQuery) -> Iterator[tuple[str, str]]:
    key = query.binding.key
    clauses = [_clause(condition) for condition in query.where]
    if query.after is not None:
        clauses.append(f"{key} gt {_literal(key, query.after)}")
    if query.before is not None:
        clauses.append(f"{key} lt {_literal(key, query.before)}")
    if clauses:
        yield "$filter", " and ".join(clauses)
    if query.descending:
        yield "$orderby", f"{key} desc"
    yield "$top", str(query.limit)


def _clause(condition: Condition) -> str:
    column, value = condition.column, condition.value
    if condition.op is FilterOp.IN:
        return f"{column} in ({','.join(_literal(column, part) for part in value)})"
    if condition.op is FilterOp.CONTAINS:
        return f"contains({column},{_literal(column, value)})"
    return f"{column} {COMPARE[condition.op]} {value}"


def _literal(column: str, value: Any) -> str:
    """A number as it is, a text in quotes with its own quotes doubled.

    Raises Invalid for a text where the ERP counts, such as the key in a forged cursor.
    """
    text = str(value)
    if column not in NUMBERED:
        return "'" + text.replace("'", "''") + "'"
    if not re.fullmatch("[0-9]{1,19}", text):
        raise Invalid(f"{text!r:.80} is not a {column} of the ERP, which is a whole number.")
    return text
