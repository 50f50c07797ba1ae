"""The terms people are employed on in the HR stand-in: working time, and what an hour costs."""

from hub.demo.calls import broken
from hub.demo.kinds import COUNT, CURRENCY, DATE, RATE, TEXT, Kind, list_of
from hub.demo.tables import Connection, Row

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORK_PATTERN: dict[str, Kind] = {**dict.fromkeys(WEEKDAYS, COUNT), "days_off": list_of(DATE)}
COST_RATE = {"valid_from": DATE, "amount": RATE, "currency": CURRENCY, "unit": TEXT}


async def refuse_bad_terms(connection: Connection, before: Row | None, values: Row) -> None:
    person = {**(before or {}), **values}
    if person.get("reports_to") is not None:
        refuse_own_manager(person)
    if values.keys() & {"cost_rates", "hired_on"} and person.get("cost_rates"):
        refuse_gaps(person)


def refuse_own_manager(person: Row) -> None:
    if person["reports_to"] == person.get("employee_number"):
        raise broken("own_manager", "Nobody reports to themselves.")


def refuse_gaps(person: Row) -> None:
    """A rate counts until the next begins, so only the start and the order can be wrong."""
    days = [str(one["valid_from"] or "") for one in person["cost_rates"]]
    if days[0] > str(person["hired_on"]):
        message = f"The first cost rate begins on {days[0]}, after {person['hired_on']}."
        raise broken("cost_rate_gap", message)
    if days != sorted(set(days)):
        raise broken(
            "cost_rate_order", "Cost rates follow each other by valid_from, each day once."
        )
