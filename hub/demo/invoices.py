"""The invoices of the billing stand-in: what they may say, and until when it may change."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hub.demo.calls import Fields, Path, broken, read_fields
from hub.demo.dialect import Action
from hub.demo.kinds import COUNT, CURRENCY, DATE, FLAG, FRACTION, KEY, MONEY, TEXT, document
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

LINE = {
    "number": COUNT,
    "description": TEXT,
    "quantity": FRACTION,
    "unit": TEXT,
    "unit_amount": MONEY,
    "amount": MONEY,
    "currency": CURRENCY,
    "tax_code": TEXT,
}
TAX = {
    "code": TEXT,
    "rate": FRACTION,
    "taxable": MONEY,
    "amount": MONEY,
    "currency": CURRENCY,
}
DISPUTE = {"opened_on": DATE, "reason": TEXT, "amount": MONEY, "currency": CURRENCY}
CONTENT = frozenset(
    {
        *("customer", "project_code", "entity_code", "kind", "corrects", "currency"),
        *("amount_net", "lines", "issued_on", "due_on", "description"),
    }
)
"""What an approved invoice no longer changes."""


def _changes(before: Row, values: Row) -> bool:
    """Whether the content becomes another; saying again what it is changes nothing."""
    return any(values[name] != before[name] for name in CONTENT & values.keys())


async def refuse_contradiction(connection: Connection, before: Row | None, values: Row) -> None:
    if before is not None and before["status"] != "draft" and _changes(before, values):
        message = f"{before['id']} is {before['status']}; correct it with a credit note."
        raise broken("invoice_locked", message)
    invoice = {**(before or {}), **values}
    kind = invoice.get("kind") or "invoice"
    if kind != "invoice" and invoice.get("corrects") is None:
        raise broken("nothing_corrected", f"A {kind} names the invoice that it corrects.")
    if invoice.get("lines") is not None:
        refuse_other_sum(invoice, invoice["lines"])


def refuse_other_sum(invoice: Row, lines: list[Mapping[str, Any]]) -> None:
    """What is printed line by line adds up to what is owed, in one currency."""
    if {one["currency"] for one in lines} - {invoice["currency"]}:
        raise broken("currency_mismatch", f"Every line must be in {invoice['currency']}.")
    total = sum((Decimal(one["amount"] or 0) for one in lines), Decimal(0))
    if total != invoice["amount_net"]:
        message = f"The lines add up to {total}, but amount_net is {invoice['amount_net']}."
        raise broken("lines_mismatch", message)


INVOICES = Table(
    name="invoices",
    key=text_key("id"),
    prefix="in_",
    digits=6,
    check=refuse_contradiction,
    columns=(
        own("customer", by=EXACT, references="customers"),
        anchor("project_code"),
        choice("entity_code", "NL01", "UK01", "US01"),
        choice("kind", "invoice", "credit_note", "debit_note", default="invoice"),
        optional("corrects", KEY, by=EXACT, references="invoices"),
        own("currency", CURRENCY, by=EXACT),
        own("amount_net", MONEY),
        optional("lines", document(LINE, is_list=True)),
        given("status", by=EXACT, default="'draft'"),
        given("approved_by"),
        given("void_comment"),
        own("issued_on", DATE, by=RANGE),
        own("due_on", DATE, by=RANGE),
        own("description", by=LIKE),
        own("disputed", FLAG, by=EXACT, default="false"),
        own("disputes", document(DISPUTE, is_list=True), default="'[]'"),
        copied("ledger_number", by=EXACT),
        copied("ledger_status", by=EXACT),
        copied("posted_on", DATE, by=RANGE),
        copied("sent_on", DATE, by=RANGE),
        copied("tax_amount", MONEY),
        copied("tax_breakdown", document(TAX, is_list=True)),
        copied("amount_paid", MONEY),
        copied("amount_open", MONEY),
        copied("amount_written_off", MONEY),
        copied("reminders", COUNT),
        copied("payment_status", by=EXACT),
        copied("last_payment_on", DATE),
    ),
)


async def finalize(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """Approves a draft: from now on its content stands."""
    invoice = await _select_invoice(connection, path["id"])
    _refuse_status(invoice, "finalized", ("draft",))
    [approver] = read_fields(fields, approved_by=TEXT)
    if not approver.strip():
        raise broken("approver_required", "Say in approved_by who approves.")
    return await _change(connection, invoice, status="approved", approved_by=approver)


async def void(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """Drops an invoice that the ledger has not made legal."""
    invoice = await _select_invoice(connection, path["id"])
    _refuse_status(invoice, "voided", ("draft", "approved"))
    if invoice["ledger_number"] is not None:
        message = f"{invoice['id']} is {invoice['ledger_number']} in the ledger: cancel it there."
        raise broken("invoice_in_ledger", message)
    if not str(fields.get("comment") or "").strip():
        raise broken("comment_required", "Say why, in comment.")
    [comment] = read_fields(fields, comment=TEXT)
    return await _change(connection, invoice, status="void", void_comment=comment)


INVOICE_ACTIONS = (
    Action(method="POST", path="/invoices/{id}/finalize", perform=finalize),
    Action(method="POST", path="/invoices/{id}/void", perform=void),
)


def _refuse_status(invoice: Row, done: str, statuses: tuple[str, ...]) -> None:
    if invoice["status"] not in statuses:
        message = f"{invoice['id']} is {invoice['status']} and cannot be {done}."
        raise broken("invoice_status", message)


async def _select_invoice(connection: Connection, key: str) -> Row:
    """The invoice, locked until the transaction ends."""
    if "\0" in key:
        raise not_found(INVOICES, key)
    return await select_row(connection, INVOICES, key, is_locked=True)


async def _change(connection: Connection, invoice: Row, **values: object) -> dict[str, Any]:
    return dict(await update_row(connection, INVOICES, invoice["id"], values))
