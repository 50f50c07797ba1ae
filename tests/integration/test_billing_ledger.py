"""The hub's billing ledger keeps itself true: holds on events, allocations, what is billed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from support.projecting import project

from hub.demo.drawing.expenses import draw_expenses
from hub.demo.drawing.firm import draw_firm
from hub.demo.drawing.time_entries import draw_time_entries
from hub.demo.seeding import DEFAULT_SEED, seed
from schema.canon import Client, ExpenseItem, Invoice, Project, TimeEntry
from schema.entities.billing_event import BillingEventStatus
from schema.entity import FilterOp, entity_name, prefix
from schema.errors import NotAllowed, Rejected
from schema.ids import mint
from schema.system import System
from sync.connectors.binding import Row
from sync.connectors.codec import decode
from sync.connectors.hub import Hub
from sync.connectors.hub_bindings import EVENT, HOLD, INVOICE_HOLDS
from sync.connectors.hub_review import call_for_review
from sync.connectors.ports import Condition, RowQuery
from sync.store.migrate import migrate
from sync.store.pool import connect

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
CLIENT, PROJECT = mint("cli", "crm", "ACC-1"), mint("prj", "erp", "P-1")
INVOICE = mint("inv", "billing", "in_1")
REVIEW_BY = "2026-12-01"


class Ledger:
    """The hub's tables, with one project of one client in the projection."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.hub = Hub(pool)
        self._made = 0

    async def meet(self) -> None:
        pool = self.pool
        await project(pool, Client, CLIENT, System.CRM, "ACC-1", as_of=AS_OF, name="Acme")
        await project(pool, Project, PROJECT, System.ERP, "P-1", as_of=AS_OF, client_id=CLIENT)
        await project(
            pool, Invoice, INVOICE, System.BILLING, "in_1", as_of=AS_OF,
            client_id=CLIENT, project_id=PROJECT,
        )  # fmt: skip
        await pool.executemany(
            "INSERT INTO xref (system, entity, external_id, record_id) VALUES ($1, $2, $3, $4)",
            [
                ("crm", "client", "ACC-1", CLIENT),
                ("erp", "project", "P-1", PROJECT),
                ("billing", "invoice", "in_1", INVOICE),
            ],
        )

    async def event(self, status: str = "ready", **cells: Any) -> str:
        told = {
            "project_no": "P-1",
            "kind": "time",
            "status": status,
            "quantity": "10",
            "service_from": "2026-11-01",
            "service_to": "2026-11-30",
            "amount": "100",
            "currency": "EUR",
            "allocations": [],
            "holds": [],
            **cells,
        }
        self._made += 1
        row = await self.hub.create(
            EVENT, {**told, "hub_reference": f"e{self._made}"}, idempotency_key=f"e{self._made}"
        )
        return str(row["id"])

    async def hold(self, effect: str = "block_event", **scope: str) -> str:
        self._made += 1
        told = {"effect": effect, "reason": "Dispute", "review_by": REVIEW_BY, **scope}
        row = await self.hub.create(HOLD, told, idempotency_key=str(self._made))
        return str(row["id"])

    async def release(self, hold: str) -> None:
        await self.hub.act(HOLD, hold, "release", {"by": "fin@firm.example"})

    async def standing(self, event: str) -> tuple[str, list[str]]:
        row = await self.row(event)
        return row["status"], row["holds"]

    async def row(self, event: str) -> asyncpg.Record:
        return await self.pool.fetchrow("SELECT * FROM hub.billing_event WHERE id = $1", event)

    async def allocate(self, event: str, *shares: tuple[str, str]) -> None:
        told = [
            {"invoice": invoice, "line": line, "amount": amount, "currency": "EUR"}
            for line, (invoice, amount) in enumerate(shares, start=1)
        ]
        sql = "UPDATE hub.billing_event SET allocations = $2, status = 'allocated' WHERE id = $1"
        await self.pool.execute(sql, event, told)

    async def write_off(self, event: str, reason: str = "Rework") -> Row:
        told = {"by": "cfo@firm.example", "reason": reason}
        return await self.hub.act(EVENT, event, "write_off", told)

    async def hear(self, entry: str, of: type = TimeEntry, **told: Any) -> None:
        """What the PSA says of work reaches the projection."""
        record_id = mint(prefix(of), "psa", entry)
        await self.pool.execute(
            "INSERT INTO xref (system, entity, external_id, record_id)"
            " VALUES ('psa', $1, $2, $3) ON CONFLICT DO NOTHING",
            entity_name(of),
            entry,
            record_id,
        )
        await project(self.pool, of, record_id, System.PSA, entry, as_of=AS_OF, **told)

    async def billed(self, entry: str) -> tuple[str, str]:
        sql = "SELECT billing_state, billed_share::text FROM hub.time_price WHERE time_entry = $1"
        state, share = await self.pool.fetchrow(sql, entry)
        return state, share.rstrip("0").rstrip(".")

    async def invoice_holds(self, key: str) -> list[tuple[str, str]]:
        asked = Condition(column="invoice", op=FilterOp.IN, value=(key,))
        [row] = (await self.hub.fetch(RowQuery(binding=INVOICE_HOLDS, where=(asked,)))).rows
        return [(one["hold"], one["effect"]) for one in row["standing"]]


@pytest.fixture
async def ledger(database: str) -> AsyncIterator[Ledger]:
    pool = await connect(database, size=2)
    await migrate(pool)
    ledger = Ledger(pool)
    await ledger.meet()
    yield ledger
    await pool.close()


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
    """The hub has nothing to say of it yet, and of a change that leaves the word as it was."""
    await ledger.hear("7", is_billable=None)
    await ledger.hear("7", is_billable=True)
    assert await ledger.pool.fetchval("SELECT count(*) FROM hub.time_price") == 0
    await ledger.hear("7", is_billable=False)
    await ledger.hear("7", is_billable=False, note="again")
    assert await ledger.pool.fetchval("SELECT version FROM hub.time_price") == 2


async def test_an_expense_that_is_not_billable_is_known_as_well(ledger: Ledger) -> None:
    """By the same rule, in the table of expenses."""
    await ledger.hear("3", ExpenseItem, is_billable=False)
    sql = "SELECT expense, billing_state FROM hub.expense_price"
    assert [tuple(row) for row in await ledger.pool.fetch(sql)] == [("3", "non_billable")]


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
                WHERE p.version > 1 OR (p.billing_state, p.billed_share) <> (b.state, b.share))
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
