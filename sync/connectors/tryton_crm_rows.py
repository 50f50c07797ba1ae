"""Between the CRM's records in Tryton and the rows of its bindings; pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sync.connectors.binding import Row
from sync.connectors.tryton_shapes import (
    CONTRACT_MARK,
    Record,
    Searches,
    Shape,
    code_of,
    days_of,
    marked,
    stamps_of,
    word_of,
)

CLIENT_CATEGORY = "Client"
SEGMENTS = ("Enterprise", "Midmarket", "Small")
"""Parties are clients by this category, or by one of its own, which name the segments."""

STAGES = {
    "QUALIFYING": ("lead",),
    "PROPOSED": ("opportunity", "converted"),
    "CLOSED_WON": ("won",),
    "CLOSED_LOST": ("lost", "cancelled"),
}
SALE_STATES = {
    "DRAFT": ("draft",),
    "UNDER_REVIEW": ("quotation",),
    "APPROVED": ("confirmed",),
    "ACTIVE": ("processing",),
    "COMPLETED": ("done",),
    "REJECTED": ("cancelled",),
}
AMENDMENT_STATES = {"DRAFT": ("draft",), "IN_FORCE": ("validated",)}
KINDS = {"line": "CEILING", "payment_term": "TERMS", "party": "TERMS"}
"""What a line of an amendment does, and the kind of change that is."""

CHANGE_CODE = "CHG-"
"""Tryton numbers everything but its amendments, which are called by their id."""


def read_client(record: Record) -> Row:
    categories = [one["name"] for one in record["categories"] or ()]
    streets = [one["street_unstructured"] for one in record["addresses"] or ()]
    codes = [one["code"] for one in record["identifiers"] or ()]
    return {
        "id": record["id"],
        "code": record["code"],
        "name": record["name"],
        "segment": next((name for name in categories if name in SEGMENTS), None),
        "invoice_address": next(iter(streets), None),
        "tax_code": next(iter(codes), None),
        "terms_days": days_of(record["customer_payment_term"]),
        **stamps_of(record),
    }


def read_engagement(record: Record) -> Row:
    seller = record["employee"]
    return {
        "id": record["id"],
        "number": record["number"],
        "reference": record["reference"],
        "title": record["description"] or record["number"],
        "account": record["party"] and record["party"]["code"],
        "stage": word_of(STAGES, record["state"]),
        "amount": record["amount"],
        "currency": record["currency"]["code"],
        "win_chance": str(record["conversion_probability"]),
        "starts_on": record["start_date"],
        "owner_email": seller and seller["party"]["email"],
        "company": record["company"]["party"]["code"],
        **stamps_of(record),
    }


async def with_opportunities(tryton: Searches, records: Sequence[Record]) -> list[Record]:
    """The sales with the numbers of the opportunities they come of; Tryton gives their ids."""
    ids = [_opportunity_of(record) for record in records]
    wanted = sorted({number for number in ids if number is not None})
    found = await tryton.search(
        "sale.opportunity", [["id", "in", wanted]], ("number",), limit=len(wanted) or 1
    )
    numbers = {one["id"]: one["number"] for one in found}
    return [
        {**record, "opportunity": None if number is None else numbers.get(number)}
        for record, number in zip(records, ids, strict=True)
    ]


def _opportunity_of(record: Record) -> int | None:
    model, _, number = (record["origin"] or "").partition(",")
    return int(number) if model == "sale.opportunity" else None


def read_sow(record: Record) -> Row:
    """A contract's ceiling is what its lines add up to; none when they are worth nothing."""
    worth = Decimal(record["untaxed_amount"] or 0)
    products = [one["product"]["code"] for one in record["lines"] or () if one["product"]]
    return {
        "id": record["id"],
        "number": record["number"],
        "contract_no": marked(CONTRACT_MARK, (record["comment"] or "").splitlines())
        or record["number"],
        "opportunity": record["opportunity"],
        "revision": record["revision"] + 1,
        "subject": record["description"],
        "pricing_model": next(iter(products), None),
        "status": word_of(SALE_STATES, record["state"]),
        "ceiling_amount": str(worth) if worth else None,
        "currency": record["currency"]["code"],
        "starts_on": record["shipping_date"],
        "payment_days": days_of(record["payment_term"]),
        "customer_po": record["reference"],
        **stamps_of(record),
    }


def read_amendment(record: Record) -> Row:
    lines = record["lines"] or ()
    siblings = sorted(record["sale"]["amendments"])
    return {
        "id": record["id"],
        "change_no": code_of(CHANGE_CODE, record["id"]),
        "sow": record["sale"]["number"],
        "sequence_no": siblings.index(record["id"]) + 1,
        "change_type": next(
            (KINDS[one["action"]] for one in lines if one["action"] in KINDS), None
        ),
        "status": word_of(AMENDMENT_STATES, record["state"]),
        "effective_on": record["date"],
        "changed_terms": [_term(one, is_applied=record["state"] != "draft") for one in lines],
        "rationale": record["description"],
        **stamps_of(record),
    }


def _term(line: Record, *, is_applied: bool) -> dict[str, Any]:
    """One changed term. What stood there before is gone once an amendment is applied."""
    match line["action"]:
        case "line":
            before = None if is_applied else _worth(line["line"])
            return {"term": "ceiling_amount", "old_value": before, "new_value": _worth(line)}
        case "payment_term":
            days = days_of(line["payment_term"])
            after = None if days is None else str(days)
            return {"term": "payment_days", "old_value": None, "new_value": after}
        case action:
            return {"term": action, "old_value": None, "new_value": None}


def _worth(line: Record | None) -> str | None:
    """Quantity times price, in whole cents; Tryton counts in floats, which are spelt out here."""
    if not line or line["unit_price"] is None:
        return None
    worth = Decimal(str(line["quantity"])) * Decimal(line["unit_price"])
    return str(worth.quantize(Decimal("0.01")))


CLIENTS = Shape(
    fields=(
        *("code", "name", "categories.name", "identifiers.code", "_timestamp"),
        *("addresses.street_unstructured", "customer_payment_term.lines.relativedeltas.days"),
    ),
    scope=[
        [
            "OR",
            ["categories.name", "=", CLIENT_CATEGORY],
            ["categories.parent.name", "=", CLIENT_CATEGORY],
        ]
    ],
    read=read_client,
    paths={"id": "id", "code": "code", "name": "name", "segment": "categories.name"},
)
ENGAGEMENTS = Shape(
    fields=(
        *("number", "reference", "description", "party.code", "state", "amount", "_timestamp"),
        *("currency.code", "conversion_probability", "start_date", "employee.party.email"),
        "company.party.code",
    ),
    scope=[],
    read=read_engagement,
    paths={
        "id": "id",
        "number": "number",
        "reference": "reference",
        "title": "description",
        "account": "party.code",
        "starts_on": "start_date",
        "owner_email": "employee.party.contact_mechanisms.value",
        "company": "company.party.code",
    },
    states={"stage": STAGES},
)
SOWS = Shape(
    fields=(
        *("number", "reference", "comment", "origin", "revision", "description", "state"),
        *("untaxed_amount", "currency.code", "shipping_date", "_timestamp", "lines.product.code"),
        *("payment_term.lines.relativedeltas.days", "company.party.code"),
    ),
    scope=[["number", "!=", None]],
    read=read_sow,
    paths={
        "id": "id",
        "number": "number",
        "contract_no": "number",
        "opportunity": "origin.number:sale.opportunity",
        "subject": "description",
        "pricing_model": "lines.product.code",
        "starts_on": "shipping_date",
        "customer_po": "reference",
    },
    marks={"contract_no": ("comment", CONTRACT_MARK)},
    states={"status": SALE_STATES},
    complete=with_opportunities,
)
AMENDMENTS = Shape(
    fields=(
        *("sale.number", "sale.amendments", "date", "description", "state", "_timestamp"),
        *("lines.action", "lines.quantity", "lines.unit_price", "lines.line.quantity"),
        *("lines.line.unit_price", "lines.payment_term.lines.relativedeltas.days"),
    ),
    scope=[],
    read=read_amendment,
    paths={"id": "id", "change_no": "id", "sow": "sale.number", "effective_on": "date"},
    states={"status": AMENDMENT_STATES},
    codes={"change_no": CHANGE_CODE},
)
SHAPES = {
    "party.party": CLIENTS,
    "sale.opportunity": ENGAGEMENTS,
    "sale.sale": SOWS,
    "sale.amendment": AMENDMENTS,
}
