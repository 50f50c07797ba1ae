"""PSA: system of record for delivery and teams, for what people can do, and for what they did.

Reads: delivery, teams, roles and skills, plans, time and expenses, and its copies of clients,
engagements, contracts, rates, projects, people and payments. Writes: all of them, guarded by
version (in the body). Acts: the lifecycles of plans, time and expenses. Creates are not idempotent,
but these keep the caller's reference. Its own ids are numbers, which the API spells as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.legal_entity import LegalEntity
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.resource import Resource
from schema.entity import FilterOp
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns, Row
from sync.connectors.calls import call_of
from sync.connectors.changed_form import ChangedForm
from sync.connectors.http import (
    Dialect,
    Endpoint,
    Upstream,
    comma_list,
    page_of,
    path_segment,
    record_of,
)
from sync.connectors.ports import ChangedQuery, Condition, RowQuery, Rows
from sync.connectors.psa_contracts import CONTRACTS
from sync.connectors.psa_work import CALLS, WORK
from sync.connectors.words import (
    EMPLOYMENT_STATUS,
    ENGAGEMENT_STAGE,
    PAYMENT_STATE,
    PROJECT_STATUS,
    SEGMENT,
    fraction_of,
    hours_of,
    minutes_of,
    percent_of,
    work_calendar,
)

CLIENT = Binding(
    entity=Client,
    system=System.PSA,
    resource="clients",
    table="public.clients",
    key="id",
    anchor_key="crm_account_id",
    copies={
        "name": Column(name="title"),
        "segment": Column(name="market_segment", words=SEGMENT),
        "account_manager": Column(name="account_owner"),
        "parent_id": Column(name="parent_client_id"),
    },
)

ENGAGEMENT = Binding(
    entity=Engagement,
    system=System.PSA,
    resource="engagements",
    table="public.engagements",
    key="id",
    anchor_key="crm_opportunity_id",
    copies={
        "client_id": Column(name="client_id"),
        "name": Column(name="title"),
        "stage": Column(name="phase", words=ENGAGEMENT_STAGE),
        "expected_value": MoneyColumns(amount="planned_amount", currency="planned_currency"),
        "probability": Column(name="win_probability"),
        "starts_on": Column(name="start_date"),
        "ends_on": Column(name="finish_date"),
    },
)

PROJECT = Binding(
    entity=Project,
    system=System.PSA,
    resource="projects",
    table="public.projects",
    key="id",
    anchor_key="erp_code",
    owns={
        "completed_share": Column(name="percent_done", read=fraction_of, write=percent_of),
        "health": Column(name="health"),
        "manager_id": Column(name="manager_user_id"),
        "team_ids": Column(name="member_ids"),
    },
    copies={
        "client_id": Column(name="client_id"),
        "name": Column(name="name"),
        "status": Column(name="state", words=PROJECT_STATUS),
        "method": Column(name="billing_method"),
        "region": Column(name="region"),
        "budget": MoneyColumns(amount="budget_amount", currency="budget_currency"),
        "budget_minutes": Column(name="budget_hours", read=minutes_of, write=hours_of),
    },
)

RESOURCE = Binding(
    entity=Resource,
    system=System.PSA,
    resource="users",
    table="public.users",
    key="id",
    anchor_key="hr_number",
    owns={
        "role": Column(name="job_role"),
        "skills": Column(name="skills"),
    },
    copies={
        "name": Column(name="display_name"),
        "email": Column(name="email"),
        "employment_status": Column(name="employment_state", words=EMPLOYMENT_STATUS),
        "grade": Column(name="grade"),
        "calendar": work_calendar("working_hours"),
        "country": Column(name="country"),
    },
)

PAYMENT_STATUS = Binding(
    entity=PaymentStatus,
    system=System.PSA,
    resource="receivables",
    table="public.receivables",
    key="id",
    anchor_key="billing_invoice_id",
    found_by="invoice_id",
    copies={
        "status": Column(name="payment_state", words=PAYMENT_STATE),
        "paid": MoneyColumns(amount="paid_amount", currency="currency"),
        "balance": MoneyColumns(amount="open_amount", currency="currency"),
        "last_payment_on": Column(name="last_payment_on"),
    },
)


LEGAL_ENTITY = Binding(
    entity=LegalEntity,
    system=System.PSA,
    resource="entities",
    table="public.entities",
    key="id",
    anchor_key="erp_entity",
    copies={
        "name": Column(name="title"),
        "country": Column(name="country"),
        "functional_currency": Column(name="default_currency"),
    },
)


def _refusal(body: Any) -> tuple[str, str]:
    first = body["errors"][0]
    return first["code"], first["detail"]


DIALECT = Dialect(refusal=_refusal, stale=frozenset({"conflict"}))
MATCH = {FilterOp.IN: "", FilterOp.CONTAINS: "[like]", FilterOp.FROM: "[gte]", FilterOp.TO: "[lte]"}
_SINCE = (("page[size]", "{limit}"), ("filter[{time}][gte]", "{since}"), ("sort", "{time},{id}"))
CHANGED = ChangedForm(first=_SINCE, further=(*_SINCE, ("page[after]", "{at},{key}")))


class Psa:
    """The PSA over its JSON:API."""

    system = System.PSA
    bindings = (
        *(CLIENT, ENGAGEMENT, *CONTRACTS, PROJECT, RESOURCE, PAYMENT_STATUS, LEGAL_ENTITY),
        *WORK,
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self._upstream = Upstream(self.system, endpoint, DIALECT)

    async def fetch(self, query: RowQuery) -> Rows:
        return await self._upstream.read(_path(query.binding), list(_parameters(query)), _page)

    async def changed(self, query: ChangedQuery) -> Rows:
        return await self._upstream.read(_path(query.binding), CHANGED.parameters(query), _page)

    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        created: Row = await self._upstream.write(
            "POST", _path(binding), {"data": row}, shape=_record
        )
        return created

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        body = {"data": row} if version is None else {"data": row, "version": version}
        path = f"{_path(binding)}/{path_segment(key)}"
        updated: Row = await self._upstream.write("PATCH", path, body, shape=_record)
        return updated

    async def act(
        self, binding: Binding, key: str, action: str, arguments: Mapping[str, Any]
    ) -> Row:
        call = call_of(CALLS, binding, action)
        path = f"{_path(binding)}/{path_segment(key)}/{call.path}"
        body = {"data": call.body(arguments)}
        result: Row = await self._upstream.write("POST", path, body, shape=_record)
        return result

    async def close(self) -> None:
        await self._upstream.close()


def _page(page: Any) -> Rows:
    return page_of(page["data"], page["links"]["next"])


def _record(answer: Any) -> Row:
    return record_of(answer["data"])


def _path(binding: Binding) -> str:
    return f"/api/v2/{binding.resource}"


def _parameters(query: RowQuery) -> Iterator[tuple[str, str]]:
    yield "page[size]", str(query.limit)
    if query.after is not None:
        yield "page[after]", query.after
    if query.before is not None:
        yield "page[before]", query.before
    if query.descending:
        yield "sort", f"-{query.binding.key}"
    for condition in query.where:
        yield _condition(query.binding, condition)


def _condition(binding: Binding, condition: Condition) -> tuple[str, str]:
    name = "ids" if condition.column == binding.key else condition.column
    value = condition.value
    text = comma_list(value) if condition.op is FilterOp.IN else str(value)
    return f"filter[{name}]{MATCH[condition.op]}", text
