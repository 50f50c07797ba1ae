"""Between Tryton's records and the rows of its bindings; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from schema.entity import FilterOp
from sync.connectors.binding import Row
from sync.connectors.ports import Condition
from sync.connectors.tryton_documents import (
    DOCUMENT_FIELDS,
    applications_of,
    lines_of,
    tax_lines_of,
)
from sync.connectors.tryton_entities import ENTITIES, ENTITY_FIELDS, ENTITY_PATHS, entity_row

Record = Mapping[str, Any]
"""One record as Tryton's REST answers it: fields, with the fields of related records nested."""

Domain = list[Any]

CLIENT_MARK = "crm:"
ENGAGEMENT_MARK = "crm:"
PROJECT_MARK = "project:"
REFERENCE_MARK = "hub:"
"""How foreign ids are told apart in identifiers and in the lines of a comment."""

LEDGER_STATES = {
    "DRAFT": ("draft", "validated"),
    "POSTED": ("posted",),
    "PART_PAID": ("posted",),
    "PAID": ("posted", "paid"),
    "CANCELLED": ("cancelled",),
}
"""The ledger's words and the states they hide behind.

Tryton has none for a part payment, and calls an invoice paid some time after its last payment.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one of Tryton's models reads as rows.

    `scope` is the domain that keeps foreign records out; `paths` are the fields a condition on a
    column asks for, `marks` the columns that are lines of a comment.
    """

    fields: tuple[str, ...]
    scope: Domain
    read: Callable[[Record], Row]
    paths: Mapping[str, str]
    marks: Mapping[str, tuple[str, str]]


def read_client(record: Record) -> Row:
    codes = [one["code"] for one in record["identifiers"] or ()]
    streets = [one["street_unstructured"] for one in record["addresses"] or ()]
    return {
        "id": record["id"],
        "crm_account": _marked(CLIENT_MARK, codes),
        "tax_code": next((code for code in codes if not code.startswith(CLIENT_MARK)), None),
        "invoice_address": next(iter(streets), None),
        "terms_days": _days_of(record["customer_payment_term"]),
        "name": record["name"],
        **_stamps(record),
    }


def read_project(record: Record) -> Row:
    lines = (record["comment"] or "").splitlines()
    effort = record["effort_duration"]
    return {
        "id": record["id"],
        "number": record["number"],
        "name": record["name"],
        "party": record["party"],
        "crm_opportunity": _marked(ENGAGEMENT_MARK, lines),
        "hub_reference": _marked(REFERENCE_MARK, lines),
        "company": record["company"]["party"]["code"],
        "currency": record["company"]["currency"]["code"],
        "status": record["status"]["name"],
        "start_on": record["timesheet_start_date"],
        "end_on": record["timesheet_end_date"],
        "budget_amount": record["list_price"],
        "budget_hours": None if effort is None else effort // 3600,
        **_stamps(record),
    }


def read_invoice(record: Record) -> Row:
    word = _ledger_word(record)
    is_legal = word != "DRAFT"
    total, due = Decimal(record["total_amount"]), Decimal(record["amount_to_pay"] or 0)
    is_owed = word in ("POSTED", "PART_PAID", "PAID")
    paid_on = [line["date"] for line in record["payment_lines"] or ()]
    return {
        "id": record["id"],
        "reference": record["reference"],
        "number": record["number"],
        "ledger_word": word,
        "posted_on": (record["accounting_date"] or record["invoice_date"]) if is_legal else None,
        "party": record["party"],
        "project": _marked(PROJECT_MARK, (record["comment"] or "").splitlines()),
        "company": record["company"]["party"]["code"],
        "currency": record["currency"]["code"],
        "net_amount": record["untaxed_amount"],
        "tax_amount": record["tax_amount"] if is_legal else None,
        "gross_amount": record["total_amount"] if is_legal else None,
        "paid_amount": str(total - due) if is_owed else "0",
        "open_amount": str(due) if is_legal else None,
        "last_payment_on": max(paid_on, default=None),
        "lines": lines_of(record),
        "tax_lines": tax_lines_of(record) if is_legal else None,
        "applications": applications_of(record),
        **_stamps(record),
    }


def read_entity(record: Record) -> Row:
    return {**entity_row(record), **_stamps(record)}


CLIENTS = Shape(
    fields=(
        *("name", "identifiers.code", "addresses.street_unstructured", "_timestamp"),
        "customer_payment_term.lines.relativedeltas.days",
    ),
    scope=[["identifiers.code", "like", f"{CLIENT_MARK}%"]],
    read=read_client,
    paths={"id": "id", "name": "name"},
    marks={"crm_account": ("identifiers.code", CLIENT_MARK)},
)
PROJECTS = Shape(
    fields=(
        *("number", "name", "party", "comment", "company.party.code", "company.currency.code"),
        *("status.name", "timesheet_start_date", "timesheet_end_date", "list_price"),
        *("effort_duration", "_timestamp"),
    ),
    scope=[["type", "=", "project"]],
    read=read_project,
    paths={
        "id": "id",
        "number": "number",
        "name": "name",
        "party": "party",
        "company": "company.party.code",
        "status": "status.name",
        "start_on": "timesheet_works.timesheet_start_date",
        "end_on": "timesheet_works.timesheet_end_date",
    },
    marks={
        "crm_opportunity": ("comment", ENGAGEMENT_MARK),
        "hub_reference": ("comment", REFERENCE_MARK),
    },
)
INVOICES = Shape(
    fields=(
        *("number", "reference", "state", "party", "comment", "company.party.code"),
        *("currency.code", "untaxed_amount", "tax_amount", "total_amount", "amount_to_pay"),
        *("invoice_date", "accounting_date", "payment_lines.date", "_timestamp"),
        *DOCUMENT_FIELDS,
    ),
    scope=[["type", "=", "out"]],
    read=read_invoice,
    paths={
        "id": "id",
        "reference": "reference",
        "number": "number",
        "party": "party",
        "company": "company.party.code",
    },
    marks={"project": ("comment", PROJECT_MARK)},
)
COMPANIES = Shape(
    fields=ENTITY_FIELDS,
    scope=[],
    read=read_entity,
    paths=ENTITY_PATHS,
    marks={},
)
SHAPES = {
    "party.party": CLIENTS,
    "project.work": PROJECTS,
    "account.invoice": INVOICES,
    ENTITIES: COMPANIES,
}


def domain_of(shape: Shape, conditions: Iterable[Condition]) -> Domain:
    """The conditions as Tryton asks them; `holds` must still confirm each row."""
    return [*shape.scope, *(_clause(shape, condition) for condition in conditions)]


def holds(row: Row, conditions: Iterable[Condition]) -> bool:
    """Whether a row really meets the conditions that a domain can only narrow down to."""
    return all(
        str(row[one.column]) in {str(value) for value in one.value}
        for one in conditions
        if one.op is FilterOp.IN
    )


def plain(value: Any) -> Any:
    """Tryton's typed JSON as plain JSON: texts for decimals and days, seconds for durations."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    match value.get("__class__"):
        case None:
            return {name: plain(one) for name, one in value.items()}
        case "Decimal":
            return value["decimal"]
        case "date":
            return date(value["year"], value["month"], value["day"]).isoformat()
        case "timedelta":
            return int(value["seconds"])
        case kind:
            raise ValueError(f"{kind} is not expected of Tryton")


def typed_decimal(amount: str) -> Record:
    return {"__class__": "Decimal", "decimal": amount}


def typed_day(day: str | None) -> Record | None:
    if day is None:
        return None
    when = date.fromisoformat(day)
    return {"__class__": "date", "year": when.year, "month": when.month, "day": when.day}


def typed_hours(hours: int | None) -> Record | None:
    return None if hours is None else {"__class__": "timedelta", "seconds": hours * 3600}


def timestamp_of(version: int) -> str:
    """The `_timestamp` of a row's version."""
    return f"{version // 1_000_000}.{version % 1_000_000:06d}"


def _clause(shape: Shape, condition: Condition) -> Domain:
    column, value = condition.column, condition.value
    if column == "ledger_word":
        return ["state", "in", [state for word in value for state in LEDGER_STATES[word]]]
    if column in shape.marks:
        path, mark = shape.marks[column]
        return ["OR", *([path, "like", f"%{_escaped(mark + one)}%"] for one in value)]
    path = shape.paths[column]
    match condition.op:
        case FilterOp.IN:
            return [path, "in", [_operand(column, one) for one in value]]
        case FilterOp.CONTAINS:
            return [path, "ilike", f"%{_escaped(value)}%"]
        case FilterOp.FROM:
            return [path, ">=", typed_day(str(value))]
        case FilterOp.TO:
            return [path, "<=", typed_day(str(value))]


def _operand(column: str, value: Any) -> Any:
    """Tryton's own ids are numbers; a text that is none belongs to no record."""
    if column not in ("id", "party"):
        return value
    return int(value) if str(value).isdecimal() else 0


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _marked(mark: str, texts: Iterable[str]) -> str | None:
    return next((text.removeprefix(mark) for text in texts if text.startswith(mark)), None)


def _days_of(term: Record | None) -> int | None:
    """The net days of a payment term: those of its last line."""
    if not term or not term["lines"]:
        return None
    return sum(delta["days"] or 0 for delta in term["lines"][-1]["relativedeltas"] or ())


def _ledger_word(record: Record) -> str:
    if record["state"] == "posted":
        if record["amount_to_pay"] == record["total_amount"]:
            return "POSTED"
        return "PART_PAID" if Decimal(record["amount_to_pay"] or 0) else "PAID"
    return next(word for word, states in LEDGER_STATES.items() if record["state"] in states)


def _stamps(record: Record) -> Row:
    seconds, _, fraction = str(record["_timestamp"]).partition(".")
    micros = int(seconds) * 1_000_000 + int(fraction.ljust(6, "0")[:6])
    changed = datetime.fromtimestamp(micros / 1_000_000, UTC)
    return {"version": micros, "updated_at": changed.isoformat()}
