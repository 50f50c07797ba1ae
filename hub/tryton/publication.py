"""What the hub may see of Tryton's tables: a publication with explicit tables and columns."""

from __future__ import annotations

import asyncpg

from schema.errors import Invalid

PUBLICATION = "concord"

_STAMPS = ("create_date", "create_uid", "write_date", "write_uid")
_TOTALS = ("untaxed_amount_cache", "tax_amount_cache", "total_amount_cache")

PUBLISHED: dict[str, tuple[str, ...]] = {
    "party_party": ("id", "code", "name", *_STAMPS),
    "party_identifier": ("id", "party", "type", "code", *_STAMPS),
    "party_address": ("id", "party", *_STAMPS),
    "party_party_payment_term": ("id", "party", "customer_payment_term", *_STAMPS),
    "project_work": ("id", "number", "type", "name", "party", "company", "status", *_STAMPS),
    "timesheet_work": ("id", "origin", *_STAMPS),
    "account_invoice": ("id", "number", "reference", "state", "type", *_TOTALS, *_STAMPS),
    "account_invoice_line": ("id", "invoice", "amount", *_STAMPS),
    "account_invoice-account_move_line": ("id", "invoice", "line", *_STAMPS),
    "account_move_line": ("id", "move", "reconciliation", *_STAMPS),
}
"""`ir_cache` has no primary key: published for ALL TABLES it would break Tryton itself."""


async def create_publication(dsn: str) -> None:
    """Create the publication unless it is there; it must exist before any replication slot."""
    connection = await asyncpg.connect(dsn)
    try:
        known = await connection.fetchval(
            "SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)", PUBLICATION
        )
        if not known:
            await connection.execute(f"CREATE PUBLICATION {PUBLICATION} FOR TABLE {_tables()}")
    finally:
        await connection.close()


async def require_publication(dsn: str) -> None:
    """Raise Invalid unless every table is published: its changes would be lost in silence."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "SELECT tablename FROM pg_publication_tables WHERE pubname = $1", PUBLICATION
        )
    finally:
        await connection.close()
    missing = PUBLISHED.keys() - {row["tablename"] for row in rows}
    if missing:
        raise Invalid(
            f"publication {PUBLICATION} lacks {', '.join(sorted(missing))}: "
            "create it again before reading changes"
        )


def _tables() -> str:
    return ", ".join(f'"{table}" ({", ".join(columns)})' for table, columns in PUBLISHED.items())
