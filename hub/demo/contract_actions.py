"""The business calls of the CRM stand-in's contract side: the only way a status changes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from hub.demo.calls import Fields, Path, broken, read_fields
from hub.demo.contract_rules import find, new_terms, refuse_other_currency
from hub.demo.contracts import (
    CHANGE_ORDERS,
    DELIVERABLES,
    PRICE_BOOK_VERSIONS,
    STATEMENTS_OF_WORK,
)
from hub.demo.dialect import Action
from hub.demo.kinds import DATE, TEXT
from hub.demo.storage import select_row, update_row
from hub.demo.tables import Connection, Row, Table

APPROVER, NOTE = "approver_email", "decision_note"
DECISION = ("decider_email", NOTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call on one record. `takes` are fields of the body, kept in columns of the same name;
    `stamp` is the column that keeps the moment. `rule` may refuse; `then` follows the change."""

    table: Table
    word: str
    sources: tuple[str, ...]
    target: str
    takes: tuple[str, ...] = ()
    stamp: str | None = None
    rule: Callable[[Connection, Row], Awaitable[None]] | None = None
    then: Callable[[Connection, Row], Awaitable[Row]] | None = None

    def action(self) -> Action:
        path = f"/{self.table.path}/{{key}}/{self.word}"
        return Action(method="POST", path=path, perform=partial(take, self))


async def take(step: Step, connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """Moves a record on; refuses from any other status than the step starts from."""
    row = await select_row(connection, step.table, path["key"], is_locked=True)
    if row["status"] not in step.sources:
        message = (
            f"{row['id']} is {row['status']}; {step.word} is possible from "
            f"{' or '.join(step.sources)} only."
        )
        raise broken("ILLEGAL_TRANSITION", message)
    values = {"status": step.target, **read_decision(step, fields)}
    if step.stamp is not None:
        values[step.stamp] = datetime.now(UTC)
    if step.rule is not None:
        await step.rule(connection, row)
    moved = await update_row(connection, step.table, row["id"], values)
    return dict(moved if step.then is None else await step.then(connection, moved))


def read_decision(step: Step, fields: Fields) -> dict[str, Any]:
    if NOTE in step.takes and not str(fields.get(NOTE) or "").strip():
        raise broken("REASON_REQUIRED", f"Say in {NOTE} why: {step.word} needs a reason.")
    told = read_fields(fields, **dict.fromkeys(step.takes, TEXT))
    return dict(zip(step.takes, told, strict=True))


async def require_published_prices(connection: Connection, contract: Row) -> None:
    """What is signed must be priced, in the currency of the contract."""
    if contract["price_book_version_id"] is None:
        return
    version_id = contract["price_book_version_id"]
    version = await select_row(connection, PRICE_BOOK_VERSIONS, version_id, is_locked=True)
    if version["status"] != "PUBLISHED":
        raise broken(
            "PRICES_UNPUBLISHED", f"{version_id} is {version['status']}: publish it first."
        )
    book = await find(connection, "price_books", version["price_book_id"], "FOR SHARE")
    refuse_other_currency(book or contract, contract)


async def require_prices(connection: Connection, version: Row) -> None:
    """A version has prices, and a first day of its own within the book."""
    counted = "SELECT count(*) FROM price_lines WHERE price_book_version_id = $1"
    if not await connection.fetchval(counted, version["id"]):
        raise broken("NO_PRICES", f"{version['id']} has no lines to publish.")
    await find(connection, "price_books", version["price_book_id"], "FOR UPDATE")
    other = await connection.fetchval(
        "SELECT id FROM price_book_versions WHERE price_book_id = $1 AND effective_date = $2"
        " AND status = 'PUBLISHED'",
        version["price_book_id"],
        version["effective_date"],
    )
    if other is not None:
        message = f"{other} is published for {version['effective_date']} already."
        raise broken("VERSION_OVERLAP", message)


async def take_effect_if_due(connection: Connection, change: Row) -> Row:
    is_due = change["effective_date"] <= datetime.now(UTC).date()
    return await take_effect(connection, change) if is_due else change


async def take_effect(connection: Connection, change: Row) -> Row:
    """The contract says from now on what the change order says; what it replaces is over."""
    terms = new_terms(change)
    if terms:
        await update_row(connection, STATEMENTS_OF_WORK, change["sow_id"], terms)
    if change["replaces_id"] is not None:
        replaced = await select_row(
            connection, CHANGE_ORDERS, change["replaces_id"], is_locked=True
        )
        if replaced["status"] == "IN_FORCE":
            await update_row(connection, CHANGE_ORDERS, replaced["id"], {"status": "REPLACED"})
    return await update_row(connection, CHANGE_ORDERS, change["id"], {"status": "IN_FORCE"})


async def run_due_changes(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """The nightly job: what was approved for a day that has come takes effect, oldest first."""
    business_date: date
    [business_date] = read_fields(fields, business_date=DATE)
    due = await connection.fetch(
        "SELECT * FROM change_orders WHERE status = 'APPROVED' AND effective_date <= $1"
        " ORDER BY effective_date, id FOR UPDATE",
        business_date,
    )
    return {"inForce": [(await take_effect(connection, change))["id"] for change in due]}


SOW, CHANGE = STATEMENTS_OF_WORK, CHANGE_ORDERS
RUNNING = ("ACTIVE", "SUSPENDED")
STEPS = (
    Step(table=SOW, word="send-for-review", sources=("DRAFT",), target="UNDER_REVIEW"),
    Step(
        table=SOW,
        word="sign-off",
        sources=("UNDER_REVIEW",),
        target="APPROVED",
        takes=(APPROVER,),
        stamp="approved_at",
        rule=require_published_prices,
    ),
    Step(table=SOW, word="turn-down", sources=("UNDER_REVIEW",), target="REJECTED", takes=DECISION),
    Step(table=SOW, word="start", sources=("APPROVED",), target="ACTIVE"),
    Step(table=SOW, word="pause", sources=("ACTIVE",), target="SUSPENDED"),
    Step(table=SOW, word="unpause", sources=("SUSPENDED",), target="ACTIVE"),
    Step(table=SOW, word="finish", sources=("ACTIVE",), target="COMPLETED"),
    Step(table=SOW, word="cancel", sources=RUNNING, target="TERMINATED", takes=DECISION),
    Step(
        table=CHANGE,
        word="sign-off",
        sources=("DRAFT",),
        target="APPROVED",
        takes=(APPROVER,),
        then=take_effect_if_due,
    ),
    Step(
        table=CHANGE,
        word="void",
        sources=("DRAFT", "APPROVED"),
        target="VOID",
        takes=DECISION,
    ),
    Step(
        table=PRICE_BOOK_VERSIONS,
        word="publish",
        sources=("WORKING",),
        target="PUBLISHED",
        stamp="published_at",
        rule=require_prices,
    ),
    Step(table=DELIVERABLES, word="mark-done", sources=("PLANNED",), target="DONE"),
    Step(
        table=DELIVERABLES,
        word="accept",
        sources=("DONE",),
        target="ACCEPTED",
        takes=("accepted_by", "acceptance_link"),
        stamp="accepted_at",
    ),
    Step(table=DELIVERABLES, word="drop", sources=("PLANNED", "DONE"), target="DROPPED"),
)

CONTRACT_ACTIONS = (
    *(step.action() for step in STEPS),
    Action(method="POST", path="/jobs/due-changes", perform=run_due_changes),
)
