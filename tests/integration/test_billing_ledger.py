"""The hub's billing ledger keeps itself true: holds on events and invoices, and allocations."""

from __future__ import annotations

from datetime import date

import asyncpg
import pytest
from support.ledger import Ledger, ledger_over

from schema.entities.billing_event import BillingEventStatus
from schema.entity import FilterOp
from schema.errors import NotAllowed, Rejected
from sync.connectors.codec import decode
from sync.connectors.hub_bindings import EVENT, HOLD
from sync.connectors.hub_review import call_for_review
from sync.connectors.ports import Condition, RowQuery


@pytest.fixture
async def ledger(pool: asyncpg.Pool) -> Ledger:
    return await ledger_over(pool)


async def test_holds_nest(ledger: Ledger) -> None:
    """An event is ready again only when the last of its holds is released."""
    event = await ledger.event()
    wide, narrow = await ledger.hold(crm_account="ACC-1"), await ledger.hold(billing_event=event)
    assert await ledger.standing(event) == ("held", [wide, narrow])
    await ledger.release(wide)
    assert await ledger.standing(event) == ("held", [narrow])
    await ledger.release(narrow)
    assert await ledger.standing(event) == ("ready", [])
    assert (await ledger.row(event))["version"] == 5


@pytest.mark.parametrize(
    "scope", [{"project_no": "P-1"}, {"crm_account": "ACC-1"}, {"invoice": "in_1"}]
)
async def test_a_hold_covers_its_scope_and_nothing_else(
    ledger: Ledger, scope: dict[str, str]
) -> None:
    """Events of another project, and those that are over, stay as they are."""
    taken = [{"invoice": "in_1", "line": 1, "amount": "40", "currency": "EUR"}]
    inside = await ledger.event(allocations=taken)
    outside = await ledger.event(project_no="P-2")
    over = await ledger.event("invoiced", allocations=taken)
    hold = await ledger.hold(**scope)
    assert await ledger.standing(inside) == ("held", [hold])
    assert await ledger.standing(outside) == ("ready", [])
    assert await ledger.standing(over) == ("invoiced", [])


async def test_what_comes_under_a_standing_hold_is_held_from_the_start(ledger: Ledger) -> None:
    """A new event is held as it becomes ready; a hold that has expired still stands."""
    hold = await ledger.hold(crm_account="ACC-1")
    assert await ledger.standing(await ledger.event()) == ("held", [hold])
    assert await call_for_review(ledger.pool, date(2026, 12, 2)) == 1
    priced = await ledger.event("priced")
    assert await ledger.standing(priced) == ("priced", [hold])
    await ledger.pool.execute("UPDATE hub.billing_event SET status = 'ready' WHERE id = $1", priced)
    assert await ledger.standing(priced) == ("held", [hold])


async def test_only_what_is_overdue_is_called_for_review(ledger: Ledger) -> None:
    """On its last day a hold stands as placed; the day after it asks for a review, once."""
    hold = await ledger.hold(project_no="P-1")
    released = await ledger.hold(project_no="P-1")
    await ledger.release(released)
    assert await call_for_review(ledger.pool, date(2026, 12, 1)) == 0
    assert await call_for_review(ledger.pool, date(2026, 12, 2)) == 1
    assert await call_for_review(ledger.pool, date(2026, 12, 3)) == 0
    sql = "SELECT status, version FROM hub.billing_hold ORDER BY id"
    assert [tuple(row) for row in await ledger.pool.fetch(sql)] == [
        ("expired_to_review", 2),
        ("released", 2),
    ]
    row = await ledger.hub.act(HOLD, hold, "extend", {"review_by": "2027-01-15"})
    assert row["status"] == "extended"


async def test_an_invoice_knows_what_stands_in_its_way(ledger: Ledger) -> None:
    """Whatever the hold is on; one that blocks events alone does not block the invoice."""
    event = await ledger.event()
    await ledger.allocate(event, ("in_1", "100"))
    await ledger.hold(project_no="P-1")
    await ledger.hold("block_invoice", project_no="P-2")
    expected = [
        (await ledger.hold("block_invoice", invoice="in_1"), "block_invoice"),
        (await ledger.hold("block_send", crm_account="ACC-1"), "block_send"),
        (await ledger.hold("block_invoice", billing_event=event), "block_invoice"),
    ]
    assert await ledger.invoice_holds("in_1") == expected
    assert await ledger.invoice_holds("in_2") == []


@pytest.mark.parametrize(
    ("amount", "shares", "is_within"),
    [
        ("100", ["60", "40"], True),
        ("100", ["60", "40", "-40"], True),
        ("100", ["60", "40.01"], False),
        ("100", ["-0.01"], False),
        ("-100", ["-60"], True),
        ("-100", ["1"], False),
    ],
)
async def test_no_more_is_allocated_than_there_is(
    ledger: Ledger, amount: str, shares: list[str], is_within: bool
) -> None:
    """The shares of an event add up to something between nothing and all of it."""
    event = await ledger.event(amount=amount)
    allocate = ledger.allocate(event, *(("in_1", share) for share in shares))
    if is_within:
        await allocate
        assert (await ledger.row(event))["invoices"] == ["in_1"]
    else:
        with pytest.raises(asyncpg.CheckViolationError, match="allocated_within_amount"):
            await allocate


async def test_an_event_is_cancelled_before_it_is_allocated(ledger: Ledger) -> None:
    """Afterwards another signed event corrects it."""
    event = await ledger.event("pending")
    row = await ledger.hub.act(EVENT, event, "cancel", {})
    assert decode(EVENT, row)["status"] is BillingEventStatus.CANCELLED
    allocated = await ledger.event("allocated")
    with pytest.raises(NotAllowed, match="ALLOCATED"):
        await ledger.hub.act(EVENT, allocated, "cancel", {})


async def test_an_event_has_a_known_status_and_kind(ledger: Ledger) -> None:
    """The database refuses a word that the canon does not have."""
    with pytest.raises(Rejected) as refused:
        await ledger.event("done")
    assert refused.value.owner_code == "known_status"
    with pytest.raises(Rejected) as refused:
        await ledger.event(kind="gift")
    assert refused.value.owner_code == "known_kind"


async def test_events_are_found_by_what_they_bill(ledger: Ledger) -> None:
    """A column that holds a list is narrowed by any of its members."""
    one, other = await ledger.event(time_entries=["7", "8"]), await ledger.event()
    await ledger.allocate(other, ("in_1", "10"))
    for column, value, expected in [("time_entries", "8", one), ("invoices", "in_1", other)]:
        where = (Condition(column=column, op=FilterOp.IN, value=(value, "none")),)
        rows = (await ledger.hub.fetch(RowQuery(binding=EVENT, where=where))).rows
        assert [row["id"] for row in rows] == [expected]
