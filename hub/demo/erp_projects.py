"""The projects of the ERP stand-in: numbered by month, and moved along by status changes only."""

from collections.abc import Mapping
from typing import Any

from hub.demo.calls import Fields, Path, broken, read_fields
from hub.demo.entities import ENTITY_CODES
from hub.demo.kinds import COUNT, CURRENCY, DATE, MONEY, PERCENT, TEXT
from hub.demo.storage import not_found, select_row, update_row
from hub.demo.tables import (
    EXACT,
    LIKE,
    RANGE,
    Connection,
    Row,
    Table,
    anchor,
    choice,
    copied,
    given,
    optional,
    own,
    text_key,
)

NEXT: Mapping[str, tuple[str, ...]] = {
    "PLANNED": ("IN_SETUP",),
    "IN_SETUP": ("OPEN", "SETUP_FAILED"),
    "SETUP_FAILED": ("IN_SETUP",),
    "OPEN": ("ON_HOLD", "WINDING_UP"),
    "ON_HOLD": ("OPEN", "WINDING_UP"),
    "WINDING_UP": ("CLOSED",),
    "CLOSED": (),
}
COPIES = frozenset({"delivery_percent", "delivery_health", "delivery_manager"})
"""What the ERP is only told of; it is noted on a closed project too."""


async def number_project(connection: Connection, values: Mapping[str, object]) -> str:
    """Projects are numbered within the month they start in."""
    start = values["start_on"]
    series = f"P-{start:%y%m}"
    number = await connection.fetchval(
        "INSERT INTO number_series AS s VALUES ($1, 1) ON CONFLICT (series) DO UPDATE"
        " SET last_number = s.last_number + 1 RETURNING last_number",
        series,
    )
    return f"{series}-{number:03d}"


async def refuse_closed(connection: Connection, before: Row | None, values: Row) -> None:
    is_closed = before is not None and before["project_status"] == "CLOSED"
    if before is not None and is_closed and values.keys() - COPIES:
        raise broken("PROJECT_CLOSED", f"Project {before['project_no']} is closed: it stays as is.")


PROJECTS = Table(
    name="projects",
    key=text_key("project_no"),
    new_key=number_project,
    check=refuse_closed,
    columns=(
        own("customer_no", by=EXACT, references="customers"),
        anchor("crm_opportunity", is_nullable=True),
        anchor("crm_contract", is_nullable=True),
        own("description", by=LIKE),
        choice("entity_code", *ENTITY_CODES),
        own("currency", CURRENCY),
        given("project_status", by=EXACT, default="'PLANNED'"),
        optional("settlement", by=EXACT),
        optional("cost_centre", by=EXACT),
        optional("region", by=EXACT),
        optional("tax_area", by=EXACT),
        optional("customer_po", by=EXACT),
        own("budget_hours", COUNT, default="0"),
        own("budget_amount", MONEY, default="0"),
        own("start_on", DATE, by=RANGE),
        optional("end_on", DATE, by=RANGE),
        optional("hub_reference", by=EXACT),
        copied("delivery_percent", PERCENT),
        copied("delivery_health", by=EXACT),
        copied("delivery_manager", by=EXACT),
    ),
)


async def set_status(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """Moves a project on; refuses any step its present status does not lead to."""
    [word] = read_fields(fields, new_status=TEXT)
    project = await _select_project(connection, path["project_no"])
    status = project["project_status"]
    if word not in NEXT[status]:
        further = f"only to {' or '.join(NEXT[status])}" if NEXT[status] else "no further"
        message = f"Project {project['project_no']} is {status} and goes {further}."
        raise broken("STATUS_SEQUENCE", message)
    moved = await update_row(connection, PROJECTS, project["project_no"], {"project_status": word})
    return dict(moved)


async def _select_project(connection: Connection, number: str) -> Row:
    """The project, locked until the transaction ends."""
    try:
        key = PROJECTS.key.kind.decode(number)
    except ValueError:
        raise not_found(PROJECTS, number) from None
    return await select_row(connection, PROJECTS, key, is_locked=True)
