"""What to write into the CRM's Tryton for a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sync.connectors.binding import Row
from sync.connectors.tryton_crm_rows import CLIENT_CATEGORY, SEGMENTS
from sync.connectors.tryton_lookups import (
    Encode,
    Finds,
    Values,
    address_change,
    find_company,
    find_term,
    refused,
    required,
    tax_change,
)
from sync.connectors.tryton_shapes import Record, typed_day, typed_decimal


async def client_values(tryton: Finds, row: Row, record: Record) -> Values:
    values: Values = {"name": row["name"]} if "name" in row else {}
    if "segment" in row or not record:
        values["categories"] = await _categories(tryton, row.get("segment"), record)
    if codes := tax_change(row["tax_code"], record) if "tax_code" in row else []:
        values["identifiers"] = codes
    if "invoice_address" in row or not record:
        values["addresses"] = [address_change(row.get("invoice_address"), record)]
    if "terms_days" in row:
        values["customer_payment_term"] = await find_term(tryton, row["terms_days"])
    return values


async def engagement_values(tryton: Finds, row: Row, record: Record) -> Values:
    values = _plain(row, OPPORTUNITY)
    if row.get("account") is not None:
        party = await tryton.find("party.party", [["code", "=", row["account"]]])
        values["party"] = required(tryton, party, f"no party {row['account']}")
    if row.get("company") is not None:
        values["company"] = (await find_company(tryton, row["company"], None))["id"]
    if row.get("currency") is not None:
        currency = await tryton.find("currency.currency", [["code", "=", row["currency"]]])
        values["currency"] = required(tryton, currency, f"no currency {row['currency']}")
    if "owner_email" in row:
        company = values.get("company") or (record.get("company") or {}).get("id")
        values["employee"] = await _seller(tryton, row["owner_email"], company)
    return values


async def sow_values(tryton: Finds, row: Row, record: Record) -> Values:
    values = _plain(row, SALE)
    if "payment_days" in row:
        values["payment_term"] = await find_term(tryton, row["payment_days"])
    if line := await _line(tryton, row, record):
        values["lines"] = [["write", [one["id"] for one in record["lines"]], line]]
    return values


async def amendment_values(tryton: Finds, row: Row, record: Record) -> Values:
    return _plain(row, CHANGE)


ENCODERS: Mapping[str, Encode] = {
    "party.party": client_values,
    "sale.opportunity": engagement_values,
    "sale.sale": sow_values,
    "sale.amendment": amendment_values,
}
Plain = Mapping[str, tuple[str, Callable[[Any], Any]]]
"""Columns that are fields of Tryton's own, and how their values are spelt."""


def _as_it_is(cell: Any) -> Any:
    return cell


OPPORTUNITY: Plain = {
    "reference": ("reference", _as_it_is),
    "title": ("description", _as_it_is),
    "amount": ("amount", lambda cell: None if cell is None else typed_decimal(cell)),
    "win_chance": ("conversion_probability", lambda cell: None if cell is None else float(cell)),
    "starts_on": ("start_date", typed_day),
}
SALE: Plain = {
    "subject": ("description", _as_it_is),
    "customer_po": ("reference", _as_it_is),
    "starts_on": ("shipping_date", typed_day),
}
CHANGE: Plain = {"rationale": ("description", _as_it_is), "effective_on": ("date", typed_day)}


def _plain(row: Row, plain: Plain) -> Values:
    return {
        name: convert(row[column]) for column, (name, convert) in plain.items() if column in row
    }


async def _categories(tryton: Finds, segment: str | None, record: Record) -> list[list[Any]]:
    """Out of the segment it was in, into the one named; a client of none is just a client."""
    known = record.get("categories") or ()
    old = [one["id"] for one in known if one["name"] in (*SEGMENTS, CLIENT_CATEGORY)]
    name = segment or CLIENT_CATEGORY
    category = await tryton.find("party.category", [["name", "=", name]])
    new = required(tryton, category, f"no party category {name}")
    return [*([["remove", old]] if old else []), ["add", [new]]]


async def _seller(tryton: Finds, email: str | None, company: int | None) -> int | None:
    if email is None:
        return None
    domain = [["party.contact_mechanisms.value", "=", email], ["company", "=", company]]
    seller = await tryton.find("company.employee", domain)
    return required(tryton, seller, f"no employee {email} of this company")


async def _line(tryton: Finds, row: Row, record: Record) -> Values:
    """What changes on the one line that says what a contract is worth, and how it is priced."""
    values: Values = {}
    if "ceiling_amount" in row:
        values["unit_price"] = typed_decimal(str(row["ceiling_amount"] or 0))
    if row.get("pricing_model") is not None:
        product = await tryton.find("product.product", [["code", "=", row["pricing_model"]]])
        values["product"] = required(tryton, product, f"no product {row['pricing_model']}")
    if row.get("currency") not in (None, record["currency"]["code"]):
        raise refused(tryton, f"the contract is in {record['currency']['code']}")
    if values and len(record["lines"] or ()) != 1:
        raise refused(tryton, "the contract has not got one single line")
    return values
