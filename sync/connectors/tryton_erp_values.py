"""What to write into the ERP's Tryton for a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sync.connectors.binding import Row
from sync.connectors.tryton_erp_time import TIME_LINES, time_values
from sync.connectors.tryton_lookups import (
    Encode,
    Finds,
    Values,
    address_change,
    comment_with,
    find_company,
    find_term,
    new_code,
    required,
    tax_change,
)
from sync.connectors.tryton_shapes import (
    CLIENT_MARK,
    ENGAGEMENT_MARK,
    PROJECT_MARK,
    REFERENCE_MARK,
    Record,
    typed_day,
    typed_decimal,
    typed_hours,
)


async def client_values(tryton: Finds, row: Row, record: Record) -> Values:
    values: Values = {"name": row["name"]} if "name" in row else {}
    codes = _code_changes(row, record)
    if codes:
        values["identifiers"] = codes
    if "invoice_address" in row or not record:
        values["addresses"] = [address_change(row.get("invoice_address"), record)]
    if "terms_days" in row:
        values["customer_payment_term"] = await find_term(tryton, row["terms_days"])
    return values


async def project_values(tryton: Finds, row: Row, record: Record) -> Values:
    values: Values = {} if record else dict(NEW_PROJECT)
    values |= {
        name: convert(row[column]) for column, (name, convert) in PLAIN.items() if column in row
    }
    marks = {"crm_opportunity": ENGAGEMENT_MARK, "hub_reference": REFERENCE_MARK}
    values |= comment_with(row, record, marks)
    if "company" in row:
        values["company"] = (await find_company(tryton, row["company"], row.get("currency")))["id"]
    if "status" in row:
        values["status"] = await _status(tryton, row["status"])
        values |= {"progress": 1} if row["status"] == "Done" else {}
    return values


async def invoice_values(tryton: Finds, row: Row, record: Record) -> Values:
    values: Values = {} if record else await _new_invoice(tryton, row)
    values |= comment_with(row, record, {"project": PROJECT_MARK})
    if "reference" in row:
        values["reference"] = row["reference"]
    if row.get("party") is not None:
        values |= await _debtor(tryton, int(row["party"]))
    if row.get("lines"):
        values["lines"] = await _lines(tryton, row, record)
    elif record and "net_amount" in row:
        price = {"unit_price": typed_decimal(str(row["net_amount"] or 0))}
        values["lines"] = [["write", [line["id"] for line in record["lines"][:1]], price]]
    return values


ENCODERS: Mapping[str, Encode] = {
    TIME_LINES: time_values,
    "party.party": client_values,
    "project.work": project_values,
    "account.invoice": invoice_values,
}
UNTAXED = (None, "E", "O", "Z")
"""Categories without tax: exempt, outside its scope, and a rate of zero."""
NEW_PROJECT = {"type": "project", "project_invoice_method": "manual", "timesheet_available": True}
PLAIN: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "name": ("name", str),
    "party": ("party", lambda key: None if key is None else int(key)),
    "start_on": ("timesheet_start_date", typed_day),
    "end_on": ("timesheet_end_date", typed_day),
    "budget_amount": ("list_price", lambda cell: None if cell is None else typed_decimal(cell)),
    "budget_hours": ("effort_duration", typed_hours),
}


def _code_changes(row: Row, record: Record) -> list[list[Any]]:
    changes: list[list[Any]] = []
    if not record and row.get("crm_account"):
        changes.append(new_code(f"{CLIENT_MARK}{row['crm_account']}"))
    if "tax_code" in row:
        changes += tax_change(row["tax_code"], record)
    return changes


async def _status(tryton: Finds, name: str) -> int:
    domain = [["name", "=", name], ["types", "in", ["project"]]]
    return required(
        tryton, await tryton.find("project.work.status", domain), f"no project status {name}"
    )


async def _debtor(tryton: Finds, party: int) -> Values:
    address = await tryton.find("party.address", [["party", "=", party]])
    client = await tryton.find("party.party", [["id", "=", party]], "customer_payment_term")
    return {
        "party": party,
        "invoice_address": required(tryton, address, "no address of this client to invoice to"),
        "payment_term": client["customer_payment_term"],
    }


async def _new_invoice(tryton: Finds, row: Row) -> Values:
    """A draft with one line, booked on the company's default accounts."""
    company = await find_company(tryton, row["company"], row.get("currency"))
    own, number = [["company", "=", company["id"]]], company["id"]
    journal = await tryton.find("account.journal", [["type", "=", "revenue"]])
    tax = await tryton.find("account.tax", own)
    line = {
        **await _booked(tryton, company),
        "description": row["reference"],
        "quantity": 1,
        "unit_price": typed_decimal(str(row.get("net_amount") or 0)),
        "taxes": [["add", [tax["id"]]]] if tax else [],
    }
    return {
        "type": "out",
        "company": number,
        "currency": company["currency"]["id"],
        "account": await tryton.read_default("default_account_receivable", number),
        "journal": required(tryton, journal, "no revenue journal"),
        "lines": [["create", [line]]],
    }


async def _booked(tryton: Finds, company: Record) -> Values:
    """What every line of a company's invoices has in common."""
    account = "default_category_account_revenue"
    return {
        "type": "line",
        "company": company["id"],
        "currency": company["currency"]["id"],
        "account": await tryton.read_default(account, company["id"]),
    }


async def _lines(tryton: Finds, row: Row, record: Record) -> list[list[Any]]:
    """The draft's lines, all new; those it had are gone."""
    code = row.get("company") or record["company"]["party"]["code"]
    company = await find_company(tryton, code, row.get("currency"))
    common = await _booked(tryton, company)
    made = [{**common, **await _line(tryton, company, line)} for line in row["lines"]]
    old = [one["id"] for one in record.get("lines") or ()]
    return [*([["delete", old]] if old else []), ["create", made]]


async def _line(tryton: Finds, company: Record, line: Mapping[str, Any]) -> Values:
    unit = await tryton.find("product.uom", [["symbol", "=", line["unit"]]])
    return {
        "description": line["description"],
        "quantity": float(line["quantity"]),
        "unit": unit.get("id"),
        "unit_price": typed_decimal(line["unit_price"]),
        "taxes": await _taxes(tryton, company, line["tax"]),
    }


async def _taxes(tryton: Finds, company: Record, code: str | None) -> list[list[Any]]:
    """Exempt is what has no tax in Tryton; of any other category its tax must be there."""
    if code in UNTAXED:
        return []
    domain = [["company", "=", company["id"]], ["name", "=", code]]
    tax = await tryton.find("account.tax", domain)
    return [["add", [required(tryton, tax, f"no tax {code} of this company")]]]
