"""The seeded databases agree with each other, and the stand-ins run as one process."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest

from hub.demo.seeding import seed
from hub.demo.storage import is_indexed, speak_json
from hub.demo.systems import SYSTEMS, create_tables
from hub.embedded import Cluster

Connections = dict[str, Any]

REFERENCES = [
    ("crm", "accounts", "erp_customer_no", "erp", "customers", "customer_no"),
    ("crm", "projects", "erp_project_no", "erp", "projects", "project_no"),
    ("crm", "invoices", "billing_invoice_id", "billing", "invoices", "id"),
    ("psa", "clients", "crm_account_id", "crm", "accounts", "id"),
    ("psa", "engagements", "crm_opportunity_id", "crm", "opportunities", "id"),
    ("psa", "projects", "erp_code", "erp", "projects", "project_no"),
    ("psa", "projects", "unnest(member_ids)", "psa", "users", "id"),
    ("psa", "users", "hr_number", "hr", "employees", "employee_number"),
    ("psa", "receivables", "billing_invoice_id", "billing", "invoices", "id"),
    ("erp", "commitments", "psa_ref", "psa", "allocations", "id::text"),
    ("erp", "commitments", "project_no", "erp", "projects", "project_no"),
    ("erp", "labour_costs", "psa_ref", "psa", "time_entries", "id::text"),
    ("erp", "labour_costs", "commitment_ref", "psa", "allocations", "id::text"),
    ("erp", "labour_costs", "employee_no", "hr", "employees", "employee_number"),
    ("erp", "expense_costs", "psa_ref", "psa", "expense_lines", "id::text"),
    ("erp", "expense_costs", "employee_no", "hr", "employees", "employee_number"),
    ("billing", "time_usage", "psa_entry", "psa", "time_entries", "id::text"),
    ("billing", "time_usage", "worker", "hr", "employees", "employee_number"),
    ("billing", "time_usage", "project_code", "erp", "projects", "project_no"),
    ("billing", "expense_usage", "psa_line", "psa", "expense_lines", "id::text"),
    ("billing", "expense_usage", "project_code", "erp", "projects", "project_no"),
    ("psa", "time_entries", "approver", "hr", "employees", "work_email"),
    ("erp", "customers", "crm_account", "crm", "accounts", "id"),
    ("erp", "projects", "crm_opportunity", "crm", "opportunities", "id"),
    ("erp", "projects", "delivery_manager", "hr", "employees", "employee_number"),
    ("erp", "employees", "hr_number", "hr", "employees", "employee_number"),
    ("erp", "ar_invoices", "billing_ref", "billing", "invoices", "id"),
    ("billing", "customers", "crm_account", "crm", "accounts", "id"),
    ("billing", "projects", "project_code", "erp", "projects", "project_no"),
    ("billing", "invoices", "project_code", "erp", "projects", "project_no"),
    ("crm", "accounts", "owner_email", "hr", "employees", "work_email"),
    ("crm", "projects", "manager_no", "hr", "employees", "employee_number"),
    ("crm", "price_lines WHERE worker_no <> ''", "worker_no", "hr", "employees", "employee_number"),
    (
        *("crm", "deliverables WHERE erp_project_no <> ''", "erp_project_no"),
        *("erp", "projects", "project_no"),
    ),
]

COPIES_OF_CONTRACTS = {
    "statements_of_work": (
        "SELECT id, contract_no, status, ceiling_amount, valid_to FROM statements_of_work",
        {
            "psa": "SELECT crm_contract_id, reference, state, limit_amount, finish_date"
            " FROM contracts",
            "erp": "SELECT crm_contract, contract_reference, contract_status, limit_amount,"
            " valid_to FROM contracts",
            "billing": "SELECT crm_contract, number, status, cap_amount, ends_on FROM contracts",
        },
    ),
    "change_orders": (
        "SELECT id, change_type, status, effective_date FROM change_orders",
        {
            "psa": "SELECT crm_change_id, about, state, effective_date FROM contract_changes",
            "billing": "SELECT crm_change_order, type, status, effective_on FROM contract_changes",
        },
    ),
    "price_lines": (
        "SELECT id, job_role, job_grade, unit_price FROM price_lines",
        {
            "psa": "SELECT crm_price_line_id, job_role, grade, amount FROM rates",
            "billing": "SELECT crm_price_line, role, grade, unit_amount FROM prices",
        },
    ),
    "deliverables": (
        "SELECT id, status, due_date, fee_amount FROM deliverables",
        {
            "psa": "SELECT crm_deliverable_id, state, due_date, amount FROM milestones",
            "erp": "SELECT crm_deliverable, line_status, planned_on, amount"
            " FROM billing_plan_lines",
            "billing": "SELECT crm_deliverable, status, due_on, amount FROM milestones",
        },
    ),
    "retainer_plans": (
        "SELECT id, billing_period, period_fee FROM retainer_plans",
        {
            "psa": "SELECT crm_retainer_id, cycle, fee_amount FROM retainers",
            "erp": "SELECT crm_retainer, cycle, period_amount FROM periodic_plans",
            "billing": "SELECT crm_retainer, cadence, amount FROM retainers",
        },
    ),
}


@pytest.fixture(scope="module")
def filled(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    """The five systems' databases with the firm, seeded once for this module."""
    dsns = {}
    for name in SYSTEMS:
        cluster.create_database(f"seeded_{name}")
        dsns[name] = cluster.dsn(f"seeded_{name}")

    async def fill() -> None:
        async with connected(dsns) as connections:
            for name, connection in connections.items():
                await create_tables(name, connection)
            await seed(connections)

    asyncio.run(fill())
    yield dsns
    for name in SYSTEMS:
        cluster.drop_database(f"seeded_{name}")


@asynccontextmanager
async def connected(dsns: Mapping[str, str]) -> AsyncIterator[Connections]:
    """Connections to the systems of `dsns`, which are closed at the end."""
    async with AsyncExitStack() as stack:
        connections: Connections = {}
        for name, dsn in dsns.items():
            connections[name] = await asyncpg.connect(dsn)
            stack.push_async_callback(connections[name].close)
            await speak_json(connections[name])
        yield connections


@pytest.fixture
async def seeded(filled: Mapping[str, str]) -> AsyncIterator[Connections]:
    """Connections to the seeded systems; what a test writes is taken back after it."""
    async with connected(filled) as connections, AsyncExitStack() as stack:
        for connection in connections.values():
            transaction = connection.transaction()
            await transaction.start()
            stack.push_async_callback(transaction.rollback)
        yield connections


async def column(connection: Any, table: str, expression: str) -> list[Any]:
    return [row[0] for row in await connection.fetch(f"SELECT {expression} FROM {table}")]


async def test_every_reference_resolves(seeded: Connections) -> None:
    """A key that one system keeps of another exists there."""
    for holder, table, reference, owner, owner_table, key in REFERENCES:
        held = await column(seeded[holder], table, reference)
        owned = await column(seeded[owner], owner_table, key)
        assert held
        assert set(held) - {None} <= set(owned), f"{holder}.{table}.{reference}"


async def test_the_money_agrees_in_every_system_that_holds_it(seeded: Connections) -> None:
    """Ledger, billing, CRM and PSA tell the same of each posted invoice."""
    ledger = await seeded["erp"].fetch(
        "SELECT billing_ref, paid_amount, open_amount, last_payment_on FROM ar_invoices"
        " WHERE document_status <> 'DRAFT' ORDER BY 1"
    )
    copies = {
        "billing": "SELECT id, amount_paid, amount_open, last_payment_on FROM invoices"
        " WHERE ledger_status IS NOT NULL ORDER BY 1",
        "crm": "SELECT billing_invoice_id, amount_paid, balance, last_payment_on"
        " FROM invoices ORDER BY 1",
        "psa": "SELECT billing_invoice_id, paid_amount, open_amount, last_payment_on"
        " FROM receivables ORDER BY 1",
    }
    assert len(ledger) > 500
    for system, statement in copies.items():
        rows = await seeded[system].fetch(statement)
        assert [tuple(row) for row in rows] == [tuple(row) for row in ledger]


async def test_documents_in_another_currency_have_a_rate_of_their_day(seeded: Connections) -> None:
    """Invoices, their payments and expenses: dated, published, and 1 only within one currency."""
    stated = {
        "invoices": await seeded["erp"].fetch(
            "SELECT currency AS base, book_currency AS quote, fx_rate AS rate, fx_date AS since,"
            " fx_provider AS source, posted_on AS day FROM ar_invoices WHERE posted_on IS NOT NULL"
        ),
        "payments": await seeded["erp"].fetch(
            "SELECT a ->> 'currency' AS base, a ->> 'book_currency' AS quote,"
            " (a ->> 'fx_rate')::numeric AS rate, (a ->> 'fx_date')::date AS since,"
            " a ->> 'fx_provider' AS source, (a ->> 'applied_on')::date AS day"
            " FROM ar_invoices, jsonb_array_elements(applications) a"
        ),
        "expenses": await seeded["psa"].fetch(
            "SELECT spent_currency AS base, exchange_currency AS quote, exchange_rate AS rate,"
            " exchange_day AS since, exchange_source AS source, spent_day AS day"
            " FROM expense_lines"
        ),
    }
    for what, rows in stated.items():
        abroad = [row for row in rows if row["base"] != row["quote"]]
        assert len(abroad) > 10, what
        assert all(row["rate"] != 1 and row["source"] == "ECB" for row in abroad), what
        assert all(0 <= (row["day"] - row["since"]).days <= 31 for row in abroad), what
        home = [row for row in rows if row["base"] == row["quote"]]
        assert {(row["rate"], row["source"]) for row in home} == {(1, "PAR")}, what


@pytest.mark.parametrize("table", COPIES_OF_CONTRACTS)
async def test_contracts_agree_in_every_system_that_holds_them(
    seeded: Connections, table: str
) -> None:
    """PSA, ERP and billing tell the same of each record of the CRM's contract side."""
    owned, copies = COPIES_OF_CONTRACTS[table]
    truth = [tuple(row) for row in await seeded["crm"].fetch(f"{owned} ORDER BY 1")]
    assert truth
    for system, statement in copies.items():
        rows = await seeded[system].fetch(f"{statement} ORDER BY 1")
        assert [tuple(row) for row in rows] == truth, system


async def test_contracts_keep_their_own_rules(seeded: Connections) -> None:
    """What is signed has a price and an approval, and fixed fees add up to the ceiling."""
    wrong = await seeded["crm"].fetchval(
        "SELECT count(*) FROM statements_of_work s JOIN opportunities o ON o.id = s.opportunity_id"
        " LEFT JOIN price_book_versions v ON v.id = s.price_book_version_id"
        " WHERE (o.stage = 'CLOSED_WON') <> (s.approved_at IS NOT NULL)"
        " OR v.status IS DISTINCT FROM 'PUBLISHED' OR s.currency_iso <> o.currency"
        " OR s.valid_to < s.valid_from"
    )
    assert wrong == 0
    fees = await seeded["crm"].fetch(
        "SELECT s.ceiling_amount, sum(d.fee_amount) FROM statements_of_work s"
        " JOIN deliverables d ON d.sow_id = s.id WHERE s.pricing_model IN ('FIXED', 'MILESTONES')"
        " GROUP BY s.id"
    )
    assert fees
    assert all(ceiling == total for ceiling, total in fees)
    won = "SELECT count(*) FROM opportunities WHERE stage = 'CLOSED_WON'"
    contracted = (
        "SELECT count(DISTINCT opportunity_id) FROM statements_of_work"
        " WHERE approved_at IS NOT NULL"
    )
    assert await seeded["crm"].fetchval(won) == await seeded["crm"].fetchval(contracted)


async def test_the_work_agrees_in_every_system_that_holds_it(seeded: Connections) -> None:
    """PSA, ERP and billing tell the same person, project, day and amount of each entry."""
    minutes = {
        "psa": "SELECT t.id::text, u.hr_number, p.erp_code, work_day, hours * 60, is_chargeable,"
        " memo, approved_at FROM time_entries t JOIN users u ON u.id = user_id"
        " JOIN projects p ON p.id = project_id ORDER BY t.id",
        "erp": "SELECT psa_ref, employee_no, project_no, worked_on, quantity_hours * 60,"
        " is_billable, line_text, approved_at FROM labour_costs ORDER BY id",
        "billing": "SELECT psa_entry, worker, project_code, service_day, minutes_worked,"
        " billable, description, approved_at FROM time_usage ORDER BY id",
    }
    money = {
        "psa": "SELECT e.id::text, u.hr_number, p.erp_code, spent_day, spent_amount, tax_amount,"
        " spent_currency FROM expense_lines e JOIN users u ON u.id = user_id"
        " JOIN projects p ON p.id = project_id ORDER BY e.id",
        "erp": "SELECT psa_ref, employee_no, project_no, spent_on, amount_gross, amount_tax,"
        " currency FROM expense_costs ORDER BY id",
        "billing": "SELECT psa_line, worker, project_code, spent_on, amount, tax, currency"
        " FROM expense_usage ORDER BY id",
    }
    for least, told in ((5_500, minutes), (499, money)):
        owned, *copies = [await seeded[name].fetch(query) for name, query in told.items()]
        assert len(owned) > least
        assert all(list(map(tuple, copy)) == list(map(tuple, owned)) for copy in copies)


async def test_seeding_leaves_indexes_and_references_as_declared(seeded: Connections) -> None:
    """They are dropped while the rows come in, and made again."""
    for name, connection in seeded.items():
        columns = [one for table in SYSTEMS[name].tables for one in table.columns]
        indexes = await column(connection, "pg_indexes WHERE schemaname = 'public'", "indexname")
        foreign = await column(connection, "pg_constraint WHERE contype = 'f'", "conname")
        assert len(foreign) == sum(one.references is not None for one in columns)
        declared = {
            f"{table.name}_{one.name}"
            for table in SYSTEMS[name].tables
            for one in table.columns
            if is_indexed(one)
        }
        assert declared <= set(indexes)


async def test_the_ledger_keeps_its_own_rules(seeded: Connections) -> None:
    """Amounts add up, numbers follow the postings without gap, series stand at the last."""
    wrong = await seeded["erp"].fetchval(
        "SELECT count(*) FROM ar_invoices WHERE gross_amount <> net_amount + tax_amount"
        " OR (document_no IS NOT NULL AND open_amount <> gross_amount - paid_amount)"
        " OR (document_status = 'PAID') <> (open_amount = 0 AND document_no IS NOT NULL)"
    )
    assert wrong == 0
    series = await seeded["erp"].fetch(
        "SELECT left(document_no, 9), array_agg(right(document_no, 5)::int ORDER BY posted_on,"
        " document_no), max(posted_on) FROM ar_invoices WHERE document_no IS NOT NULL GROUP BY 1"
    )
    for name, numbers, last_date in series:
        assert numbers == list(range(1, len(numbers) + 1))
        stand = await seeded["erp"].fetchrow("SELECT * FROM number_series WHERE series = $1", name)
        assert tuple(stand) == (name, len(numbers), last_date)


async def test_periods_are_closed_up_to_august(seeded: Connections) -> None:
    """Postings from September on are possible without touching a period."""
    query = "SELECT max(period) FILTER (WHERE NOT is_open), min(period) FILTER (WHERE is_open)"
    row = await seeded["erp"].fetchrow(f"{query} FROM periods")
    assert tuple(row) == ("2026-08", "2026-09")


async def test_seeding_again_changes_nothing(seeded: Connections) -> None:
    """A second start resumes with what has been done since."""
    await seeded["crm"].execute("UPDATE accounts SET account_name = 'Renamed'")
    await seed(seeded, seed=1)
    assert await column(seeded["crm"], "accounts", "account_name") == ["Renamed"] * 40


def test_the_process_serves_the_named_systems_until_told_to_stop(
    create_database: Callable[[str | None], str],
) -> None:
    """It prints the addresses when all answer, keeps the systems apart, and exits with 0."""
    options = ["--only", "crm,hr", "--hr-key", "secret"]
    for name in ("crm", "hr"):
        options += [f"--{name}-dsn", create_database(None)]
    command = [sys.executable, "-m", "hub.demo"]
    subprocess.run([*command, "seed", *options], check=True, timeout=30)  # noqa: S603 (our own)
    with subprocess.Popen(  # noqa: S603 (our own)
        [*command, *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        urls = json.loads(process.stdout.readline())
        assert urls.keys() == {"crm", "hr"}
        headers = {"Authorization": "Bearer secret"}
        assert httpx.get(f"{urls['hr']}/v1/employees", headers=headers).status_code == 200
        assert httpx.get(f"{urls['crm']}/v1/employees", headers=headers).status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
