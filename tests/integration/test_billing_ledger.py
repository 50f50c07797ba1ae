"""The hub's billing ledger keeps itself true: holds on events, allocations, what is billed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from support.projecting import project

from hub.demo.seeding import seed
from schema.canon import Client, Invoice, Project
from schema.entities.billing_event import BillingEventStatus
from schema.entity import FilterOp
from schema.errors import NotAllowed, Rejected
from schema.ids import mint
from schema.system import System
from sync.connectors.codec import decode
from sync.connectors.hub import Hub
from sync.connectors.hub_bindings import EVENT, HOLD, INVOICE_HOLDS
from sync.connectors.hub_review import call_for_review
from sync.connectors.ports import Condition, RowQuery

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

    async def billed(self, entry: str) -> tuple[str, str]:
        sql = "SELECT billing_state, billed_share::text FROM hub.time_price WHERE time_entry = $1"
        state, share = await self.pool.fetchrow(sql, entry)
        return state, share.rstrip("0").rstrip(".")

    async def invoice_holds(self, key: str) -> list[tuple[str, str]]:
        asked = Condition(column="invoice", op=FilterOp.IN, value=(key,))
        [row] = (await self.hub.fetch(RowQuery(binding=INVOICE_HOLDS, where=(asked,)))).rows
        return [(one["hold"], one["effect"]) for one in row["standing"]]


@pytest.fixture
async def ledger(pool: asyncpg.Pool) -> Ledger:
    ledger = Ledger(pool)
    await ledger.meet()
    return ledger


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


async def test_a_decision_stands_until_an_allocation_says_otherwise(ledger: Ledger) -> None:
    """What was written off is not unbilled again because an event bills it."""
    await ledger.pool.execute(
        "INSERT INTO hub.time_price (time_entry, billing_state) VALUES ('7', 'written_off')"
    )
    event = await ledger.event(time_entries=["7"])
    assert await ledger.billed("7") == ("written_off", "0")
    await ledger.allocate(event, ("in_1", "100"))
    assert await ledger.billed("7") == ("billed", "1")


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
    for prices, key, work in (
        ("time_price", "time_entry", "time_entries"),
        ("expense_price", "expense", "expenses"),
    ):
        counted, wrong = await ledger.pool.fetchrow(
            f"SELECT count(*), count(*) FILTER (WHERE (p.billing_state, p.billed_share)"
            f" <> (b.state, b.share)) FROM hub.{prices} p JOIN hub.billed($1,"
            f" (SELECT array_agg({key}) FROM hub.{prices})) b ON b.entry = p.{key}",
            work,
        )
        assert counted > 200
        assert wrong == 0
    unruly = await ledger.pool.fetchval(
        "SELECT count(*) FROM hub.billing_event WHERE (status = 'held') <> (holds <> '{}')"
        " AND status IN ('ready', 'held')"
    )
    assert unruly == 0
