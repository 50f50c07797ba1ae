"""What a rebuild is tried with: a history of an owner's records, and what others would notice."""

from __future__ import annotations

import asyncpg
from support.captured_owner import World

from cdc.rebuild import Rebuilt
from sync.store.shadow import LEDGERS, PROJECTION

EFFECTS = ("delivery", "feed_event", "dead_letter", "xref", "replica_state", "write_ledger")


async def history(world: World) -> None:
    """What may happen to records: changed, renamed, their key used again, deleted, made again."""
    for statement in (
        "UPDATE accounts SET account_name = account_name || '!' WHERE id < 'ACC-00020'",
        "UPDATE accounts SET id = 'ACC-90000' WHERE id = 'ACC-00010'",
        "INSERT INTO accounts (id, account_name, segment, owner_email, billing_country)"
        " VALUES ('ACC-00010', 'Another', 'SMB', 'b@b.test', 'NL')",
        "UPDATE accounts SET account_name = 'Moved' WHERE id = 'ACC-90000'",
        "DELETE FROM accounts WHERE id IN ('ACC-00011', 'ACC-00012')",
        "INSERT INTO accounts (id, account_name, segment, owner_email, billing_country)"
        " VALUES ('ACC-00012', 'Back', 'SMB', 'b@b.test', 'NL')",
    ):
        await world.owner.execute(statement)
        await world.settled()


async def effects(world: World) -> dict[str, list[asyncpg.Record]]:
    """All that others would notice."""
    return {t: await world.pool.fetch(f"SELECT * FROM {t} ORDER BY 1, 2, 3") for t in EFFECTS}


def differing(rebuilt: Rebuilt) -> dict[str, int]:
    return {table.table: table.different for table in rebuilt.tables if table.different}


async def leftovers(world: World) -> int:
    count: int = await world.pool.fetchval(
        "SELECT count(*) FROM pg_namespace WHERE nspname = ANY ($1)",
        [PROJECTION, LEDGERS, "projection_former"],
    )
    return count


async def writing(world: World) -> None:
    number = 0
    while True:
        number += 1
        key = f"ACC-{number % 60 + 1:05d}"
        await world.owner.execute(
            "UPDATE accounts SET account_name = $1 WHERE id = $2", f"Name {number}", key
        )
