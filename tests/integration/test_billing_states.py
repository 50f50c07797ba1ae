"""How far work is billed follows from its events and the PSA's word, whatever is written when."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import asyncpg
import pytest
from support.ledger import Ledger, ledger_over

from hub.demo.drawing.expenses import draw_expenses
from hub.demo.drawing.firm import draw_firm
from hub.demo.drawing.time_entries import draw_time_entries
from hub.demo.seeding import DEFAULT_SEED, seed
from schema.canon import ExpenseItem, TimeEntry
from schema.errors import Rejected
from sync.connectors.hub_bindings import EVENT
from sync.store.shadow import PROJECTION, create_shadow, swap


@pytest.fixture
async def ledger(pool: asyncpg.Pool) -> Ledger:
    return await ledger_over(pool)


async def test_work_is_as_far_billed_as_its_events_are_allocated(ledger: Ledger) -> None:
    """A credit frees exactly what it gives back."""
    event = await ledger.event(time_entries=["7", "8"])
    assert await ledger.billed("7") == ("unbilled", "0")
    for shares, expected in [
        ([("in_1", "25")], ("partly_billed", "0.25")),
        ([("in_1", "25"), ("in_2", "75")], ("billed", "1")),
        ([("in_1", "25"), ("in_2", "75"), ("in_3", "-75")], ("partly_billed", "0.25")),
        ([("in_1", "25"), ("in_3", "-25")], ("credited", "0")),
    ]:
        await ledger.allocate(event, *shares)
        assert await ledger.billed("7") == await ledger.billed("8") == expected


async def test_work_that_is_given_up_is_written_off_until_it_is_taken_back(ledger: Ledger) -> None:
    """With who and why; a hold on it does not matter meanwhile, and stands again afterwards."""
    event = await ledger.event(time_entries=["7"])
    row = await ledger.write_off(event)
    assert (row["status"], row["written_off_by"]) == ("written_off", "cfo@firm.example")
    assert (row["write_off_reason"], row["written_off_at"]) == ("Rework", row["updated_at"])
    assert await ledger.billed("7") == ("written_off", "0")
    hold = await ledger.hold(project_no="P-1")
    assert await ledger.standing(event) == ("written_off", [])
    row = await ledger.hub.act(EVENT, event, "reinstate", {})
    assert (row["written_off_by"], row["written_off_at"], row["write_off_reason"]) == (None,) * 3
    assert await ledger.standing(event) == ("held", [hold])
    assert await ledger.billed("7") == ("unbilled", "0")


async def test_only_what_no_invoice_has_taken_is_given_up(ledger: Ledger) -> None:
    """Once it was credited in full it can be; a reason is needed, and nothing is allocated then."""
    event = await ledger.event(time_entries=["7"])
    await ledger.allocate(event, ("in_1", "25"))
    with pytest.raises(Rejected) as refused:
        await ledger.write_off(event)
    assert refused.value.owner_code == "written_off_untaken"
    await ledger.allocate(event, ("in_1", "25"), ("in_2", "-25"))
    with pytest.raises(Rejected) as refused:
        await ledger.write_off(event, reason="")
    assert refused.value.owner_code == "written_off_for_a_reason"
    await ledger.write_off(event)
    assert await ledger.billed("7") == ("written_off", "0")
    with pytest.raises(asyncpg.CheckViolationError, match="written_off_untaken"):
        await ledger.pool.execute(
            "UPDATE hub.billing_event SET allocations = $2 WHERE id = $1",
            event,
            [{"invoice": "in_3", "line": 1, "amount": "1", "currency": "EUR"}],
        )
    await ledger.hub.act(EVENT, event, "reinstate", {})
    assert await ledger.billed("7") == ("credited", "0")


async def test_work_of_several_events_is_as_far_as_those_that_stand(ledger: Ledger) -> None:
    """What was given up is not waited for: the rest being billed, the work is billed."""
    kept, lost = [await ledger.event(time_entries=["7"]) for _ in range(2)]
    await ledger.write_off(lost)
    assert await ledger.billed("7") == ("unbilled", "0")
    await ledger.allocate(kept, ("in_1", "100"))
    assert await ledger.billed("7") == ("billed", "0.5")


async def test_work_that_is_not_billable_follows_the_word_of_the_psa(ledger: Ledger) -> None:
    """As the projection hears it, back and forth; what invoices have taken stays billed."""
    await ledger.hear("7", is_billable=False)
    assert await ledger.billed("7") == ("non_billable", "0")
    event = await ledger.event(time_entries=["7", "8"])
    assert [await ledger.billed(one) for one in "78"] == [("non_billable", "0"), ("unbilled", "0")]
    await ledger.write_off(event)
    assert [await ledger.billed(one) for one in "78"] == [
        ("non_billable", "0"),
        ("written_off", "0"),
    ]
    await ledger.hear("7", is_billable=True)
    assert await ledger.billed("7") == ("written_off", "0")
    await ledger.hub.act(EVENT, event, "reinstate", {})
    await ledger.allocate(event, ("in_1", "100"))
    await ledger.hear("7", is_billable=False)
    assert await ledger.billed("7") == ("billed", "1")
    await ledger.allocate(event, ("in_1", "100"), ("in_2", "-100"))
    assert [await ledger.billed(one) for one in "78"] == [("non_billable", "0"), ("credited", "0")]


async def test_work_that_the_psa_calls_billable_needs_no_row(ledger: Ledger) -> None:
    """The hub has nothing to say of it yet, nor of a change that leaves the word as it was.

    What it does say of work is written once.
    """
    await ledger.hear("7", is_billable=None)
    await ledger.hear("7", is_billable=True)
    assert await ledger.pool.fetchval("SELECT count(*) FROM hub.time_price") == 0
    await ledger.hear("7", is_billable=False)
    await ledger.hear("7", is_billable=False, note="again")
    assert await ledger.pool.fetchval("SELECT version FROM hub.time_price") == 1


async def test_an_expense_that_is_not_billable_is_known_as_well(ledger: Ledger) -> None:
    """By the same rule, in the table of expenses."""
    await ledger.hear("3", ExpenseItem, is_billable=False)
    sql = "SELECT expense, billing_state FROM hub.expense_price"
    assert [tuple(row) for row in await ledger.pool.fetch(sql)] == [("3", "non_billable")]


async def test_what_a_rebuilt_projection_knows_better_is_heard_at_the_swap(ledger: Ledger) -> None:
    """The rebuilding itself says nothing: its tables are filled beside the live ones."""
    await ledger.hear("7", is_billable=False)
    await ledger.hear("8", is_billable=True)
    async with ledger.pool.acquire() as connection:
        await create_shadow(connection)
        await connection.execute(
            f"INSERT INTO {PROJECTION}.time_entry (id, psa_key, is_billable)"
            " SELECT id, psa_key, NOT is_billable FROM projection.time_entry"
        )
        assert [await ledger.billed(one) for one in "7"] == [("non_billable", "0")]
        async with connection.transaction():
            await swap(connection)
    assert [await ledger.billed(one) for one in "78"] == [("unbilled", "0"), ("non_billable", "0")]


@pytest.mark.parametrize("number", range(3))
async def test_a_state_follows_whatever_happened_before(ledger: Ledger, number: int) -> None:
    """After any steps in any order it is what ADR 35 says of the events as they are now."""
    rng, shares, given_up, is_billable = Random(number), dict[str, list[int]](), set[str](), True
    for _ in range(2):
        shares[await ledger.event(time_entries=["7"])] = []
    for _ in range(40):
        event, step = rng.choice(list(shares)), rng.choice(("take", "give back", "give up", "hear"))
        taken = sum(shares[event])
        if step == "hear":
            is_billable = not is_billable
            await ledger.hear("7", is_billable=is_billable)
        elif event in given_up:
            await ledger.hub.act(EVENT, event, "reinstate", {})
            given_up.remove(event)
        elif step == "give up" and not taken:
            await ledger.write_off(event)
            given_up.add(event)
        else:
            shares[event].append(-taken if step == "give back" else rng.randint(0, 100 - taken))
            await ledger.allocate(event, *(("in_1", str(one)) for one in shares[event]))
        standing = [some for one, some in shares.items() if one not in given_up]
        assert (await ledger.billed("7"))[0] == state_of(standing, is_billable)


def state_of(standing: Sequence[Sequence[int]], is_billable: bool) -> str:
    """Of work whose standing events come to 100 each."""
    taken = sum(map(sum, standing))
    if taken:
        return "billed" if taken == 100 * len(standing) else "partly_billed"
    if not is_billable:
        return "non_billable"
    if not standing:
        return "written_off"
    return "credited" if any(standing) else "unbilled"


async def test_the_seeded_ledger_is_what_its_rows_say(ledger: Ledger) -> None:
    """The demo draws what the triggers would derive: they find nothing to correct in it."""
    async with ledger.pool.acquire() as connection:
        await seed({"hub": connection})
    firm = draw_firm(DEFAULT_SEED)
    for of, drawn in ((TimeEntry, draw_time_entries(firm)), (ExpenseItem, draw_expenses(firm))):
        for one in drawn:
            if not one.is_billable:
                await ledger.hear(str(one.number), of, is_billable=False)
    for prices, key, work in (
        ("time_price", "time_entry", "time_entries"),
        ("expense_price", "expense", "expenses"),
    ):
        counted, states, wrong = await ledger.pool.fetchrow(
            f"""
            SELECT count(*), count(DISTINCT p.billing_state), count(*) FILTER (
                WHERE p.version > 1 OR (p.billing_state, p.billed_share, p.written_off_share)
                    <> (b.state, b.billed_share, b.written_off_share))
            FROM hub.{prices} p
            JOIN hub.billed($1, (SELECT array_agg({key}) FROM hub.{prices})) b ON b.entry = p.{key}
            """,
            work,
        )
        assert counted > 200
        assert states >= 5
        assert wrong == 0
    unruly = await ledger.pool.fetchval(
        "SELECT count(*) FROM hub.billing_event WHERE (status = 'held') <> (holds <> '{}')"
        " AND status IN ('ready', 'held')"
    )
    assert unruly == 0
