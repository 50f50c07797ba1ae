"""A first reading that takes longer than the owner keeps its write-ahead log."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from cdc.capture.table_shape import CapturedTable
from cdc.capture.wal_reader import WalReader
from cdc.log.port import NewRecord
from hub.embedded import Cluster
from schema.errors import Invalid


@pytest.fixture
def forgetful_owner() -> Iterator[str]:
    """A server of its own that keeps as little as a server can."""
    with tempfile.TemporaryDirectory(prefix="concord-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        with Cluster.start(folder, durable=False, kept_wal="16MB") as cluster:
            yield cluster.dsn()
        Cluster.forget(folder)


class SlowLog:
    """While it takes the records, others write to the owner, whose server then tidies up."""

    def __init__(self, owner: asyncpg.Connection) -> None:
        self._owner = owner

    async def append(self, records: Sequence[NewRecord]) -> None:
        for _ in range(4):
            await self._owner.execute("INSERT INTO elsewhere VALUES (1)")
            await self._owner.execute("SELECT pg_switch_wal()")
        await self._owner.execute("CHECKPOINT")


async def test_a_snapshot_that_cannot_succeed_says_what_to_raise(forgetful_owner: str) -> None:
    """It is not begun again for ever, appending the same rows each time."""
    owner = await asyncpg.connect(forgetful_owner)
    await owner.execute("CREATE TABLE accounts (id bigint PRIMARY KEY)")
    await owner.execute("CREATE TABLE elsewhere (id bigint)")
    await owner.execute("INSERT INTO accounts SELECT generate_series(1, 5000)")
    reader = WalReader(
        system="crm",
        dsn=forgetful_owner,
        tables=(CapturedTable(schema="public", name="accounts"),),
        log=SlowLog(owner),
        slot="cut_off",
        publication="cut_off",
    )
    with pytest.raises(Invalid, match="raise max_slot_wal_keep_size"):
        await reader.run()
    await owner.close()
