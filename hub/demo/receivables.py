"""What becomes of a posted document in the ERP stand-in, beside being paid."""

from decimal import Decimal
from typing import Any

from hub.demo.calls import Fields, Path, broken, read_fields
from hub.demo.cancellations import take_back
from hub.demo.documents import OPEN_STATUSES, change_document, select_document
from hub.demo.kinds import DATE, TEXT
from hub.demo.tables import Connection, Row

MOST_REMINDERS = 3


async def dispatch(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    document = await select_document(connection, path)
    _require(document, "NOT_DISPATCHABLE", "dispatched", ("POSTED",))
    [day] = read_fields(fields, dispatched_on=DATE)
    if day < document["posted_on"]:
        message = f"{document['document_no']} is of {document['posted_on']}, later than {day}."
        raise broken("DATE_ORDER", message)
    return await change_document(connection, document, document_status="SENT", sent_on=day)


async def cancel(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """A posted document keeps its number, and a document of its own takes it back."""
    document = await select_document(connection, path)
    _require(document, "NOT_CANCELLABLE", "cancelled", ("POSTED",))
    reason = read_reason(fields)
    return await change_document(
        connection,
        document,
        document_status="CANCELLED",
        status_reason=reason,
        cancelled_by_no=await take_back(connection, document, reason),
        open_amount=Decimal(0),
    )


async def write_off(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """All of it is given up; of what was paid in part, the rest is credited instead."""
    document = await select_document(connection, path)
    _require(document, "NOT_OPEN", "written off", ("POSTED", "SENT"))
    reason = read_reason(fields)
    return await change_document(
        connection,
        document,
        document_status="WRITTEN_OFF",
        status_reason=reason,
        written_off_amount=document["open_amount"],
        open_amount=Decimal(0),
    )


async def remind(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """One more reminder, the third being the last."""
    document = await select_document(connection, path)
    _require(document, "NOT_OPEN", "reminded of", OPEN_STATUSES)
    [day] = read_fields(fields, reminded_on=DATE)
    if document["due_on"] is None or day <= document["due_on"]:
        raise broken("NOT_DUE", f"{document['document_no']} is not overdue on {day}.")
    if document["dunning_level"] >= MOST_REMINDERS:
        raise broken("LAST_REMINDER", f"{document['document_no']} has had its last reminder.")
    level = document["dunning_level"] + 1
    return await change_document(connection, document, dunning_level=level)


def read_reason(fields: Fields) -> str:
    if not str(fields.get("reason_text") or "").strip():
        raise broken("REASON_MISSING", "Say why, in reason_text.")
    [reason] = read_fields(fields, reason_text=TEXT)
    return str(reason)


def _require(document: Row, rule: str, done: str, statuses: tuple[str, ...]) -> None:
    if document["document_status"] not in statuses:
        message = f"A document that is {document['document_status']} cannot be {done}."
        raise broken(rule, message)
