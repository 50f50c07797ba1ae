"""The PSA stand-in's rules for plans, time and expenses, over a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from support.stand_ins import caller

API = "/api/v2"
ENTRIES, LINES, ALLOCATIONS = (
    f"{API}/{n}" for n in ("time-entries", "expense-lines", "allocations")
)
MANAGER = {"approver": "manager@firm.example"}
RETURNED = {"returned_by": "manager@firm.example", "remark": "Wrong project"}


@pytest.fixture
async def psa(seeded_database: Callable[[str], str]) -> AsyncIterator[httpx.AsyncClient]:
    async with caller("psa", seeded_database("psa")) as client:
        yield client


async def first_project(psa: httpx.AsyncClient, state: str) -> str:
    found = await psa.get(f"{API}/projects", params={"filter[state]": state, "page[size]": "1"})
    return str(found.json()["data"][0]["id"])


async def new_entry(psa: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    """An entry on a day in the future, where the seed has none."""
    entry = {
        "user_id": "1",
        "project_id": await first_project(psa, "OPEN"),
        "work_day": "2026-12-01",
        "timezone": "Europe/Amsterdam",
        "hours": "7.25",
    }
    return await psa.post(ENTRIES, json={"data": entry | fields})


async def step(
    psa: httpx.AsyncClient, record: str, verb: str, **fields: str
) -> tuple[int, dict[str, Any]]:
    """The status, and the record or the refusal."""
    answer = await psa.post(f"{record}/{verb}", json={"data": fields})
    body = answer.json()
    return answer.status_code, body["data"] if "data" in body else body["errors"][0]


async def made(answer: httpx.Response, collection: str) -> str:
    assert answer.status_code == 201, answer.text
    return f"{collection}/{answer.json()['data']['id']}"


async def approved_entry(psa: httpx.AsyncClient) -> str:
    entry = await made(await new_entry(psa), ENTRIES)
    await step(psa, entry, "submit")
    status, row = await step(psa, entry, "sign-off", **MANAGER)
    assert (status, row["entry_state"], row["approver"]) == (200, "approved", MANAGER["approver"])
    assert row["approved_at"] is not None
    return entry


async def test_an_approved_entry_changes_only_after_it_is_withdrawn(psa: httpx.AsyncClient) -> None:
    """The refusal says what to do; a withdrawn entry is open and without an approver."""
    entry = await approved_entry(psa)
    refused = await psa.patch(entry, json={"data": {"memo": "x"}})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "entry_immutable")
    assert "withdraw it" in refused.text
    status, row = await step(psa, entry, "withdraw")
    assert (status, row["entry_state"]) == (200, "open")
    assert (row["approver"], row["approved_at"], row["version"]) == (None, None, 4)
    assert (await psa.patch(entry, json={"data": {"memo": "x"}})).status_code == 200


async def test_a_locked_entry_cannot_be_withdrawn(psa: httpx.AsyncClient) -> None:
    """The refusal repeats the reason of the lock, until it is unlocked."""
    entry = await approved_entry(psa)
    await step(psa, entry, "lock", lock_reason="Invoiced on IN-7.")
    status, refusal = await step(psa, entry, "withdraw")
    assert (status, refusal["code"]) == (409, "entry_locked")
    assert "Invoiced on IN-7." in refusal["detail"]
    await step(psa, entry, "unlock")
    assert (await step(psa, entry, "withdraw"))[0] == 200


async def test_the_seed_locks_what_lies_in_closed_periods(psa: httpx.AsyncClient) -> None:
    """Old approved time tells its reason, recent approved time may be withdrawn."""
    for day, is_locked in (("2026-08-31", True), ("2026-09-30", False)):
        where = {"filter[work_day][lte]": day, "filter[entry_state]": "approved", "sort": "-id"}
        row = (await psa.get(ENTRIES, params=where)).json()["data"][0]
        assert (row["lock_reason"] is not None) is is_locked


@pytest.mark.parametrize("collection", ["time-entries", "expense-lines"])
async def test_a_rejection_needs_a_reason(psa: httpx.AsyncClient, collection: str) -> None:
    """None, or a blank one, is refused, and the record keeps waiting."""
    where = {
        "filter[entry_state]" if collection == "time-entries" else "filter[line_state]": "waiting"
    }
    waiting = (await psa.get(f"{API}/{collection}", params=where)).json()["data"][0]
    record = f"{API}/{collection}/{waiting['id']}"
    for fields in ({"returned_by": "a@b.example"}, {**RETURNED, "remark": " "}):
        status, refusal = await step(psa, record, "send-back", **fields)
        assert (status, refusal["code"]) == (422, "remark_required")
    assert (await psa.get(record)).json()["data"]["version"] == 1
    status, row = await step(psa, record, "send-back", **RETURNED)
    assert (status, row["remark"]) == (200, "Wrong project")
    assert (await step(psa, record, "reopen"))[0] == 200


async def test_a_step_out_of_turn_is_refused(psa: httpx.AsyncClient) -> None:
    """The refusal names the state the record is in and the one it should be in."""
    entry = await made(await new_entry(psa), ENTRIES)
    status, refusal = await step(psa, entry, "sign-off", **MANAGER)
    assert (status, refusal["code"]) == (409, "wrong_state")
    assert "is open; sign-off takes only what is waiting" in refusal["detail"]


async def test_a_state_changes_by_steps_alone(psa: httpx.AsyncClient) -> None:
    """No state can be given at creation or written afterwards."""
    assert (await new_entry(psa, entry_state="approved")).status_code == 422
    for record, column in ((ENTRIES, "entry_state"), (ALLOCATIONS, "booking_state")):
        body = {"data": {column: "booked"}}
        assert (await psa.patch(f"{record}/1", json=body)).status_code in (409, 422)
    entry = await made(await new_entry(psa), ENTRIES)
    refused = await psa.patch(entry, json={"data": {"entry_state": "approved"}})
    assert (refused.status_code, "read-only" in refused.text) == (422, True)


async def test_a_day_has_24_hours(psa: httpx.AsyncClient) -> None:
    """Per person and day, over all projects, for new entries, changed ones, and racing ones."""
    first = await made(await new_entry(psa, hours="12.00"), ENTRIES)
    assert (await new_entry(psa, hours="12.00")).status_code == 201
    refused = await new_entry(psa, hours="0.25")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "day_too_long")
    assert "1455 minutes on 2026-12-01" in refused.text
    longer = await psa.patch(first, json={"data": {"hours": "12.25"}})
    assert longer.status_code == 409
    assert (await new_entry(psa, user_id="2", hours="24.00")).status_code == 201
    thirds = [await new_entry(psa, user_id="3", hours="0.67") for _ in range(36)]
    assert {one.status_code for one in thirds} == {201}
    racing = [new_entry(psa, work_day="2026-12-02", hours="13.00") for _ in range(3)]
    answers = await asyncio.gather(*racing)
    assert sorted(one.status_code for one in answers) == [201, 409, 409]


async def test_a_closed_project_takes_no_time(psa: httpx.AsyncClient) -> None:
    """The refusal names the project by the code people know."""
    project = await first_project(psa, "CLOSED")
    refused = await new_entry(psa, project_id=project)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "project_closed")
    code = (await psa.get(f"{API}/projects/{project}")).json()["data"]["erp_code"]
    assert code in refused.text


async def test_time_is_entered_by_people_who_exist(psa: httpx.AsyncClient) -> None:
    """An unknown user, project or allocation is named."""
    for column in ("user_id", "project_id", "allocation_id"):
        refused = await new_entry(psa, **{column: "999999"})
        assert refused.status_code in (409, 422)
        assert column in refused.text


@pytest.mark.parametrize(
    "field",
    [
        {"hours": "7.255"},
        {"hours": "-1.00"},
        {"hours": "24.01"},
        {"hours": 7.25},
        {"timezone": "Mars/Olympus"},
        {"timezone": "../etc/passwd"},
        {"work_day": "2026-02-30"},
    ],
)
async def test_odd_hours_zones_and_days_are_refused(
    psa: httpx.AsyncClient, field: dict[str, Any]
) -> None:
    """The field is named."""
    refused = await new_entry(psa, **field)
    assert refused.status_code == 422
    assert next(iter(field)) in refused.text


async def test_the_psa_makes_the_same_entry_twice(psa: httpx.AsyncClient) -> None:
    """Finding before creating is the caller's duty; the reference finds both."""
    headers = {"Idempotency-Key": "same"}
    psa.headers.update(headers)
    for _ in range(2):
        assert (await new_entry(psa, external_ref="same", hours="1.00")).status_code == 201
    found = await psa.get(ENTRIES, params={"filter[external_ref]": "same"})
    assert len(found.json()["data"]) == 2


async def new_allocation(psa: httpx.AsyncClient, **fields: str) -> httpx.Response:
    dates = {"start_date": "2027-01-04", "finish_date": "2027-03-31"}
    project = await first_project(psa, "OPEN")
    return await psa.post(ALLOCATIONS, json={"data": {"project_id": project, **dates, **fields}})


async def test_an_allocation_goes_from_request_to_done(psa: httpx.AsyncClient) -> None:
    """An open seat of whole days is requested; what is done can no longer be changed."""
    allocation = await made(await new_allocation(psa), ALLOCATIONS)
    row = (await psa.get(allocation)).json()["data"]
    assert (row["booking_state"], row["user_id"], row["daily_hours"]) == ("requested", None, "8.00")
    ways = [
        ("pencil-in", "pencilled"),
        ("book", "booked"),
        ("begin", "running"),
        ("finish", "done"),
    ]
    for verb, state in ways:
        status, row = await step(psa, allocation, verb)
        assert (status, row["booking_state"]) == (200, state)
    refused = await psa.patch(allocation, json={"data": {"seat_role": "Analyst"}})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "allocation_over")
    assert (await step(psa, allocation, "release"))[1]["code"] == "wrong_state"


async def test_an_allocation_is_handed_over_to_one_that_exists(psa: httpx.AsyncClient) -> None:
    """A successor that is missing, no id or unknown is refused."""
    allocation = await made(await new_allocation(psa), ALLOCATIONS)
    other = await made(await new_allocation(psa), ALLOCATIONS)
    assert (await step(psa, allocation, "hand-over"))[1]["code"] == "successor_id_required"
    for nobody in ("x", "999999"):
        assert (await step(psa, allocation, "hand-over", successor_id=nobody))[0] == 422
    status, row = await step(psa, allocation, "hand-over", successor_id=other.rpartition("/")[2])
    assert (status, row["booking_state"]) == (200, "superseded")
    assert f"/{row['successor_id']}" in other


async def test_an_allocation_finishes_after_it_starts(psa: httpx.AsyncClient) -> None:
    """Also when only one of the dates is changed."""
    refused = await new_allocation(psa, finish_date="2027-01-03")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "dates_reversed")
    allocation = await made(await new_allocation(psa), ALLOCATIONS)
    changed = await psa.patch(allocation, json={"data": {"start_date": "2027-04-01"}})
    assert changed.status_code == 409


async def test_an_expense_is_cleared_booked_and_paid_out(psa: httpx.AsyncClient) -> None:
    """From clearing on the line stays as it is; more tax than was spent is refused."""
    line = {
        "user_id": "1",
        "project_id": await first_project(psa, "CLOSED"),
        "spent_day": "2026-11-30",
        "category": "lodging",
        "spent_amount": "121.00",
        "tax_amount": "121.01",
        "spent_currency": "EUR",
    }
    refused = await psa.post(LINES, json={"data": line})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "tax_out_of_range")
    expense = await made(
        await psa.post(LINES, json={"data": line | {"tax_amount": "21.00"}}), LINES
    )
    await step(psa, expense, "submit")
    assert (await step(psa, expense, "clear", **MANAGER))[1]["line_state"] == "cleared"
    changed = await psa.patch(expense, json={"data": {"spent_amount": "1.00"}})
    assert (changed.status_code, changed.json()["errors"][0]["code"]) == (409, "line_immutable")
    assert (await step(psa, expense, "pay-out"))[1]["code"] == "wrong_state"
    for verb, state in (("book", "booked"), ("pay-out", "paid_out")):
        assert (await step(psa, expense, verb))[1]["line_state"] == state


async def test_a_reopened_expense_forgets_why_it_was_sent_back(psa: httpx.AsyncClient) -> None:
    """The remark is of the rejection that stands, as with time."""
    line = {
        "user_id": "1",
        "project_id": await first_project(psa, "CLOSED"),
        "spent_day": "2026-11-30",
        "category": "meals",
        "spent_amount": "12.00",
        "spent_currency": "EUR",
    }
    expense = await made(await psa.post(LINES, json={"data": line}), LINES)
    await step(psa, expense, "submit")
    told = {"returned_by": "lead@firm.example", "remark": "No receipt"}
    _, returned = await step(psa, expense, "send-back", **told)
    assert {name: returned[name] for name in told} == told
    _, reopened = await step(psa, expense, "reopen")
    assert {name: reopened[name] for name in told} == dict.fromkeys(told)


@pytest.mark.parametrize("key", ["999999999", "nobody", "%00"])
async def test_a_step_of_an_unknown_record_is_not_found(psa: httpx.AsyncClient, key: str) -> None:
    """Whatever the key is made of."""
    status, refusal = await step(psa, f"{ENTRIES}/{key}", "submit")
    assert (status, refusal["code"]) == (404, "not_found")


async def test_a_step_takes_only_its_own_fields(psa: httpx.AsyncClient) -> None:
    """Anything else is named, and nothing happens."""
    entry = await made(await new_entry(psa), ENTRIES)
    status, refusal = await step(psa, entry, "submit", hours="1.00")
    assert (status, "hours" in refusal["detail"]) == (422, True)
    bare = await psa.post(f"{entry}/submit", json={"hours": "1.00"})
    assert bare.status_code == 422
