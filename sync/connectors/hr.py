"""HR: system of record for who works here, where and since when.

Reads: people, filtered and paged by HR, and what has changed since a time. Writes: guarded by
version (in the body). Creates are not idempotent; hiring happens in HR, so the hub has no reason
to create.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schema.entities.legal_entity import LegalEntity
from schema.entities.resource import Resource, WorkerType
from schema.entity import FilterOp
from schema.rate import RateUnit
from schema.system import System
from sync.connectors.binding import Binding, Column, PartColumn, RateColumns, Row
from sync.connectors.changed_form import ChangedForm
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
from sync.connectors.words import EMPLOYMENT_STATUS, work_calendar

RATE_UNITS = {"H": RateUnit.HOUR, "D": RateUnit.DAY, "M": RateUnit.MONTH}

RESOURCE = Binding(
    entity=Resource,
    system=System.HR,
    resource="employees",
    table="public.employees",
    key="employee_number",
    anchor_key="employee_number",
    keeps_extra=False,
    owns={
        "name": Column(name="full_name"),
        "email": Column(name="work_email"),
        "worker_type": Column(
            name="worker_type",
            words={"EMPLOYEE": WorkerType.EMPLOYEE, "CONTRACTOR": WorkerType.CONTRACTOR},
        ),
        "employment_status": Column(name="employment_status", words=EMPLOYMENT_STATUS),
        "country": Column(name="country"),
        "time_zone": Column(name="time_zone"),
        "legal_entity_id": Column(name="entity_code", names=System.ERP),
        "grade": Column(name="grade"),
        "manager_id": Column(name="reports_to"),
        "calendar": work_calendar("work_pattern"),
        "employed_from": Column(name="hired_on"),
        "employed_to": Column(name="left_on"),
        "cost_rates": PartColumn(
            name="cost_rates",
            parts={
                "effective_from": Column(name="valid_from"),
                "rate": RateColumns(
                    amount="amount", currency="currency", per="unit", words=RATE_UNITS
                ),
            },
        ),
    },
)

LEGAL_ENTITY = Binding(
    entity=LegalEntity,
    system=System.HR,
    resource="entities",
    table="public.entities",
    key="id",
    anchor_key="ledger_code",
    copies={
        "name": Column(name="employer_name"),
        "country": Column(name="country"),
        "functional_currency": Column(name="pay_currency"),
    },
)

DIALECT = Dialect(
    refusal=lambda body: (body["error"]["type"], body["error"]["message"]),
    stale=frozenset({"version_conflict"}),
)
_SINCE = (("page_size", "{limit}"), ("changed_since", "{since}"))
CHANGED = ChangedForm(first=_SINCE, further=(*_SINCE, ("changed_after", "{at},{key}")))
SUFFIX = {FilterOp.IN: "", FilterOp.CONTAINS: "_like", FilterOp.FROM: "_from", FilterOp.TO: "_to"}


class Hr:
    """HR over its REST API."""

    system = System.HR
    bindings = (RESOURCE, LEGAL_ENTITY)

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
        body = row if version is None else {**row, "expected_version": version}
        path = f"{_path(binding)}/{path_segment(key)}"
        updated: Row = await self._upstream.write("PATCH", path, body, shape=record_of)
        return updated

    async def close(self) -> None:
        await self._upstream.close()


def _page(page: Any) -> Rows:
    return page_of(page["items"], page["has_more"])


def _path(binding: Binding) -> str:
    return f"/v1/{binding.resource}"


def _parameters(query: RowQuery) -> Iterator[tuple[str, str]]:
    yield "page_size", str(query.limit)
    if query.after is not None:
        yield "cursor", query.after
    if query.before is not None:
        yield "cursor_before", query.before
    if query.descending:
        yield "order", "desc"
    for condition in query.where:
        yield named_condition(query.binding, condition, SUFFIX)
