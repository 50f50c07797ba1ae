"""ERP: system of record for projects, for the accounting side of clients, and for the ledger.

Reads: legal entities, clients, projects, ledger documents and payments, and its copies of people,
contracts, plans, time and expenses. Writes: guarded by version (`If-Match`); posted documents are
immutable. Acts: the life of projects, and of invoices from their posting on. Creates are not
idempotent, but a project keeps the caller's reference, by which a lost create is found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from schema.entity import FilterOp
from schema.errors import Invalid
from schema.system import System
from sync.connectors.binding import Binding, Row
from sync.connectors.calls import call_of
from sync.connectors.changed_form import ChangedForm
from sync.connectors.erp_bindings import (
    CLIENT,
    INVOICE,
    LEGAL_ENTITY,
    PAYMENT_STATUS,
    PROJECT,
    RESOURCE,
)
from sync.connectors.erp_calls import CALLS
from sync.connectors.erp_contracts import CONTRACTS
from sync.connectors.erp_work import WORK
from sync.connectors.http import Dialect, Endpoint, Upstream, page_of, path_segment, record_of
from sync.connectors.ports import ChangedQuery, Condition, RowQuery, Rows


def _refusal(body: Any) -> tuple[str, str]:
    error = body["error"]
    return error["code"], error["message"]["value"]


DIALECT = Dialect(refusal=_refusal, stale=frozenset({"STALE"}))
NUMBERED = frozenset({"doc_id", "id"})
COMPARE = {FilterOp.FROM: "ge", FilterOp.TO: "le"}


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


_IN_ORDER = (("$orderby", "{time},{id}"), ("$top", "{limit}"))
_BEHIND = "{time} gt {at} or {time} eq {at} and {id} gt {key}"
CHANGED = ChangedForm(
    first=(("$filter", "{time} ge {since}"), *_IN_ORDER),
    further=(("$filter", _BEHIND), *_IN_ORDER),
    literal=_literal,
)


class Erp:
    """The ERP over its OData API."""

    system = System.ERP
    bindings = (
        *(LEGAL_ENTITY, CLIENT, PROJECT, *CONTRACTS, RESOURCE, INVOICE, PAYMENT_STATUS),
        *WORK,
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
        call = call_of(CALLS, binding, action)
        path = f"{_path(binding)}/{path_segment(key)}/{call.path}"
        body = call.body(arguments)
        result: Row = await self._upstream.write("POST", path, body, shape=record_of)
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
