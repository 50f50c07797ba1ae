"""What billing knows of the firm."""

from decimal import Decimal
from typing import Any

from hub.demo.bills import Hold, Invoice
from hub.demo.company import ENTITIES
from hub.demo.drawing.events import draw_events
from hub.demo.drawing.holds import FINANCE
from hub.demo.firm import Firm
from hub.demo.parties import Client
from hub.demo.rows.billing_contracts import billing_contract_rows
from hub.demo.rows.words import Rows, payment_word
from hub.demo.rows.work import billing_work


def _customer_of(hold: Hold, billing_ids: dict[str, str]) -> str | None:
    return billing_ids[hold.key] if hold.scope == "account" else None


def billing_rows(firm: Firm) -> dict[str, Rows]:
    billing_ids = {one.account_id: one.billing_id for one in firm.clients}
    return {
        **billing_contract_rows(firm),
        "holds": [
            {
                "id": f"hold_{number:06d}",
                "hub_hold": one.hold_id,
                "customer": _customer_of(one, billing_ids),
                "project_code": one.key if one.scope == "project" else None,
                "invoice": one.key if one.scope == "invoice" else None,
                "effect": one.effect,
                "state": one.status,
                "reason": one.reason,
                "review_on": one.review_by,
            }
            for number, one in enumerate(firm.holds, start=1)
        ],
        "billables": (
            {
                "id": f"bl_{number:08d}",
                "hub_event": one.event_id,
                "project_code": one.billed.project.project_no,
                "kind": one.billed.kind,
                "state": one.status,
                "service_from": one.billed.service_from,
                "service_to": one.billed.service_to,
                "amount": one.billed.amount,
                "currency": one.currency,
            }
            for number, one in enumerate(draw_events(firm), start=1)
        ),
        "customers": [
            {
                "id": one.billing_id,
                "crm_account": one.account_id,
                "name": one.name,
                "segment": one.segment,
                "account_manager": one.owner_email,
                "display_name": one.trading_as,
                "preferred_locale": one.language,
                "address": one.address,
                "addresses": addresses(one),
                "tax_number": one.vat_id,
                "tax_ids": tax_ids(one),
                "currency": one.currency,
                "payment_terms": one.terms_days,
                "credit_state": one.credit_block,
            }
            for one in firm.clients
        ],
        "projects": [
            {
                "id": f"bp_{number:06d}",
                "project_code": one.project_no,
                "customer": one.engagement.client.billing_id,
                "name": one.name,
                "status": one.status,
                "currency": one.engagement.client.currency,
                "pricing": one.method,
                "tax_region": one.tax_region,
                "purchase_order": one.po_number,
            }
            for number, one in enumerate(firm.projects, start=1)
        ],
        "invoices": [
            {
                "id": one.invoice_id,
                "customer": one.project.engagement.client.billing_id,
                "project_code": one.project.project_no,
                "entity_code": one.project.engagement.client.entity.code,
                "currency": one.project.engagement.client.currency,
                "kind": "credit_note" if one.corrects else "invoice",
                "corrects": one.corrects,
                "amount_net": one.amount_net,
                "lines": invoice_lines(one),
                "status": one.status,
                "approved_by": FINANCE if one.status == "approved" else None,
                "void_comment": one.withdrawn,
                "issued_on": one.issued_on,
                "due_on": one.due_on,
                "description": one.description,
                "disputed": one.is_disputed,
                "disputes": disputes(one),
                "ledger_number": one.document_no,
                "ledger_status": one.document_status if one.is_in_ledger else None,
                "posted_on": one.posted_on,
                "sent_on": one.sent_on,
                "tax_amount": one.tax,
                "tax_breakdown": tax_breakdown(one),
                "amount_paid": one.paid if one.is_in_ledger else None,
                "amount_open": one.open,
                "amount_written_off": Decimal(0) if one.is_in_ledger else None,
                "reminders": one.dunning_level if one.is_in_ledger else None,
                "payment_status": payment_word(one),
                "last_payment_on": one.last_payment_on,
            }
            for one in firm.invoices
        ],
        **billing_work(firm),
        "entities": [
            {
                "id": f"ent_{number:02d}",
                "entity_code": one.code,
                "seller_name": one.name,
                "seller_country": one.country,
                "currency": one.currency,
            }
            for number, one in enumerate(ENTITIES, start=1)
        ],
    }


def addresses(client: Client) -> list[dict[str, Any]]:
    return [
        {"line1": one.street, "city": one.city, "country": one.country, "billing": one.is_bill_to}
        for one in client.addresses
    ]


def tax_ids(client: Client) -> list[dict[str, Any]]:
    known = [("VAT", client.vat_id)] if client.vat_id else []
    return [{"country": client.country, "type": kind, "value": number} for kind, number in known]


def invoice_lines(invoice: Invoice) -> list[dict[str, Any]]:
    return [
        {
            "number": number,
            "description": one.text,
            "quantity": str(one.quantity),
            "unit": one.unit,
            "unit_amount": str(one.price),
            "amount": str(one.net),
            "currency": invoice.currency,
            "tax_code": one.tax_code,
        }
        for number, one in enumerate(invoice.lines, start=1)
    ]


def tax_breakdown(invoice: Invoice) -> list[dict[str, Any]] | None:
    """A copy of what the ledger says of the tax, once it has."""
    if invoice.posted_on is None:
        return None
    return [
        {
            "code": one.code,
            "rate": str(one.rate),
            "taxable": str(one.base),
            "amount": str(one.tax),
            "currency": invoice.currency,
        }
        for one in invoice.tax_lines
    ]


def disputes(invoice: Invoice) -> list[dict[str, Any]]:
    """A client that disputes an overdue invoice disputes all that is open of it."""
    if not invoice.is_disputed:
        return []
    return [
        {
            "opened_on": invoice.due_on.isoformat(),
            "reason": "The hours are not as agreed.",
            "amount": str(invoice.open),
            "currency": invoice.currency,
        }
    ]
