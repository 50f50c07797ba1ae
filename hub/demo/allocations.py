"""The PSA's planning board: who is allocated to which project, and how firmly."""

from dataclasses import replace

from hub.demo.approvals import Step, broken
from hub.demo.hours import HOURS
from hub.demo.kinds import CURRENCY, DATE, FLAG, ID, RATE
from hub.demo.tables import (
    EXACT,
    RANGE,
    Connection,
    Row,
    Table,
    choice,
    given,
    number_key,
    optional,
    own,
)

PLANNED = ("requested", "pencilled", "booked")
OVER = ("done", "released", "superseded")


def refuse_over(row: Row) -> None:
    if row["booking_state"] in OVER:
        message = f"Allocation {row['id']} is {row['booking_state']}; make a new one instead."
        raise broken("allocation_over", message)


async def refuse_reversed(connection: Connection, row: Row) -> None:
    if row["finish_date"] < row["start_date"]:
        message = f"An allocation cannot finish on {row['finish_date']}, before it starts."
        raise broken("dates_reversed", message)


ALLOCATIONS = Table(
    name="allocations",
    key=number_key("id"),
    guard=refuse_over,
    verify=refuse_reversed,
    columns=(
        own("project_id", ID, by=EXACT, references="projects"),
        optional("user_id", ID, by=EXACT, references="users"),
        optional("seat_role", by=EXACT),
        given("booking_state", by=EXACT, default="'requested'"),
        own("start_date", DATE, by=RANGE),
        own("finish_date", DATE, by=RANGE),
        own("daily_hours", HOURS, default="8.00"),
        optional("total_hours", HOURS),
        own("is_chargeable", FLAG, by=EXACT, default="true"),
        optional("special_rate", RATE),
        optional("special_currency", CURRENCY),
        replace(choice("special_unit", "hourly", "daily", by=frozenset()), is_nullable=True),
        optional("external_ref", by=EXACT),
        replace(given("successor_id", ID), references="allocations"),
    ),
)


def _step(verb: str, *sources: str, to: str, takes: tuple[str, ...] = ()) -> Step:
    return Step(
        table=ALLOCATIONS,
        state="booking_state",
        verb=verb,
        sources=sources,
        target=to,
        takes=takes,
    )


ALLOCATION_STEPS = (
    _step("pencil-in", "requested", to="pencilled"),
    _step("book", "pencilled", to="booked"),
    _step("begin", "booked", to="running"),
    _step("finish", "running", to="done"),
    _step("release", *PLANNED, to="released"),
    _step("hand-over", *PLANNED, "running", to="superseded", takes=("successor_id",)),
)
