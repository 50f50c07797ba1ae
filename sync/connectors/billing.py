"""Billing: system of record for what an invoice says before the ledger makes it legal.

Reads: drafts, and its copies of clients, contracts, rates, projects, ledger words, payments, time,
expenses, holds and billing events. Writes: guarded by version (in the body). Creates are idempotent
by `Idempotency-Key`. Acts: `approve` and `void` on an invoice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schema.entities.invoice import Invoice
from schema.entity import FilterOp
from schema.system import System
from sync.connectors.billing_bindings import (
    CLIENT,
    INVOICE,
    LEGAL_ENTITY,
    PAYMENT_STATUS,
    PROJECT,
)
from sync.connectors.billing_contracts import CONTRACTS
from sync.connectors.billing_holds import EVENT, HOLD
from sync.connectors.billing_work import WORK
from sync.connectors.binding import Binding, Row
from sync.connectors.calls import Call, Calls, call_of
from sync.connectors.changed_form import ChangedForm
from sync.connectors.http import Dialect, Endpoint, Upstream, page_of, path_segment, record_of
from sync.connectors.ports import ChangedQuery, RowQuery, Rows


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
_SINCE = (("limit", "{limit}"), ("{time}[gte]", "{since}"), ("order", "{time}"))
CHANGED = ChangedForm(first=_SINCE, further=(*_SINCE, ("starting_after", "{at},{key}")))


CALLS: Calls = {
    (Invoice, "approve"): Call(path="finalize", names={"by": "approved_by"}),
    (Invoice, "void"): Call(path="void", names={"reason": "comment"}),
}


class Billing:
    """Billing over its REST API."""

    system = System.BILLING
    bindings = (
        *(CLIENT, *CONTRACTS, PROJECT, INVOICE, PAYMENT_STATUS, LEGAL_ENTITY),
        *(HOLD, EVENT, *WORK),
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self._upstream = Upstream(self.system, endpoint, DIALECT)

    async def fetch(self, query: RowQuery) -> Rows:
        if any(c.op is FilterOp.IN and not c.value for c in query.where):
            return Rows(rows=(), has_more=False)
        return await self._upstream.read(_path(query.binding), list(_parameters(query)), _page)

    async def changed(self, query: ChangedQuery) -> Rows:
        return await self._upstream.read(_path(query.binding), CHANGED.parameters(query), _page)

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

    async def act(
        self, binding: Binding, key: str, action: str, arguments: Mapping[str, Any]
    ) -> Row:
        call = call_of(CALLS, binding, action)
        path = f"{_path(binding)}/{path_segment(key)}/{call.path}"
        body = call.body(arguments)
        result: Row = await self._upstream.write("POST", path, body, shape=record_of)
        return result

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
