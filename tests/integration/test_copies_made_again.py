"""A copy that a replica deletes and makes again: another row, under another key."""

from __future__ import annotations

import asyncpg
import pytest
from support.watched import Watched, watched_client

from schema.errors import OutcomeUnknown
from schema.system import System


@pytest.fixture
async def watched(pool: asyncpg.Pool) -> Watched:
    return await watched_client(pool)


async def made_again(watched: Watched, version: int) -> str:
    """The copy is made again as K9, whose delete of the former row is behind; the former key."""
    former = dict(watched.row)
    watched.target.rows["clients"] = {"K9": former | {"id": "K9", "version": version}}
    await watched.capture()
    return str(former["id"])


async def test_an_edit_of_a_row_that_was_made_again_is_written_back(watched: Watched) -> None:
    """Its versions begin anew, and the former row's higher ones say nothing about them."""
    watched.row["version"] = 12
    await watched.capture()
    former = await made_again(watched, version=1)
    watched.edit(title="Whim")
    await watched.capture()
    await watched.lose(former)
    assert await watched.compare() == 1
    await watched.deliver()
    assert watched.row["title"] == "First"


async def test_the_delete_of_the_former_row_ends_no_doubt_of_the_new_one(watched: Watched) -> None:
    """A call to the new row lost its answer, and the owner has gone back since."""
    former = await made_again(watched, version=5)
    watched.target.fail("update", OutcomeUnknown("Lost.", system=System.PSA), is_after=True)
    before = dict(watched.row)
    await watched.change(name="Second")
    await watched.desk.deliverer().drain(System.PSA)
    await watched.lose(former)
    now = dict(watched.row)
    watched.row.update(before)
    await watched.capture()
    watched.row.update(now)
    assert watched.row["title"] == "Second"
    await watched.change(name="First")
    await watched.desk.pool.execute("UPDATE delivery SET due_at = now()")
    await watched.deliver()
    assert watched.row["title"] == "First"
