"""The PSA's timesheets: what people enter, and how it is approved."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from hub.demo.approvals import Step, broken
from hub.demo.hours import HOURS, ZONE
from hub.demo.kinds import DATE, FLAG, ID, INSTANT
from hub.demo.tables import EXACT, RANGE, Connection, Row, Table, given, number_key, optional, own

DAY_MINUTES = 24 * 60


def refuse_approved(row: Row) -> None:
    if row["entry_state"] == "approved":
        message = f"Time entry {row['id']} is approved; withdraw it before it is changed."
        raise broken("entry_immutable", message)


def refuse_locked(row: Row) -> None:
    if row["lock_reason"] is not None:
        message = f"Time entry {row['id']} is locked: {row['lock_reason']}"
        raise broken("entry_locked", message)


async def refuse_impossible(connection: Connection, row: Row) -> None:
    """Nobody works on what is closed, or longer than a day has hours."""
    project = await connection.fetchrow(
        "SELECT erp_code, state FROM projects WHERE id = $1", row["project_id"]
    )
    if project["state"] == "CLOSED":
        message = f"Project {project['erp_code']} is closed and takes no more time."
        raise broken("project_closed", message)
    await refuse_long_day(connection, row)


async def refuse_long_day(connection: Connection, row: Row) -> None:
    """Counts whole minutes, because printed hours do not add up: 36 times 0.67 is a day.

    Waits for other entries of the person, which count once they are committed.
    """
    person, day = row["user_id"], row["work_day"]
    await connection.execute("SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE", person)
    minutes = await connection.fetchval(
        "SELECT sum(round(hours * 60))::int FROM time_entries WHERE user_id = $1 AND work_day = $2",
        person,
        day,
    )
    if minutes > DAY_MINUTES:
        message = f"User {person} would have {minutes} minutes on {day}; a day has {DAY_MINUTES}."
        raise broken("day_too_long", message)


TIME_ENTRIES = Table(
    name="time_entries",
    key=number_key("id"),
    guard=refuse_approved,
    verify=refuse_impossible,
    columns=(
        own("user_id", ID, by=EXACT, references="users"),
        own("project_id", ID, by=EXACT, references="projects"),
        optional("allocation_id", ID, by=EXACT, references="allocations"),
        optional("task_name"),
        own("work_day", DATE, by=RANGE),
        own("timezone", ZONE),
        own("hours", HOURS),
        optional("chargeable_hours", HOURS),
        own("is_chargeable", FLAG, by=EXACT, default="true"),
        optional("work_type"),
        optional("memo"),
        optional("external_ref", by=EXACT),
        given("entry_state", by=EXACT, default="'open'"),
        given("approver"),
        given("approved_at", INSTANT),
        given("returned_by"),
        given("remark"),
        given("lock_reason"),
    ),
)


def _step(
    verb: str,
    source: str,
    *,
    to: str | None,
    takes: tuple[str, ...] = (),
    changes: Callable[[], Mapping[str, object]] = dict,
    guard: Callable[[Row], None] | None = None,
) -> Step:
    return Step(
        table=TIME_ENTRIES,
        state="entry_state",
        verb=verb,
        sources=(source,),
        target=to,
        takes=takes,
        changes=changes,
        guard=guard,
    )


def _signed() -> Mapping[str, object]:
    return {"approved_at": datetime.now(UTC)}


TIME_STEPS = (
    _step("submit", "open", to="waiting"),
    _step("sign-off", "waiting", to="approved", takes=("approver",), changes=_signed),
    _step("send-back", "waiting", to="returned", takes=("returned_by", "remark")),
    _step("reopen", "returned", to="open", changes=lambda: {"returned_by": None, "remark": None}),
    _step(
        "withdraw",
        "approved",
        to="open",
        changes=lambda: {"approver": None, "approved_at": None},
        guard=refuse_locked,
    ),
    _step("lock", "approved", to=None, takes=("lock_reason",)),
    _step("unlock", "approved", to=None, changes=lambda: {"lock_reason": None}),
)
"""`lock` and `unlock` are for finance, which no longer wants an entry to change."""
