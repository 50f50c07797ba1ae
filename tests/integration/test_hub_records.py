"""The hub's own records: read, written, acted on and captured like those of any other owner."""

from __future__ import annotations

import asyncpg
import pytest

from schema.entity import FilterOp
from schema.errors import Conflict, NotAllowed, NotFound, Rejected
from sync.connectors.hub import Hub
from sync.connectors.hub_bindings import EVENT, HOLD
from sync.connectors.ports import Condition, RowQuery

HELD = {
    "project_no": "P-2601-001",
    "effect": "block_event",
    "reason": "Acceptance is missing",
    "review_by": "2026-12-01",
}


@pytest.fixture
def hub(pool: asyncpg.Pool) -> Hub:
    return Hub(pool)


async def test_a_hold_is_created_once_per_reference(hub: Hub) -> None:
    """The same reference twice answers the same row."""
    row = {**HELD, "hub_reference": "hub-1"}
    first = await hub.create(HOLD, row, idempotency_key="hub-1")
    again = await hub.create(HOLD, row, idempotency_key="hub-1")
    assert first == again
    assert first["id"] == "H0000001"
    assert (first["status"], first["review_by"]) == ("placed", "2026-12-01")


async def test_a_hold_is_on_exactly_one_thing(hub: Hub) -> None:
    """Two scopes at once are refused by name, and nothing is stored."""
    with pytest.raises(Rejected) as refused:
        await hub.create(HOLD, {**HELD, "invoice": "in_000001"}, idempotency_key="hub-2")
    assert refused.value.owner_code == "one_scope"
    assert (await hub.fetch(RowQuery(binding=HOLD))).rows == ()


async def test_a_value_that_no_row_can_hold_is_refused(hub: Hub) -> None:
    """In the database's words; the request can be changed and sent again with its key."""
    held = await hub.create(HOLD, {**HELD, "hub_reference": "hub-3"}, idempotency_key="hub-3")
    for cells in ({"review_by": "2026-13-01"}, {"reason": "A\0B"}):
        with pytest.raises(Rejected) as refused:
            await hub.update(HOLD, held["id"], cells)
        assert refused.value.owner_code == "unstorable"


async def test_a_released_hold_cannot_be_extended(hub: Hub) -> None:
    """The lifecycle decides, and the error names what is possible."""
    key = str((await hub.create(HOLD, HELD, idempotency_key="hub-3"))["id"])
    later = await hub.act(HOLD, key, "extend", {"review_by": "2027-01-15"})
    assert (later["status"], later["review_by"]) == ("extended", "2027-01-15")
    released = await hub.act(HOLD, key, "release", {"by": "fin@firm.example"})
    assert (released["status"], released["released_by"]) == ("released", "fin@firm.example")
    with pytest.raises(NotAllowed, match="RELEASED") as refused:
        await hub.act(HOLD, key, "extend", {"review_by": "2027-02-01"})
    assert refused.value.allowed == ()


async def test_an_update_is_guarded_by_the_version(hub: Hub) -> None:
    """A newer row is not overwritten; a missing one is named."""
    row = await hub.create(HOLD, HELD, idempotency_key="hub-4")
    changed = await hub.update(HOLD, str(row["id"]), {"reason": "Still missing"}, version=1)
    assert (changed["version"], changed["reason"]) == (2, "Still missing")
    with pytest.raises(Conflict):
        await hub.update(HOLD, str(row["id"]), {"reason": "Lost"}, version=1)
    with pytest.raises(NotFound):
        await hub.update(HOLD, "H9999999", {"reason": "Nobody's"})


async def test_rows_are_narrowed_and_paged_by_key(hub: Hub) -> None:
    """Filters and cursors are the database's work; one row more is only counted."""
    for number in range(5):
        row = {**HELD, "project_no": f"P-2601-{number % 2:03d}"}
        await hub.create(HOLD, row, idempotency_key=str(number))
    where = (Condition(column="project_no", op=FilterOp.IN, value=("P-2601-000",)),)
    page = await hub.fetch(RowQuery(binding=HOLD, where=where, limit=2))
    assert ([row["id"] for row in page.rows], page.has_more) == (["H0000001", "H0000003"], True)
    rest = await hub.fetch(RowQuery(binding=HOLD, where=where, after="H0000003"))
    assert [row["id"] for row in rest.rows] == ["H0000005"]
    late = (Condition(column="review_by", op=FilterOp.FROM, value="2026-12-02"),)
    assert (await hub.fetch(RowQuery(binding=HOLD, where=late))).rows == ()


async def test_amounts_are_spelt_as_text(hub: Hub, pool: asyncpg.Pool) -> None:
    """A decimal keeps every digit; no float is in between."""
    await pool.execute(
        "INSERT INTO hub.billing_event (project_no, kind, service_from, service_to, quantity,"
        " amount, currency) VALUES ('P-1', 'time', '2026-11-01', '2026-11-30', 7.5, 0.1, 'EUR')"
    )
    [row] = (await hub.fetch(RowQuery(binding=EVENT))).rows
    assert (row["quantity"], row["amount"]) == ("7.500000", "0.100000")
