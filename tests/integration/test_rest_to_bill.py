"""What is left to bill of work of several events, from the ledger to the figures of the boards."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from support.graph import GraphFirm
from support.ledger import AS_OF, PROJECT, Ledger, ledger_over
from support.projecting import project

from schema.canon import Project, TimeEntry
from schema.errors import Rejected
from schema.ids import mint
from schema.system import System
from sync.connectors.hub_bindings import EVENT

_PRICE = "SELECT * FROM hub.time_price WHERE time_entry = $1"
_BOARDS = """
  { projectBoard { nodes { unbilled { minutes unpriced amount { amount } } } }
    unbilledWork { nodes { entries unbilled { minutes unpriced amount { amount } } } } }
"""
Shares = tuple[str, str, str]


class Rest:
    """One hour of 100 EUR on the project, and what the boards say is left of it."""

    def __init__(self, firm: GraphFirm, ledger: Ledger) -> None:
        self.ledger = ledger
        self._firm = firm

    async def work(self, currency: str = "EUR") -> None:
        await project(
            self.ledger.pool, Project, PROJECT, System.ERP, "P-1", as_of=AS_OF,
            code="P-1", name="P-1", currency="EUR", status="active",
        )  # fmt: skip
        await self.ledger.hear(
            "7", project_id=PROJECT, status="approved", worked=60, billable=60,
            work_date=date(2026, 2, 2), rate_amount=Decimal(100), rate_currency=currency,
            rate_per="hour",
        )  # fmt: skip

    async def events(self, *amounts: str, **cells: Any) -> list[str]:
        return [
            await self.ledger.event(amount=amount, time_entries=["7"], **cells)
            for amount in amounts
        ]

    async def reinstate(self, event: str) -> None:
        await self.ledger.hub.act(EVENT, event, "reinstate", {})

    async def shares(self) -> Shares:
        """State, share that invoices have taken, share that was given up."""
        row = await self.ledger.pool.fetchrow(_PRICE, "7")
        return row["billing_state"], plain(row["billed_share"]), plain(row["written_off_share"])

    async def left(self) -> dict[str, Any]:
        """What both boards show, once the projection has heard of the price."""
        price = await self.ledger.pool.fetchrow(_PRICE, "7")
        told = {name: price[name] for name in ("billing_state", "billed_share")}
        told["written_off_share"] = price["written_off_share"]
        record_id = mint("tim", "psa", "7")
        await project(self.ledger.pool, TimeEntry, record_id, System.HUB, "7", as_of=AS_OF, **told)
        boards = await self._firm.ask(_BOARDS)
        [whole], months = (boards[name]["nodes"] for name in ("projectBoard", "unbilledWork"))
        for month in months:
            assert month["unbilled"] == whole["unbilled"]
        return {**whole["unbilled"], "amount": (whole["unbilled"]["amount"] or {}).get("amount")}


@pytest.fixture
async def rest(pool: asyncpg.Pool) -> Rest:
    rest = Rest(GraphFirm(pool), await ledger_over(pool))
    await rest.work()
    return rest


def plain(share: Decimal) -> str:
    return f"{share.normalize():f}"


def eur(minutes: int, amount: str) -> dict[str, Any]:
    return {"minutes": minutes, "unpriced": 0, "amount": amount}


async def test_what_was_given_up_is_not_left_to_bill(rest: Rest) -> None:
    """One event given up, one billed in part, one open; each counts by its amount."""
    lost, half, _ = await rest.events("25", "50", "25")
    assert await rest.left() == eur(60, "100.00")
    await rest.ledger.write_off(lost)
    assert await rest.shares() == ("unbilled", "0", "0.25")
    assert await rest.left() == eur(45, "75.00")
    await rest.ledger.allocate(half, ("in_1", "20"))
    assert await rest.shares() == ("partly_billed", "0.2", "0.25")
    assert await rest.left() == eur(33, "55.00")


async def test_what_is_taken_back_is_left_to_bill_again(rest: Rest) -> None:
    """From billed, with a part given up, to billed in part; and credited in full."""
    lost, taken = await rest.events("25", "75")
    await rest.ledger.write_off(lost)
    await rest.ledger.allocate(taken, ("in_1", "75"))
    assert await rest.shares() == ("billed", "0.75", "0.25")
    assert await rest.left() == {"minutes": 0, "unpriced": 0, "amount": None}
    await rest.reinstate(lost)
    assert await rest.shares() == ("partly_billed", "0.75", "0")
    assert await rest.left() == eur(15, "25.00")
    await rest.ledger.write_off(lost)
    await rest.ledger.allocate(taken, ("in_1", "75"), ("in_2", "-75"))
    assert await rest.shares() == ("credited", "0", "0.25")
    assert await rest.left() == eur(45, "75.00")
    await rest.ledger.write_off(taken)
    assert await rest.shares() == ("written_off", "0", "1")


async def test_amounts_of_several_currencies_are_not_added_up(rest: Rest) -> None:
    """Each currency's shares count by the hours that its events bill."""
    yen, lost, _ = [
        *await rest.events("12000", currency="JPY", quantity="0.5"),
        *await rest.events("20", "30", quantity="0.25"),
    ]
    await rest.ledger.write_off(lost)
    assert await rest.shares() == ("unbilled", "0", "0.2")
    await rest.ledger.allocate(yen, ("in_1", "6000"), currency="JPY")
    assert await rest.shares() == ("partly_billed", "0.25", "0.2")
    assert await rest.left() == eur(33, "55.00")
    await rest.ledger.allocate(yen, ("in_1", "12000"), currency="JPY")
    assert await rest.shares() == ("partly_billed", "0.5", "0.2")


async def test_an_event_is_taken_in_its_own_currency(rest: Rest) -> None:
    """Another one would be added up as if it were the same money."""
    [event] = await rest.events("100")
    allocation = {"invoice": "in_1", "line": 1, "amount": "50", "currency": "USD"}
    with pytest.raises(Rejected) as refused:
        await rest.ledger.hub.update(EVENT, event, {"allocations": [allocation]})
    assert refused.value.owner_code == "allocated_in_its_currency"


async def test_an_event_that_was_taken_in_another_currency_hinders_nobody(rest: Rest) -> None:
    """One from before that was refused: a hold stands on it, and only its allocations are told."""
    event, other = await rest.events("100", "70")
    table = "ALTER TABLE hub.billing_event {} TRIGGER allocated_in_its_currency_again"
    await rest.ledger.pool.execute(table.format("DISABLE"))
    await rest.ledger.allocate(event, ("in_1", "50"), currency="USD")
    await rest.ledger.pool.execute(table.format("ENABLE"))
    hold = await rest.ledger.hold(crm_account="ACC-1")
    assert await rest.ledger.standing(event) == ("allocated", [hold])
    assert await rest.ledger.standing(other) == ("held", [hold])
    with pytest.raises(asyncpg.CheckViolationError, match="another currency than its own, EUR"):
        await rest.ledger.allocate(event, ("in_1", "60"), currency="USD")
    await rest.ledger.allocate(event, ("in_1", "60"))


@pytest.mark.parametrize(
    ("open_amount", "shares", "left"),
    [
        ("-20", ("partly_billed", "1", "0"), (0, "0.00")),
        ("-99", ("partly_billed", "1", "0"), (0, "0.00")),
        ("-100", ("partly_billed", "1", "0"), (0, "0.00")),
        ("-120", ("partly_billed", "1", "0"), (0, "0.00")),
        ("25", ("partly_billed", "0.8", "0"), (12, "20.00")),
    ],
)
async def test_who_has_taken_more_than_there_is_has_taken_all(
    rest: Rest, open_amount: str, shares: Shares, left: tuple[int, str]
) -> None:
    """An invoice took 100; then an adjustment, most of them of the opposite sign, waits."""
    [taken] = await rest.events("100")
    await rest.ledger.allocate(taken, ("in_1", "100"))
    await rest.events(open_amount, kind="adjustment")
    assert await rest.shares() == shares
    assert await rest.left() == eur(*left)


async def test_an_adjustment_alone_takes_nothing_of_the_work(rest: Rest) -> None:
    """It is invoiced before what it adjusts: all of the work is left to bill."""
    _, adjustment = await rest.events("100", "-20")
    await rest.ledger.allocate(adjustment, ("in_1", "-20"))
    assert await rest.shares() == ("partly_billed", "0", "0")
    assert await rest.left() == eur(60, "100.00")


async def test_both_shares_are_never_more_than_the_work(rest: Rest) -> None:
    """What invoices have taken comes first, and the rest is given up; adjustments wait."""
    lost, _ = await rest.events("100", "-20")
    await rest.ledger.write_off(lost)
    assert await rest.shares() == ("unbilled", "0", "1")
    [taken] = await rest.events("50")
    await rest.ledger.allocate(taken, ("in_1", "50"))
    await rest.events("-30", kind="adjustment")
    assert await rest.shares() == ("partly_billed", "0.5", "0.5")
    assert await rest.left() == eur(0, "0.00")


async def test_adjustments_in_another_currency_weigh_by_their_hours(rest: Rest) -> None:
    """Hours that are taken back count as hours: a half that is taken is no whole."""
    [euros] = await rest.events("100", quantity="3")
    await rest.events("-20", currency="USD", quantity="-1", kind="adjustment")
    await rest.ledger.allocate(euros, ("in_1", "50"))
    assert await rest.shares() == ("partly_billed", "0.375", "0")


async def test_work_priced_in_another_currency_is_left_without_an_amount(rest: Rest) -> None:
    """The project counts in euros: the minutes that are left are told, as not priced."""
    await rest.work(currency="USD")
    lost, taken = await rest.events("50", "50", currency="USD")
    await rest.ledger.write_off(lost)
    await rest.ledger.allocate(taken, ("in_1", "20"), currency="USD")
    assert await rest.left() == {"minutes": 18, "unpriced": 18, "amount": None}
