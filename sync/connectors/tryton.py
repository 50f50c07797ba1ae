"""Tryton 8.2 as the ERP: owner of projects, of the accounting side of clients, and of the ledger.

Reads: REST, batched, filtered and paged by Tryton. Writes: JSON-RPC, guarded by `_timestamp`, which
REST ignores; the guard covers the record's own table, not its addresses and identifiers. Acts:
`post` on an invoice. Captures: tables of which a record is made, read back whenever one of them
changed. Exempt: credit status, which Tryton does not have; copies of people and of delivery.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from schema.entities.project import Project
from schema.entity import FilterOp
from schema.errors import Invalid, NotFound
from schema.lifecycles import LIFECYCLES
from schema.system import System
from sync.connectors.binding import Binding, Row
from sync.connectors.codec import encode
from sync.connectors.http import Dialect, Endpoint, Upstream
from sync.connectors.ports import Condition, RowQuery, Rows
from sync.connectors.tryton_bindings import (
    CLIENT,
    INVOICE,
    PAYMENT_STATUS,
    PROJECT,
    PROJECT_STATUS,
)
from sync.connectors.tryton_entities import LEGAL_ENTITY, with_books
from sync.connectors.tryton_rows import (
    SHAPES,
    Domain,
    Record,
    domain_of,
    holds,
    plain,
    timestamp_of,
    typed_day,
)
from sync.connectors.tryton_session import Account, Session
from sync.connectors.tryton_values import ENCODERS

NUMBERED = frozenset({"id"})


def _refusal(body: Any) -> tuple[str | None, str]:
    return None, " ".join(filter(None, [body["message"], body.get("description")]))


def _records(body: Any) -> list[Record]:
    return [plain(record) for record in body]


DIALECT = Dialect(refusal=_refusal, stale=frozenset())


class Tryton:
    """The ERP over Tryton's two interfaces."""

    system = System.ERP
    bindings = (LEGAL_ENTITY, CLIENT, PROJECT, INVOICE, PAYMENT_STATUS)

    def __init__(self, endpoint: Endpoint, account: Account) -> None:
        self._upstream = Upstream(self.system, endpoint, DIALECT)
        self._session = Session(self._upstream, account)
        self._root = f"/{account.database}/rest/model"

    async def fetch(self, query: RowQuery) -> Rows:
        shape = SHAPES[query.binding.resource]
        key = shape.paths[query.binding.key]
        domain = [*domain_of(shape, query.where), *_window(query, key)]
        order = [[key, "DESC" if query.descending else "ASC"]]
        records = await self._search(
            query.binding.resource, domain, shape.fields, order=order, limit=query.limit + 1
        )
        if query.binding is LEGAL_ENTITY:
            records = await with_books(self, records)
        rows = (shape.read(record) for record in records[: query.limit])
        return Rows(
            rows=tuple(row for row in rows if holds(row, query.where)),
            has_more=len(records) > query.limit,
        )

    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        values = await ENCODERS[binding.resource](self, row, {})
        [made] = await self._session.call(
            f"model.{binding.resource}.create", [values], context=_within(values.get("company"))
        )
        return await self._read_again(binding, made)

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        record = await self._require(binding, key)
        values = await ENCODERS[binding.resource](self, row, record)
        await self._write(binding, record, values, version)
        return await self._read_again(binding, record["id"])

    async def act(
        self, binding: Binding, key: str, action: str, arguments: Mapping[str, Any]
    ) -> Row:
        """`post` makes an invoice legal on `posting_date`; the actions of a project move it on.

        A refused posting leaves a draft, with that date as its invoice date. Raises NotAllowed
        for a project that its lifecycle does not let go there, which Tryton would not mind.
        """
        if binding is PROJECT:
            return await self._move(key, action)
        if binding.resource != INVOICE.resource or action != "post":
            raise Invalid(f"Tryton has no action {action} on {binding.entity.__name__}.")
        record = await self._require(binding, key)
        if record["state"] == "draft":
            day = typed_day(str(arguments["posting_date"]))
            await self._write(binding, record, {"invoice_date": day}, None)
        within = _within(record["company"]["id"])
        await self._session.call("model.account.invoice.post", [record["id"]], context=within)
        return await self._read_again(binding, record["id"])

    async def _move(self, key: str, action: str) -> Row:
        record = await self._require(PROJECT, key)
        state = PROJECT_STATUS[record["status"]["name"]]
        target = LIFECYCLES[Project].require(action, state).target
        return await self.update(PROJECT, key, encode(PROJECT, {"status": target}))

    async def find(self, model: str, domain: Domain, *fields: str) -> Record:
        """The first record of the domain; an empty one when there is none."""
        found = await self._search(model, domain, fields, limit=1)
        return found[0] if found else {}

    async def search(
        self, model: str, domain: Domain, fields: tuple[str, ...], *, limit: int
    ) -> list[Record]:
        return await self._search(model, domain, fields, limit=limit)

    async def read_default(self, field: str, company: int) -> int | None:
        """One of the accounting defaults, which differ by company."""
        default: dict[str, int | None] = await self._session.call(
            "model.account.configuration.default_get", [field], context=_within(company)
        )
        return default.get(field)

    async def close(self) -> None:
        await self._upstream.close()

    async def _write(
        self, binding: Binding, record: Record, values: Mapping[str, Any], version: int | None
    ) -> None:
        number = record["id"]
        context = _within((record.get("company") or {}).get("id"))
        if version is not None:
            context["_timestamp"] = {f"{binding.resource},{number}": timestamp_of(version)}
        await self._session.call(
            f"model.{binding.resource}.write", [number], dict(values), context=context
        )

    async def _require(self, binding: Binding, key: str) -> Record:
        """The record as Tryton has it, with the lines that a write may have to name."""
        where = (Condition(column=binding.key, op=FilterOp.IN, value=(key,)),)
        shape = SHAPES[binding.resource]
        lines = ("lines.id",) if binding.resource == INVOICE.resource else ()
        found = await self.find(binding.resource, domain_of(shape, where), *shape.fields, *lines)
        if not found:
            raise NotFound(f"ERP has no {binding.entity.__name__} {key}.", system=self.system)
        return found

    async def _read_again(self, binding: Binding, number: int) -> Row:
        shape = SHAPES[binding.resource]
        return shape.read(await self.find(binding.resource, [["id", "=", number]], *shape.fields))

    async def _search(
        self,
        model: str,
        domain: Domain,
        fields: tuple[str, ...],
        *,
        order: Domain | None = None,
        limit: int,
    ) -> list[Record]:
        parameters = [("d", _packed(domain)), ("s", str(limit)), *(("f", name) for name in fields)]
        if order is not None:
            parameters.append(("o", _packed(order)))
        return await self._upstream.read(f"{self._root}/{model}", parameters, _records)


def _window(query: RowQuery, key: str) -> Iterator[Domain]:
    convert = int if key in NUMBERED else str
    if query.after is not None:
        yield [key, ">", convert(query.after)]
    if query.before is not None:
        yield [key, "<", convert(query.before)]


def _within(company: int | None) -> dict[str, Any]:
    return {"company": company} if company else {}


def _packed(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()
