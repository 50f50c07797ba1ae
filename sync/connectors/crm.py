"""CRM: system of record for the commercial side of clients, for engagements and for contracts.

Reads: clients, engagements, contracts and rates, and its copies of projects, invoices and payments,
filtered and paged by the CRM; and what has changed since a time. Writes: all of them, guarded by
version (`If-Match`). Acts: on contracts and what hangs on them. Creates are not idempotent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.invoice import Invoice
from schema.entities.legal_entity import LegalEntity
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entity import FilterOp
from schema.system import System
from sync.connectors.binding import Binding, Column, Event, MoneyColumns, Row
from sync.connectors.calls import call_of
from sync.connectors.changed_form import ChangedForm
from sync.connectors.crm_contracts import CALLS, CONTRACTS
from sync.connectors.http import (
    Dialect,
    Endpoint,
    Upstream,
    page_of,
    path_segment,
    record_of,
)
from sync.connectors.narrowing import named_condition
from sync.connectors.ports import ChangedQuery, RowQuery, Rows
from sync.connectors.words import (
    CREDIT_STATUS,
    ENGAGEMENT_STAGE,
    LEDGER_STATUS,
    PAYMENT_STATE,
    PROJECT_STATUS,
    SEGMENT,
    fraction_of,
    percent_of,
)

CLIENT = Binding(
    entity=Client,
    system=System.CRM,
    resource="accounts",
    table="public.accounts",
    key="id",
    anchor_key="id",
    events=tuple(Event(type=f"crm.account.{what}") for what in ("created", "updated")),
    unread=frozenset({"billing_country", "erp_customer_no"}),
    owns={
        "name": Column(name="account_name"),
        "segment": Column(name="segment", words=SEGMENT),
        "account_manager": Column(name="owner_email"),
        "trading_name": Column(name="trading_as"),
        "language": Column(name="language_code"),
        "parent_id": Column(name="parent_account_id"),
    },
    copies={
        "bill_to": Column(name="bill_to"),
        "tax_id": Column(name="tax_id"),
        "default_currency": Column(name="invoice_currency"),
        "payment_terms_days": Column(name="payment_terms_days"),
        "credit_status": Column(name="credit_status", words=CREDIT_STATUS),
    },
)

ENGAGEMENT = Binding(
    entity=Engagement,
    system=System.CRM,
    resource="opportunities",
    table="public.opportunities",
    key="id",
    anchor_key="id",
    events=tuple(
        Event(type=f"crm.opportunity.{what}") for what in ("created", "updated", "won", "lost")
    ),
    reference="external_ref",
    owns={
        "client_id": Column(name="account_id"),
        "name": Column(name="title"),
        "stage": Column(name="stage", words=ENGAGEMENT_STAGE),
        "expected_value": MoneyColumns(amount="amount", currency="currency"),
        "probability": Column(name="win_chance", read=fraction_of, write=percent_of),
        "starts_on": Column(name="starts_on"),
        "ends_on": Column(name="ends_on"),
        "account_manager": Column(name="owner_email"),
        "legal_entity_id": Column(name="entity_code", names=System.ERP),
    },
)

PROJECT = Binding(
    entity=Project,
    system=System.CRM,
    resource="projects",
    table="public.projects",
    key="id",
    anchor_key="erp_project_no",
    copies={
        "client_id": Column(name="account_id"),
        "name": Column(name="project_name"),
        "status": Column(name="project_status", words=PROJECT_STATUS),
        "region": Column(name="region"),
        "po_number": Column(name="po_number"),
        "health": Column(name="delivery_health"),
        "completed_share": Column(name="percent_complete", read=fraction_of, write=percent_of),
        "manager_id": Column(name="manager_no", names=System.HR),
    },
)

INVOICE = Binding(
    entity=Invoice,
    system=System.CRM,
    resource="invoices",
    table="public.invoices",
    key="id",
    anchor_key="billing_invoice_id",
    copies={
        "number": Column(name="invoice_number"),
        "ledger_status": Column(name="ledger_status", words=LEDGER_STATUS),
        "posted_on": Column(name="posted_on"),
        "sent_on": Column(name="sent_on"),
        "tax": MoneyColumns(amount="tax_amount", currency="currency"),
    },
)

PAYMENT_STATUS = Binding(
    entity=PaymentStatus,
    system=System.CRM,
    resource="invoices",
    table="public.invoices",
    key="id",
    anchor_key="billing_invoice_id",
    found_by="invoice_id",
    is_part_of=Invoice,
    copies={
        "status": Column(name="payment_status", words=PAYMENT_STATE),
        "paid": MoneyColumns(amount="amount_paid", currency="currency"),
        "balance": MoneyColumns(amount="balance", currency="currency"),
        "dunning_level": Column(name="reminders_sent"),
        "last_payment_on": Column(name="last_payment_on"),
    },
)

LEGAL_ENTITY = Binding(
    entity=LegalEntity,
    system=System.CRM,
    resource="entities",
    table="public.entities",
    key="id",
    anchor_key="erp_entity",
    copies={
        "name": Column(name="entity_name"),
        "country": Column(name="country"),
        "functional_currency": Column(name="base_currency"),
    },
)

DIALECT = Dialect(
    refusal=lambda body: (body[0]["errorCode"], body[0]["message"]),
    stale=frozenset({"STALE_VERSION"}),
)
SUFFIX = {
    FilterOp.IN: "",
    FilterOp.CONTAINS: ".contains",
    FilterOp.FROM: ".from",
    FilterOp.TO: ".to",
}

_SINCE = (("limit", "{limit}"), ("{time}.from", "{since}"), ("sort", "{time}"))
CHANGED = ChangedForm(first=_SINCE, further=(*_SINCE, ("after", "{at},{key}")))


class Crm:
    """The CRM over its REST API."""

    system = System.CRM
    bindings = (CLIENT, ENGAGEMENT, *CONTRACTS, PROJECT, INVOICE, PAYMENT_STATUS, LEGAL_ENTITY)

    def __init__(self, endpoint: Endpoint) -> None:
        self._upstream = Upstream(self.system, endpoint, DIALECT)

    async def fetch(self, query: RowQuery) -> Rows:
        return await self._upstream.read(_path(query.binding), list(_parameters(query)), _page)

    async def changed(self, query: ChangedQuery) -> Rows:
        return await self._upstream.read(_path(query.binding), CHANGED.parameters(query), _page)

    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        created: Row = await self._upstream.write("POST", _path(binding), row, shape=record_of)
        return created

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        guard = {} if version is None else {"if-match": str(version)}
        path = f"{_path(binding)}/{path_segment(key)}"
        updated: Row = await self._upstream.write("PATCH", path, row, guard, shape=record_of)
        return updated

    async def act(
        self, binding: Binding, key: str, action: str, arguments: Mapping[str, Any]
    ) -> Row:
        call = call_of(CALLS, binding, action)
        path = f"{_path(binding)}/{path_segment(key)}/{call.path}"
        body = call.body(arguments)
        moved: Row = await self._upstream.write("POST", path, body, shape=record_of)
        return moved

    async def close(self) -> None:
        await self._upstream.close()


def _page(page: Any) -> Rows:
    return page_of(page["records"], page["hasMore"])


def _path(binding: Binding) -> str:
    return f"/services/{binding.resource}"


def _parameters(query: RowQuery) -> Iterator[tuple[str, str]]:
    yield "limit", str(query.limit)
    if query.after is not None:
        yield "after", query.after
    if query.before is not None:
        yield "before", query.before
    if query.descending:
        yield "desc", "true"
    for condition in query.where:
        yield named_condition(query.binding, condition, SUFFIX)
