"""What a process remembers of the keys by which systems call a record."""

from __future__ import annotations

import asyncpg

from schema.canon import Client
from schema.ids import mint
from schema.system import System
from sync.connectors.refs import Ref
from sync.xref import Xref

CLIENT = mint("cli", "crm", "ACC-00001")


async def test_a_record_that_is_made_again_is_called_by_its_new_key_within_a_minute(
    pool: asyncpg.Pool,
) -> None:
    """No version tells of a second link; the first key used to be gone by until a restart."""
    seconds = [1000.0]
    xref = Xref(pool, lambda: seconds[0])
    for key, later, expected in (("K7", 0, "K7"), ("K9", 59, "K7"), ("K9", 1, "K9")):
        await Xref(pool).link([(Ref(Client, "psa", key), CLIENT)])
        seconds[0] += later
        assert await xref.external_ids(Client, System.PSA, [CLIENT]) == {CLIENT: expected}
