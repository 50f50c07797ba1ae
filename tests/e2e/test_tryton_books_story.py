"""What accounting in Tryton keeps beside invoices: the cost of approved time, the firm's companies.

A line of time is Concord's copy of an entry at the PSA. The companies are Tryton's own.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from rich.console import Console
from support.staged import DEADLINE_S, Staged, firm_on_tryton
from support.targets import until

from hub.doctor import matrix
from hub.tryton.rpc import Values

pytestmark = [pytest.mark.tryton, pytest.mark.asyncio(loop_scope="module")]
firm = firm_on_tryton("erp")
WAITING = """
{ timeEntries(first: 5, filter: {status: [SUBMITTED]}) {
    nodes { id worked note _meta { owner recordKey } } } }
"""
APPROVE = """
mutation ($id: ID!, $key: String!) {
  approveTimeEntry(id: $id, by: "lead@firm.example", idempotencyKey: $key) {
    ... on TimeEntryWritten { timeEntry { status } } ... on Refused { code message } } }
"""
RECALL = """
mutation ($id: ID!, $key: String!) {
  recallTimeEntry(id: $id, idempotencyKey: $key) {
    ... on TimeEntryWritten { timeEntry { status } } ... on Refused { code message } } }
"""
COMPANIES = """
{ legalEntities(read: {mode: PROJECTED}) { nodes {
    code name functionalCurrency periods { period state } _meta { source } } } }
"""
OWE = """
INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at)
VALUES ('erp', 'time_entry', $1, '{worked}', 'test', now())
"""
DUE = "SELECT count(*) FROM delivery WHERE record_id = $1 AND state IN ('pending', 'sending')"
HELD = "SELECT key, copies FROM replica_state WHERE (system, record_id) = ('erp', $1)"
UNHEARD = (
    "SELECT count(*) FROM write_ledger WHERE (target, record_id) = ('erp', $1)"
    " AND echoed_at IS NULL"
)
KNOWN = (
    "SELECT target, state, attempts, last_error FROM delivery WHERE record_id = $1",
    "SELECT version, sent_at, echoed_at FROM write_ledger WHERE record_id = $1",
    "SELECT system, key, version, copies FROM replica_state WHERE record_id = $1",
)
FORGET = "DELETE FROM {table} WHERE (system, record_id) = ('erp', $1)"


class Line:
    """The lines of one entry in Tryton, and what the hub knows of them."""

    def __init__(self, firm: Staged, entry: Any) -> None:
        [part] = [part for part in entry["_meta"] if part["owner"] == "PSA"]
        self.firm, self.id, self.key = firm, entry["id"], part["recordKey"]

    async def act(self, mutation: str) -> str:
        told = await self.firm.ask(mutation, id=self.id, key=str(uuid4()))
        [outcome] = told.values()
        return str(outcome["timeEntry"]["status"])

    async def rows(self) -> list[dict[str, Any]]:
        """Asked beside the loop, in which the hub has work to do."""
        return await asyncio.to_thread(self._rows)

    async def correct(self, duration: timedelta) -> None:
        """A person changes the line in Tryton."""
        [row] = await self.rows()
        await asyncio.to_thread(self._write, row["id"], {"duration": duration})

    async def owe(self) -> None:
        await self.firm.play.hub.pool.execute(OWE, self.id)
        await self.firm.play.hub.pool.execute("SELECT pg_notify('delivery', '')")
        await self.until(self.is_settled)

    async def forget(self) -> None:
        """What a hub has lost that restarts from an older backup."""
        for table in ("replica_state", "xref"):
            await self.firm.play.hub.pool.execute(FORGET.format(table=table), self.id)

    async def until(self, look: Callable[[], Awaitable[bool]]) -> None:
        """Wait for it; what never came is told with what the hub knows of the line."""
        try:
            await until(look, seconds=DEADLINE_S)
        except TimeoutError:
            pool = self.firm.play.hub.pool
            known = [dict(row) for sql in KNOWN for row in await pool.fetch(sql, self.id)]
            pytest.fail(f"{look}: Tryton has {await self.rows()}, the hub knows {known}")

    async def is_settled(self) -> bool:
        return not await self.firm.play.hub.pool.fetchval(DUE, self.id)

    async def is_there(self) -> bool:
        return await self.is_settled() and len(await self.rows()) == 1

    async def is_gone(self) -> bool:
        return await self._held() is None and not await self.rows()

    async def is_heard(self) -> bool:
        """Every write of ours has come back from the log."""
        pool = self.firm.play.hub.pool
        return await self._held() is not None and not await pool.fetchval(UNHEARD, self.id)

    async def is_held_as(self, minutes: int) -> bool:
        held = await self._held()
        return held is not None and held["copies"]["worked"] == minutes

    def _rows(self) -> list[dict[str, Any]]:
        with closing(self.firm.tryton("erp").log_in_admin()) as clerk:
            of_entry = [("description", "like", f"psa:{self.key} %")]
            return clerk.read("timesheet.line", of_entry, "duration", "cost_price", "description")

    def _write(self, number: int, values: Values) -> None:
        with closing(self.firm.tryton("erp").log_in_admin()) as clerk:
            clerk.write("timesheet.line", [number], values)

    async def _held(self) -> Any:
        return await self.firm.play.hub.pool.fetchrow(HELD, self.id)


async def test_approved_time_is_one_line_however_often_it_is_delivered(firm: Staged) -> None:
    """Written once, captured back as ours, found again where the hub has forgotten it."""
    entry = (await firm.ask(WAITING))["timeEntries"]["nodes"][0]
    line = Line(firm, entry)
    assert await line.rows() == []
    assert await line.act(APPROVE) == "APPROVED"
    await line.until(line.is_there)
    await line.until(line.is_heard)
    [row] = await line.rows()
    assert row["duration"]["seconds"] == entry["worked"] * 60
    assert row["description"] == f"psa:{line.key} {entry['note']}"
    assert await line.is_held_as(entry["worked"])

    await line.owe()
    await line.forget()
    await line.owe()
    assert await line.rows() == [row]


async def test_what_a_person_changes_is_seen_and_corrected(firm: Staged) -> None:
    """The captured row says what the ledger holds; the next delivery puts it right."""
    entry = (await firm.ask(WAITING))["timeEntries"]["nodes"][0]
    line = Line(firm, entry)
    await line.act(APPROVE)
    await line.until(line.is_heard)
    await line.correct(timedelta(minutes=7))
    await line.until(lambda: line.is_held_as(7))
    await line.owe()
    [row] = await line.rows()
    assert row["duration"]["seconds"] == entry["worked"] * 60
    await line.until(lambda: line.is_held_as(entry["worked"]))


async def test_recalled_time_is_taken_out_of_the_books(firm: Staged) -> None:
    """It costs nothing until it is approved again; the log tells that the line is gone."""
    line = Line(firm, (await firm.ask(WAITING))["timeEntries"]["nodes"][0])
    await line.act(APPROVE)
    await line.until(line.is_heard)
    assert await line.act(RECALL) == "DRAFT"
    await line.until(line.is_gone)


async def test_the_projection_holds_the_companies_and_hears_of_their_books(firm: Staged) -> None:
    """A name is the party's, a period of a year's: neither row knows whose it is."""
    before = await _companies(firm)
    assert {code: one["functionalCurrency"] for code, one in before.items()} == {
        "NL01": "EUR",
        "UK01": "GBP",
        "US01": "USD",
    }
    await asyncio.to_thread(_rename_and_close, firm)

    async def has_arrived() -> bool:
        now = await _companies(firm)
        return (
            now["UK01"]["name"] == "Meridian Partners (Britain) Ltd"
            and _state(now["US01"], "2026-09") == "CLOSED"
        )

    await until(has_arrived, seconds=DEADLINE_S)
    assert _state(before["US01"], "2026-09") == "OPEN"
    assert (await _companies(firm))["NL01"] == before["NL01"]


async def test_the_doctor_says_what_tryton_holds_as_the_erp(firm: Staged) -> None:
    """Contracts, plans and expenses have no place in its accounting: named, and not held."""
    page = io.StringIO()
    Console(file=page, width=200).print(matrix(firm.play.hub.connectors))
    rows = [[c.strip() for c in line.split("│")[1:-1]] for line in page.getvalue().splitlines()]
    cells = {row[0]: row[4] for row in rows if len(row) > 4}
    assert (cells["TimeEntry"], cells["LegalEntity"]) == ("cwt", "ot")
    lacking = ("Sow", "Milestone", "Retainer", "Assignment", "ExpenseItem", "Resource")
    assert {cells[name] for name in lacking} == {"-"}


async def _companies(firm: Staged) -> dict[str, Any]:
    nodes = (await firm.ask(COMPANIES))["legalEntities"]["nodes"]
    assert {part["source"] for one in nodes for part in one["_meta"]} == {"PROJECTION"}
    return {one["code"]: one for one in nodes}


def _state(company: Any, period: str) -> str:
    [found] = [one["state"] for one in company["periods"] if one["period"] == period]
    return str(found)


def _rename_and_close(firm: Staged) -> None:
    """A party gets another name, and a month is closed."""
    with closing(firm.tryton("erp").log_in_admin()) as clerk:
        parties = clerk.search("party.party", [("code", "=", "UK01")])
        clerk.write("party.party", parties, {"name": "Meridian Partners (Britain) Ltd"})
        of_us = [("company.party.code", "=", "US01"), ("name", "=", "2026-09")]
        [period] = clerk.read("account.period", of_us, "company")
        at_home = clerk.within(company=period["company"], companies=[period["company"]])
        at_home.press("account.period", "close", [period["id"]])
