"""Tryton 8.2 over its two interfaces, in whichever role its database plays for the firm.

Reads: REST, batched, filtered and paged by Tryton. Writes: JSON-RPC, guarded by `_timestamp`, which
REST ignores; the guard covers the record's own table, not what hangs on it. Acts: by the buttons of
Tryton's forms. Captures: tables of which a record is made, read back whenever one of them changed.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from schema.entity import FilterOp
from schema.errors import Invalid, NotFound
from schema.system import System
from sync.connectors.binding import Binding, Row
from sync.connectors.http import Dialect, Endpoint, Upstream
from sync.connectors.ports import Condition, RowQuery, Rows
from sync.connectors.tryton_lookups import Encode
from sync.connectors.tryton_session import Account, Session
from sync.connectors.tryton_shapes import (
    Domain,
    Record,
    Shape,
    domain_of,
    holds,
    plain,
    timestamp_of,
)


def _refusal(body: Any) -> tuple[str | None, str]:
    return None, " ".join(filter(None, [body["message"], body.get("description")]))


def _records(body: Any) -> list[Record]:
    return [plain(record) for record in body]


DIALECT = Dialect(refusal=_refusal, stale=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a Tryton database is to the firm: what it holds, and what it can be asked for.

    `shapes` and `encoders` are by Tryton's model, and so is what is `removable`: records that are
    copies and nothing else. What is not in `actions` Tryton cannot do.
    """

    system: System
    bindings: tuple[Binding, ...]
    shapes: Mapping[str, Shape]
    encoders: Mapping[str, Encode]
    actions: Mapping[tuple[type, str], Act]
    removable: frozenset[str] = frozenset()


class Tryton:
    """One database of Tryton's, in its role."""

    def __init__(self, role: Role, endpoint: Endpoint, account: Account) -> None:
        self._role = role
        self._upstream = Upstream(role.system, endpoint, DIALECT)
        self._session = Session(self._upstream, account)
        self._root = f"/{account.database}/rest/model"

    @property
    def system(self) -> System:
        return self._role.system

    @property
    def bindings(self) -> tuple[Binding, ...]:
        return self._role.bindings

    async def fetch(self, query: RowQuery) -> Rows:
        model, shape = query.binding.resource, self._shape(query.binding)
        key = shape.paths[query.binding.key]
        domain = [*domain_of(shape, query.where), *_window(query, shape)]
        order = [[key, "DESC" if query.descending else "ASC"]]
        found = await self._search(model, domain, shape.fields, order=order, limit=query.limit + 1)
        records = await self._completed(shape, found[: query.limit])
        rows = [shape.read(record) for record in records]
        return Rows(
            rows=tuple(row for row in rows if holds(row, query.where)),
            has_more=len(found) > query.limit,
        )

    async def create(self, binding: Binding, row: Row, *, idempotency_key: str) -> Row:
        values = await self._encoder(binding)(self, row, {})
        [made] = await self._session.call(
            f"model.{binding.resource}.create", [values], context=_within(values.get("company"))
        )
        return await self._read_again(binding, made)

    async def update(
        self, binding: Binding, key: str, row: Row, *, version: int | None = None
    ) -> Row:
        record = await self._require(binding, key)
        values = await self._encoder(binding)(self, row, record)
        await self.write(binding, record, values, version=version)
        return await self._read_again(binding, record["id"])

    async def remove(self, binding: Binding, key: str) -> None:
        if binding.resource not in self._role.removable:
            raise Invalid(f"A {binding.entity.__name__} cannot be removed in {self.system.name}.")
        with suppress(NotFound):
            record = await self._require(binding, key)
            await self.press(binding, record, "delete")

    async def act(
        self, binding: Binding, key: str, action: str, arguments: Mapping[str, Any]
    ) -> Row:
        """Raises Invalid for what Tryton cannot do, NotAllowed for what the record's state forbids.

        Tryton itself passes over a record in another state, or would not mind.
        """
        act = self._role.actions.get((binding.entity, action))
        if act is None:
            raise Invalid(f"Tryton has no action {action} on {binding.entity.__name__}.")
        record = await self._require(binding, key)
        await act(self, binding, record, arguments)
        return await self._read_again(binding, record["id"])

    def row_of(self, binding: Binding, record: Record) -> Row:
        return self._shape(binding).read(record)

    async def write(
        self,
        binding: Binding,
        record: Record,
        values: Mapping[str, Any],
        *,
        version: int | None = None,
    ) -> None:
        """Change one record; with `version`, only if it has not moved on."""
        context = _guarded(binding, record, version)
        await self._session.call(
            f"model.{binding.resource}.write", [record["id"]], dict(values), context=context
        )

    async def press(
        self, binding: Binding, record: Record, button: str, *, version: int | None = None
    ) -> None:
        """Press a button of the record's form; with `version`, only if it has not moved on."""
        context = _guarded(binding, record, version)
        method = f"model.{binding.resource}.{button}"
        await self._session.call(method, [record["id"]], context=context)

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

    def _shape(self, binding: Binding) -> Shape:
        return self._role.shapes[binding.resource]

    def _encoder(self, binding: Binding) -> Encode:
        """Raises Invalid for a type that cannot be written here."""
        encoder = self._role.encoders.get(binding.resource)
        if encoder is None:
            raise Invalid(f"A {binding.entity.__name__} cannot be written in {self.system.name}.")
        return encoder

    async def _require(self, binding: Binding, key: str) -> Record:
        """The record as Tryton has it, with the ids of its lines, which a write may name."""
        where = (Condition(column=binding.key, op=FilterOp.IN, value=(key,)),)
        shape = self._shape(binding)
        found = await self.find(binding.resource, domain_of(shape, where), *shape.fields)
        if not found:
            who = f"{self.system.name} has no {binding.entity.__name__} {key}."
            raise NotFound(who, system=self.system)
        return (await self._completed(shape, [found]))[0]

    async def _read_again(self, binding: Binding, number: int) -> Row:
        shape = self._shape(binding)
        found = await self.find(binding.resource, [["id", "=", number]], *shape.fields)
        return shape.read((await self._completed(shape, [found]))[0])

    async def _completed(self, shape: Shape, records: list[Record]) -> list[Record]:
        return records if shape.complete is None else await shape.complete(self, records)

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


Act = Callable[[Tryton, Binding, Record, Mapping[str, Any]], Awaitable[None]]
"""Carries one action out on a record, as it has just been read."""


def _window(query: RowQuery, shape: Shape) -> Iterator[Domain]:
    column = query.binding.key
    key = shape.paths[column]
    if query.after is not None:
        yield [key, ">", shape.operand(column, query.after)]
    if query.before is not None:
        yield [key, "<", shape.operand(column, query.before)]


def _guarded(binding: Binding, record: Record, version: int | None) -> dict[str, Any]:
    context = _within((record.get("company") or {}).get("id"))
    if version is not None:
        stamp = {f"{binding.resource},{record['id']}": timestamp_of(version)}
        context["_timestamp"] = stamp
    return context


def _within(company: int | None) -> dict[str, Any]:
    return {"company": company} if company else {}


def _packed(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()
