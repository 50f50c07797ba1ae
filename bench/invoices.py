"""Billing's invoices in its own database: how many there are, and how they change."""

from __future__ import annotations

import asyncpg

ROWS = 20_000
ROUNDS = 10
UPDATES = ROWS * ROUNDS
RECORDS = ROWS + UPDATES
"""What a capture tells of them: each row as it is read first, and each update."""

_FILL = f"""
INSERT INTO customers (id, crm_account, currency) VALUES ('cus_1', 'ACC-00001', 'EUR');
INSERT INTO invoices (id, customer, project_code, entity_code, currency, amount_net, status,
    issued_on, due_on, description)
SELECT 'in_' || lpad(n::text, 6, '0'), 'cus_1', 'P-2601-' || lpad((n % 997)::text, 3, '0'),
    'NL01', 'EUR', 1000 + n % 9000, 'draft', DATE '2026-09-01', DATE '2026-10-01',
    'Consulting services'
FROM generate_series(1, {ROWS}) AS n
"""
_UPDATE = "UPDATE invoices SET amount_net = amount_net + 1, version = version + 1"


async def fill_invoices(billing: asyncpg.Connection) -> None:
    await billing.execute(_FILL)


async def update_invoices(billing: asyncpg.Connection) -> None:
    """All of them in each round; after the last, their version is above `ROUNDS`."""
    for _ in range(ROUNDS):
        await billing.execute(_UPDATE)
