"""Seats planned through the hub at the PSA over HTTP: filled, opened again, priced alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from support.patches import patch_of
from support.stand_ins import StandIn, stand_in

from schema.entities.assignment import Assignment
from schema.entities.project import Project
from schema.entities.resource import Resource
from schema.errors import Invalid, Rejected
from schema.ids import mint
from schema.rate import Rate, RateUnit
from schema.system import System
from sync.clock import utc_now
from sync.connectors.http import Endpoint
from sync.connectors.psa import Psa
from sync.connectors.refs import Ref
from sync.reading import Reading
from sync.routing import Routing, Written
from sync.xref import Xref

PROJECT, PERSON = mint("prj", "erp", "P-001"), mint("res", "hr", "E1012")
SEAT = {"project_id": PROJECT, "starts_on": date(2027, 1, 4), "ends_on": date(2027, 3, 31)}
PRICE = Rate(amount=Decimal("187.500000"), currency="EUR", per=RateUnit.HOUR)


class Planning:
    """The hub's way of writing to the PSA, and what the PSA then holds of the one new seat."""

    def __init__(self, pool: asyncpg.Pool, psa: Psa, standing: StandIn) -> None:
        xref, owners = Xref(pool), {System.PSA: psa}
        reading = Reading(owners, xref, pool, utc_now, timedelta(seconds=5))
        self.rows = standing.pool
        self.routing = Routing(owners, reading, xref, pool, utc_now, acts=owners)

    async def open_seat(self) -> str:
        return (await self.routing.create(Assignment, SEAT, idempotency_key="a1")).record.id

    async def change(self, seat: str, **fields: Any) -> Written:
        return await self.routing.update(Assignment, seat, patch_of(Assignment, **fields))

    async def held(self, *columns: str) -> tuple[Any, ...]:
        return tuple(
            await self.rows.fetchrow(
                f"SELECT {', '.join(columns)} FROM allocations WHERE external_ref IS NOT NULL"
            )
        )


@pytest.fixture
async def planning(
    pool: asyncpg.Pool, seeded_database: Callable[[str], str]
) -> AsyncIterator[Planning]:
    known = [(Ref(Project, "erp", "P-001"), PROJECT), (Ref(Project, "psa", "1"), PROJECT)]
    known += [(Ref(Resource, "hr", "E1012"), PERSON), (Ref(Resource, "psa", "7"), PERSON)]
    await Xref(pool).link(known)
    async with stand_in("psa", seeded_database("psa")) as standing:
        psa = Psa(Endpoint(url=standing.url, key="demo-psa"))
        yield Planning(pool, psa, standing)
        await psa.close()


async def test_an_open_seat_is_filled_and_opened_again(planning: Planning) -> None:
    """The PSA gets its own number of the person, and nobody when the person is taken off."""
    seat = await planning.open_seat()
    assert await planning.held("user_id") == (None,)
    filled = await planning.change(seat, resource_id=PERSON)
    assert filled.record.values["resource_id"] == PERSON
    assert await planning.held("user_id") == (7,)
    await planning.change(seat, resource_id=None)
    assert await planning.held("user_id") == (None,)


async def test_a_seat_has_a_price_of_its_own_for_as_long_as_it_is_told(planning: Planning) -> None:
    """In the PSA's word for the unit; a unit that it does not price by is refused."""
    seat = await planning.open_seat()
    priced = await planning.change(seat, rate_override=PRICE)
    assert priced.record.values["rate_override"] == PRICE
    columns = ("special_rate", "special_currency", "special_unit")
    assert await planning.held(*columns) == (Decimal("187.5"), "EUR", "hourly")
    monthly = Rate(amount=PRICE.amount, currency="EUR", per=RateUnit.MONTH)
    with pytest.raises(Invalid, match="special_unit"):
        await planning.change(seat, rate_override=monthly)
    emptied = await planning.change(seat, rate_override=None)
    assert emptied.record.values["rate_override"] is None


async def test_a_seat_that_is_over_is_not_filled(planning: Planning) -> None:
    """The PSA says so in its own words."""
    seat = await planning.open_seat()
    await planning.routing.act(Assignment, seat, "cancel", {}, idempotency_key="a2")
    with pytest.raises(Rejected, match="make a new one instead"):
        await planning.change(seat, resource_id=PERSON)
