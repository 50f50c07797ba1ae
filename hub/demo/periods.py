"""The accounting periods of the ERP stand-in: what is closed takes no postings."""

import re
from datetime import date
from typing import Any

from hub.demo.calls import Fields, Path, broken, read_fields
from hub.demo.entities import ENTITY_CODES
from hub.demo.refusals import Reason, Refusal
from hub.demo.tables import Connection

PERIOD = re.compile("[0-9]{4}-[0-9]{2}")

PERIODS_DDL = """CREATE TABLE IF NOT EXISTS periods (
    entity_code text NOT NULL,
    period text COLLATE "C" NOT NULL,
    is_open boolean NOT NULL,
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entity_code, period))"""


async def list_periods(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    rows = await connection.fetch("SELECT * FROM periods ORDER BY entity_code, period")
    return {"value": [dict(row) for row in rows], "@odata.nextLink": None}


async def set_period(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """Waits for postings into the period that have not been committed yet."""
    read_fields(fields)
    entity, period, state = path["entity_code"], path["period"], path["state"]
    missing = Refusal(Reason.NOT_FOUND, f"There is no {state} of period {period} of {entity}.")
    is_known = entity in ENTITY_CODES and PERIOD.fullmatch(period)
    if not is_known or state not in ("open", "close"):
        raise missing
    row = await connection.fetchrow(
        "UPDATE periods SET is_open = $3, version = version + 1, updated_at = now()"
        " WHERE entity_code = $1 AND period = $2 RETURNING *",
        entity,
        period,
        state == "open",
    )
    if row is None:
        raise missing
    return dict(row)


async def refuse_closed_period(connection: Connection, entity: str, day: date) -> None:
    """The period cannot be closed until this transaction ends."""
    period = f"{day:%Y-%m}"
    is_open = await connection.fetchval(
        "SELECT is_open FROM periods WHERE entity_code = $1 AND period = $2 FOR SHARE",
        entity,
        period,
    )
    if not is_open:
        message = (
            f"Accounting period {period} of {entity} is closed; "
            "reopen it or choose a later posting date."
        )
        raise broken("PERIOD_CLOSED", message)
