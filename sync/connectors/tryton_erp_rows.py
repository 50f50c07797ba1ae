"""Between the ERP's records in Tryton and the rows of its bindings; pure."""

from __future__ import annotations

from decimal import Decimal

from sync.connectors.binding import Row
from sync.connectors.tryton_erp_documents import (
    DOCUMENT_FIELDS,
    applications_of,
    book_rate_of,
    lines_of,
    tax_lines_of,
)
from sync.connectors.tryton_erp_entities import (
    ENTITIES,
    ENTITY_FIELDS,
    ENTITY_PATHS,
    YEARS,
    entity_row,
    with_books,
)
from sync.connectors.tryton_erp_time import TIME_LINES, TIME_SHAPE
from sync.connectors.tryton_shapes import (
    CLIENT_MARK,
    ENGAGEMENT_MARK,
    PROJECT_MARK,
    REFERENCE_MARK,
    Record,
    Shape,
    days_of,
    marked,
    stamps_of,
    word_of,
)

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


def read_client(record: Record) -> Row:
    codes = [one["code"] for one in record["identifiers"] or ()]
    streets = [one["street_unstructured"] for one in record["addresses"] or ()]
    return {
        "id": record["id"],
        "crm_account": marked(CLIENT_MARK, codes),
        "tax_code": next((code for code in codes if not code.startswith(CLIENT_MARK)), None),
        "invoice_address": next(iter(streets), None),
        "terms_days": days_of(record["customer_payment_term"]),
        "name": record["name"],
        **stamps_of(record),
    }


def read_project(record: Record) -> Row:
    lines = (record["comment"] or "").splitlines()
    effort = record["effort_duration"]
    return {
        "id": record["id"],
        "number": record["number"],
        "name": record["name"],
        "party": record["party"],
        "crm_opportunity": marked(ENGAGEMENT_MARK, lines),
        "hub_reference": marked(REFERENCE_MARK, lines),
        "company": record["company"]["party"]["code"],
        "currency": record["company"]["currency"]["code"],
        "status": record["status"]["name"],
        "start_on": record["timesheet_start_date"],
        "end_on": record["timesheet_end_date"],
        "budget_amount": record["list_price"],
        "budget_hours": None if effort is None else effort // 3600,
        **stamps_of(record),
    }


def read_invoice(record: Record) -> Row:
    word = _ledger_word(record)
    is_legal = word != "DRAFT"
    total, due = Decimal(record["total_amount"]), Decimal(record["amount_to_pay"] or 0)
    is_owed = word in ("POSTED", "PART_PAID", "PAID")
    posted_on = (record["accounting_date"] or record["invoice_date"]) if is_legal else None
    paid_on = [line["date"] for line in record["payment_lines"] or ()]
    return {
        "id": record["id"],
        "reference": record["reference"],
        "number": record["number"],
        "ledger_word": word,
        "posted_on": posted_on,
        "party": record["party"],
        "project": marked(PROJECT_MARK, (record["comment"] or "").splitlines()),
        "company": record["company"]["party"]["code"],
        "currency": record["currency"]["code"],
        "net_amount": record["untaxed_amount"],
        "tax_amount": record["tax_amount"] if is_legal else None,
        "gross_amount": record["total_amount"] if is_legal else None,
        **book_rate_of(record, posted_on),
        "paid_amount": str(total - due) if is_owed else "0",
        "open_amount": str(due) if is_legal else None,
        "last_payment_on": max(paid_on, default=None),
        "lines": lines_of(record),
        "tax_lines": tax_lines_of(record) if is_legal else None,
        "applications": applications_of(record),
        **stamps_of(record),
    }


def read_entity(record: Record) -> Row:
    return {**entity_row(record), **stamps_of(record)}


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
        "company.currency.code",
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
    states={"ledger_word": LEDGER_STATES},
)
COMPANIES = Shape(
    fields=ENTITY_FIELDS,
    scope=[],
    read=read_entity,
    paths=ENTITY_PATHS,
    unasked=frozenset({YEARS}),
    complete=with_books,
)
SHAPES = {
    TIME_LINES: TIME_SHAPE,
    "party.party": CLIENTS,
    "project.work": PROJECTS,
    "account.invoice": INVOICES,
    ENTITIES: COMPANIES,
}


def _ledger_word(record: Record) -> str:
    if record["state"] == "posted":
        if record["amount_to_pay"] == record["total_amount"]:
            return "POSTED"
        return "PART_PAID" if Decimal(record["amount_to_pay"] or 0) else "PAID"
    return word_of(LEDGER_STATES, record["state"])
