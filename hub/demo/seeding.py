"""Fills the five databases with one firm, so that owners and copies agree from the start."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from operator import itemgetter
from typing import Any

from hub.demo.bulk import unindexed
from hub.demo.company import ENTITIES
from hub.demo.drawing.dice import CLOSED_UNTIL
from hub.demo.drawing.firm import draw_firm
from hub.demo.drawing.size import S, Size
from hub.demo.exchange import copy_exchange_rates
from hub.demo.firm import Firm
from hub.demo.kinds import KEY
from hub.demo.rows.billing import billing_rows
from hub.demo.rows.crm import crm_rows
from hub.demo.rows.erp import erp_rows
from hub.demo.rows.hr import hr_rows
from hub.demo.rows.hub import HUB_TABLES, hub_rows
from hub.demo.rows.psa import psa_rows
from hub.demo.rows.words import Rows
from hub.demo.systems import SYSTEMS
from hub.demo.tables import Connection, Table

DEFAULT_SEED = 2026
SEEDED_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
YEARS = range(2025, 2031)
LAST_CLOSED_PERIOD = f"{CLOSED_UNTIL:%Y-%m}"

HUB = "hub"
"""Concord's own database: it makes its tables itself, and is seeded like the others."""

TABLES = {name: system.tables for name, system in SYSTEMS.items()} | {HUB: HUB_TABLES}

ROWS = {
    "crm": crm_rows,
    "psa": psa_rows,
    "hr": hr_rows,
    "erp": erp_rows,
    "billing": billing_rows,
    HUB: hub_rows,
}


async def seed(
    connections: Mapping[str, Connection], *, seed: int = DEFAULT_SEED, size: Size = S
) -> None:
    """Fills the systems that are still empty, each in one transaction; their tables exist."""
    firm = draw_firm(seed, size)
    async with asyncio.TaskGroup() as filling:
        for name, connection in connections.items():
            filling.create_task(fill(connection, name, firm))


async def fill(connection: Connection, name: str, firm: Firm) -> None:
    tables = TABLES[name]
    async with connection.transaction():
        if await connection.fetchval(f"SELECT EXISTS (SELECT FROM {tables[0].name})"):
            return
        if name == HUB:  # what its triggers would derive is drawn
            await connection.execute("SET LOCAL session_replication_role = replica")
        await copy_rows(connection, tables, ROWS[name](firm))
        if name == "erp":
            await copy_periods(connection)
            await copy_exchange_rates(connection, firm.exchange)
            await copy_series(connection, firm)


async def copy_rows(
    connection: Connection, tables: Sequence[Table], rows: Mapping[str, Rows]
) -> None:
    async with unindexed(connection, tables):
        for table in tables:
            count = await copy_table(connection, table, rows[table.name])
            await advance_keys(connection, table, count)


async def copy_table(connection: Connection, table: Table, rows: Rows) -> int:
    """Streams the rows, all with the fields of the first, and says how many there were."""
    coming = iter(rows)
    first = next(coming, None)
    if first is None:
        return 0
    schema, _, name = table.name.rpartition(".")
    columns, cells = [*first, "updated_at"], itemgetter(*first)
    status = await connection.copy_records_to_table(
        name,
        schema_name=schema or None,
        columns=columns,
        records=((*cells(row), SEEDED_AT) for row in chain([first], coming)),
    )
    return int(status.removeprefix("COPY "))


async def advance_keys(connection: Connection, table: Table, count: int) -> None:
    """The next row the system makes itself gets the key after the seeded ones."""
    comes_with_key = table.new_key is not None or (table.key.kind is KEY and not table.prefix)
    if comes_with_key or count == 0:
        return
    if table.prefix:
        sequence, last = f"{table.name}_serial", table.first + count - 1
    else:
        sequence, last = f"{table.name}_{table.key.name}_seq", count
    await connection.fetchval("SELECT setval($1::text::regclass, $2)", sequence, last)


async def copy_periods(connection: Connection) -> None:
    periods = [f"{year}-{month:02d}" for year in YEARS for month in range(1, 13)]
    await connection.copy_records_to_table(
        "periods",
        columns=["entity_code", "period", "is_open", "updated_at"],
        records=[
            (entity.code, period, period > LAST_CLOSED_PERIOD, SEEDED_AT)
            for entity in ENTITIES
            for period in periods
        ],
    )


async def copy_series(connection: Connection, firm: Firm) -> None:
    """Where the numbering of documents and of projects stands."""
    numbers: Iterable[tuple[str, Any]] = [
        *((one.document_no, one.posted_on) for one in firm.invoices if one.document_no),
        *((one.project_no, None) for one in firm.projects),
    ]
    counts: Counter[str] = Counter()
    last_dates: dict[str, Any] = {}
    for number, day in numbers:
        series = number.rpartition("-")[0]
        counts[series] += 1
        last_dates[series] = day and max(day, last_dates.get(series, day))
    await connection.copy_records_to_table(
        "number_series",
        records=[(series, count, last_dates[series]) for series, count in counts.items()],
    )
