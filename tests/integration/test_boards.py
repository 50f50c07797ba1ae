"""Boards: figures added up in the projection, exactly, in one currency, with their age."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from support.graph import GraphFirm
from support.projecting import project

from schema.canon import BillingHold, Client, Invoice, Milestone, PaymentStatus, Project, TimeEntry
from schema.ids import mint
from schema.system import System
from sync.read.boards import PROJECT_FIGURES

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=3)


def made(prefix: str, n: int) -> str:
    return mint(prefix, "test", str(n))


class Books:
    """Puts records into the projection, numbered per type."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._last: dict[type, int] = {}

    async def add(
        self, entity: type, prefix: str, system: System, *, as_of: datetime = NOW, **cells: Any
    ) -> str:
        n = self._last[entity] = self._last.get(entity, 0) + 1
        record_id = made(prefix, n)
        await project(self._pool, entity, record_id, system, str(n), as_of=as_of, **cells)
        return record_id

    async def project(self, code: str, **cells: Any) -> str:
        given = {"currency": "EUR", "client_id": made("cli", 1), "status": "active", **cells}
        return await self.add(Project, "prj", System.ERP, code=code, name=code, **given)

    async def time(self, project_id: str, minutes: int, **cells: Any) -> str:
        given = {
            "project_id": project_id, "worked": minutes, "billable": minutes,
            "work_date": date(2026, 3, 2), "status": "approved", "rate_amount": Decimal(90),
            "rate_currency": "EUR", "rate_per": "hour", **cells,
        }  # fmt: skip
        return await self.add(TimeEntry, "tim", System.PSA, **given)

    async def invoice(
        self, net: str, *, open_amount: str | None = None, currency: str = "EUR", **cells: Any
    ) -> str:
        given = {"client_id": made("cli", 1), "ledger_status": "posted", **cells}
        invoice_id = await self.add(
            Invoice, "inv", System.BILLING, net_amount=Decimal(net), net_currency=currency, **given
        )
        if open_amount is not None:
            await self.add(
                PaymentStatus, "pay", System.ERP, invoice_id=invoice_id, status="open",
                balance_amount=Decimal(open_amount), balance_currency=currency,
            )  # fmt: skip
        return invoice_id


@pytest.fixture
def books(pool: asyncpg.Pool) -> Books:
    return Books(pool)


MONEY = "{ amount currency }"
BOARD = f"""
  query($filter: ProjectBoardFilter, $after: String) {{
    projectBoard(filter: $filter, first: 2, after: $after) {{
      nodes {{
        project {{ code client {{ name }} }}
        budget {MONEY} budgetMinutes worked billable budgetUsed invoiced {MONEY}
        unbilled {{ minutes amount {MONEY} unpriced }}
        openInvoices openAmount {MONEY} otherCurrencyInvoices holds
        nextMilestone {{ name dueOn }} asOf
      }}
      pageInfo {{ hasNextPage endCursor }}
    }}
  }}
"""


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


async def test_a_project_is_added_up_across_the_systems(firm: GraphFirm, books: Books) -> None:
    """Work, billing, receivables, holds and milestones, as old as the oldest part of them."""
    await books.add(Client, "cli", System.CRM, name="Aldermoor")
    one = await books.project(
        "P-001", budget_amount=Decimal(5000), budget_currency="EUR", budget_minutes=600
    )
    await books.time(one, 100)
    await books.time(one, 20, billing_state="credited")
    await books.time(one, 60, billing_state="billed", billed_share=1)
    await books.time(one, 80, billing_state="partly_billed", billed_share=Decimal("0.75"))
    await books.time(one, 30, is_billable=False)
    await books.time(one, 15, rate_currency="USD", as_of=OLD)
    await books.time(one, 999, status="submitted")
    await books.invoice("1000.50", project_id=one, open_amount="210.10")
    await books.invoice("100.25", project_id=one, kind="credit")
    await books.invoice("7", project_id=one, currency="USD", open_amount="7")
    await books.invoice("5000", project_id=one, ledger_status=None, draft_status="draft")
    await books.add(BillingHold, "hld", System.HUB, client_id=made("cli", 1), status="placed")
    await books.add(BillingHold, "hld", System.HUB, project_id=one, status="released")
    for name, day, status in (
        ("Late", 20, "planned"),
        ("Soon", 10, "planned"),
        ("x", 1, "accepted"),
    ):
        await books.add(
            Milestone, "mil", System.CRM, project_id=one, name=name, due_on=date(2026, 4, day),
            status=status,
        )  # fmt: skip
    (row,) = (await firm.ask(BOARD))["projectBoard"]["nodes"]
    assert row == {
        "project": {"code": "P-001", "client": {"name": "Aldermoor"}},
        "budget": eur("5000.00"),
        "budgetMinutes": 600,
        "worked": 305,
        "billable": 275,
        "budgetUsed": "0.5083",
        "invoiced": eur("900.25"),
        "unbilled": {"minutes": 155, "amount": eur("210.00"), "unpriced": 15},
        "openInvoices": 2,
        "openAmount": eur("210.10"),
        "otherCurrencyInvoices": 1,
        "holds": 1,
        "nextMilestone": {"name": "Soon", "dueOn": "2026-04-10"},
        "asOf": "2026-03-28T12:00:00Z",
    }
    assert firm.calls() == {}


async def test_a_project_nobody_has_worked_on_has_zeros(firm: GraphFirm, books: Books) -> None:
    """Nothing is added up to nothing; what cannot be known is null."""
    await books.project("P-001", currency=None)
    (row,) = (await firm.ask(BOARD))["projectBoard"]["nodes"]
    assert (row["worked"], row["billable"], row["holds"], row["openInvoices"]) == (0, 0, 0, 0)
    assert row["unbilled"] == {"minutes": 0, "amount": None, "unpriced": 0}
    assert [row[name] for name in ("budget", "budgetUsed", "invoiced", "nextMilestone")] == [
        None
    ] * 4


async def test_the_board_is_filtered_and_paged_by_code(firm: GraphFirm, books: Books) -> None:
    """Pages follow one another by code, under any filter."""
    for n in range(5, 0, -1):
        await books.project(f"P-00{n}", status="closed" if n == 3 else "active")
    seen, after = [], None
    while True:
        board = await firm.ask(BOARD, filter={"status": ["ACTIVE"]}, after=after)
        page = board["projectBoard"]
        seen += [row["project"]["code"] for row in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["P-001", "P-002", "P-004", "P-005"]


UNBILLED = """
  query($filter: ProjectBoardFilter, $after: String) {
    unbilledWork(filter: $filter, first: 2, after: $after) {
      nodes { project { code } month entries unbilled { minutes unpriced amount { amount } } asOf }
      pageInfo { hasNextPage endCursor }
    }
  }
"""


async def test_unbilled_work_is_told_by_project_and_month(firm: GraphFirm, books: Books) -> None:
    """Only approved billable time on no invoice, page by page without gap or repeat."""
    projects = [await books.project(f"P-00{n}") for n in (1, 2)]
    for n, project_id in enumerate(projects, start=1):
        for month in (1, 2, 3):
            await books.time(
                project_id, 10 * n * month, work_date=date(2026, month, 31 - 3 * (month == 2))
            )
            await books.time(
                project_id, 5, work_date=date(2026, month, 1), billing_state="unbilled"
            )
        await books.time(project_id, 500, status="draft")
        await books.time(project_id, 500, billing_state="billed")
        await books.time(project_id, 500, is_billable=False)
    seen: dict[tuple[str, str], Any] = {}
    after = None
    while True:
        page = (await firm.ask(UNBILLED, after=after))["unbilledWork"]
        for row in page["nodes"]:
            seen[row["project"]["code"], row["month"]] = (
                row["unbilled"]["minutes"],
                row["entries"],
            )
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == {
        (f"P-00{n}", f"2026-0{month}-01"): (10 * n * month + 5, 2)
        for n in (1, 2)
        for month in (1, 2, 3)
    }
    assert (
        len(
            (await firm.ask(UNBILLED, filter={"clientId": [made("cli", 9)]}))["unbilledWork"][
                "nodes"
            ]
        )
        == 0
    )


RECEIVABLES = """
  query($filter: ReceivablesFilter, $day: LocalDate, $first: Int, $after: String) {
    receivables(filter: $filter, agedOn: $day, first: $first, after: $after) {
      nodes {
        client { name } currency openInvoices openAmount { amount } overdue { amount }
        days1To30 { amount } days31To60 { amount } days61To90 { amount } daysOver90 { amount }
        oldestDueOn
      }
      pageInfo { hasNextPage endCursor }
    }
  }
"""


async def test_receivables_are_aged_per_client_and_currency(firm: GraphFirm, books: Books) -> None:
    """Due today is not overdue; the four buckets add up to what is overdue."""
    await books.add(Client, "cli", System.CRM, name="Aldermoor")
    day = date(2026, 3, 31)
    for late, amount in ((0, "1"), (1, "2"), (30, "4"), (31, "8"), (60, "16"), (61, "32"),
                         (90, "64"), (91, "128")):  # fmt: skip
        await books.invoice("1", open_amount=amount, due_on=day - timedelta(days=late))
    await books.invoice("1", open_amount="9.99", due_on=None)
    await books.invoice("1", open_amount="50", currency="USD", due_on=day - timedelta(days=2))
    found = await firm.ask(RECEIVABLES, day=day.isoformat())
    in_euro, in_dollars = found["receivables"]["nodes"]
    amounts = ("openAmount", "overdue", "days1To30", "days31To60", "days61To90", "daysOver90")
    assert [in_euro[name]["amount"] for name in amounts] == [
        "264.99", "254.00", "6.00", "24.00", "96.00", "128.00",
    ]  # fmt: skip
    assert (in_euro["openInvoices"], in_euro["oldestDueOn"]) == (9, "2025-12-30")
    assert (in_dollars["currency"], in_dollars["overdue"]["amount"]) == ("USD", "50.00")
    assert in_dollars["client"] == {"name": "Aldermoor"}


async def test_receivables_come_page_by_page_most_overdue_first(
    firm: GraphFirm, books: Books
) -> None:
    """By currency, then by what is overdue, each client once."""
    due = date(2026, 1, 1)
    for n, amount in ((1, "10"), (2, "30"), (3, "20"), (4, "20")):
        await books.invoice("1", open_amount=amount, due_on=due, client_id=made("cli", n))
    seen, after = [], None
    while True:
        page = (await firm.ask(RECEIVABLES, day="2026-03-31", first=1, after=after))["receivables"]
        seen += [row["overdue"]["amount"] for row in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == ["30.00", "20.00", "20.00", "10.00"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ projectBoard(first: 101) { nodes { holds } } }", "between 1 and 100"),
        (f'{{ receivables(filter: {{clientId: ["{made("prj", 1)}"]}}) {{ nodes {{ asOf }} }} }}',
         "one of the Projects"),
        ('{ unbilledWork(after: "?") { nodes { entries } } }', "not a cursor"),
    ],
)  # fmt: skip
async def test_bad_board_requests_are_told_what_is_wrong(
    firm: GraphFirm, query: str, words: str
) -> None:
    """One coded error each."""
    (error,) = (await firm.run(query)).errors
    assert error.extensions["code"] == "BAD_USER_INPUT"
    assert words in error.message


async def test_a_page_adds_its_time_up_from_the_index(pool: asyncpg.Pool) -> None:
    """The plan of the figures visits no row of the time entries outside the board's index."""
    await pool.execute(
        """
        INSERT INTO projection.time_entry (id, project_id, status, worked, psa_key, psa_as_of)
        SELECT 'tim_' || n, 'prj_' || n % 200, 'approved', 60, n::text, now()
        FROM generate_series(1, 20000) n
        """
    )
    await pool.execute(
        "INSERT INTO projection.project (id, erp_as_of)"
        " SELECT 'prj_' || n, now() FROM generate_series(0, 199) n"
    )
    await pool.execute("VACUUM ANALYZE projection.time_entry")
    await pool.execute("ANALYZE projection.project")
    ids = [f"prj_{n}" for n in range(50)]
    plan = "\n".join(r[0] for r in await pool.fetch(f"EXPLAIN {PROJECT_FIGURES}", ids))
    assert "Index Only Scan using time_entry_board" in plan, plan
