"""What a write into Tryton needs, whatever its database: ids looked up, lists changed by line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from schema.errors import Rejected
from schema.system import System
from sync.connectors.binding import Row
from sync.connectors.tryton_shapes import CLIENT_MARK, Domain, Record

Values = dict[str, Any]


class Finds(Protocol):
    """How values are looked up."""

    @property
    def system(self) -> System: ...

    async def find(self, model: str, domain: Domain, *fields: str) -> Record:
        """The first record of the domain; an empty one when there is none."""
        ...

    async def read_default(self, field: str, company: int) -> int | None:
        """One of the accounting defaults, which differ by company."""
        ...


Encode = Callable[[Finds, Row, Record], Awaitable[Values]]
"""The values that turn `Record` (empty: a new one) into what `Row` says."""


async def find_term(tryton: Finds, days: int | None) -> int | None:
    if days is None:
        return None
    term = await tryton.find(
        "account.invoice.payment_term", [["lines.relativedeltas.days", "=", days]]
    )
    return required(tryton, term, f"no payment term of {days} days")


async def find_company(tryton: Finds, code: str, currency: str | None) -> Record:
    domain = [["party.code", "=", code]]
    company = await tryton.find("company.company", domain, "currency.code")
    required(tryton, company, f"no company {code}")
    if currency not in (None, company["currency"]["code"]):
        books = company["currency"]["code"]
        raise refused(tryton, f"{code} keeps its books in {books}, not {currency}")
    return company


def required(tryton: Finds, record: Record, lack: str) -> int:
    """The record's id. Raises Rejected when there is none."""
    if not record:
        raise refused(tryton, f"there is {lack} in Tryton")
    found: int = record["id"]
    return found


def refused(tryton: Finds, why: str) -> Rejected:
    system = tryton.system
    return Rejected(
        f"{system.name}: {why}; set it up there or choose another value.", system=system
    )


def tax_change(code: str | None, record: Record) -> list[list[Any]]:
    """The tax number is the first identifier that names no other system's record."""
    known = record.get("identifiers") or ()
    old = [one["id"] for one in known if not one["code"].startswith(CLIENT_MARK)][:1]
    if code is None:
        return [["delete", old]] if old else []
    return [["write", old, {"code": code}]] if old else [new_code(code)]


def new_code(code: str) -> list[Any]:
    return ["create", [{"type": None, "code": code}]]


def address_change(street: str | None, record: Record) -> list[Any]:
    known = [one["id"] for one in record.get("addresses") or ()][:1]
    address = {"street_unstructured": street}
    if known:
        return ["write", known, address]
    return ["create", [{**address, "invoice": True}]]


def comment_with(row: Row, record: Record, marks: Mapping[str, str]) -> Values:
    """The comment with its marked lines replaced; a person's own lines stay."""
    changed = {mark: row[column] for column, mark in marks.items() if column in row}
    if not changed:
        return {}
    lines = (record.get("comment") or "").splitlines()
    kept = [line for line in lines if not line.startswith(tuple(changed))]
    said = [f"{mark}{text}" for mark, text in changed.items() if text is not None]
    return {"comment": "\n".join([*said, *kept])}
