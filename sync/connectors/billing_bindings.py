"""What billing holds of the canonical types, and in which columns and words."""

from __future__ import annotations

from schema.entities.client import Client
from schema.entities.invoice import Invoice, InvoiceKind
from schema.entities.invoice_status import InvoiceDraftStatus
from schema.entities.legal_entity import LegalEntity
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.system import System
from sync.connectors.binding import Binding, Column, Event, MoneyColumns, PartColumn
from sync.connectors.words import (
    CREDIT_STATUS,
    LEDGER_STATUS,
    PAYMENT_STATE,
    PROJECT_STATUS,
    SEGMENT,
)

INVOICE_EVENTS = (
    *(Event(type=f"invoice.{name}") for name in ("created", "updated", "finalized", "voided")),
    Event(type="invoice.upcoming", key=None),
)

LEGAL_ENTITY = Binding(
    entity=LegalEntity,
    system=System.BILLING,
    resource="entities",
    table="public.entities",
    key="id",
    anchor_key="entity_code",
    copies={
        "name": Column(name="seller_name"),
        "country": Column(name="seller_country"),
        "functional_currency": Column(name="currency"),
    },
)

CLIENT = Binding(
    entity=Client,
    system=System.BILLING,
    resource="customers",
    table="public.customers",
    key="id",
    anchor_key="crm_account",
    copies={
        "name": Column(name="name"),
        "segment": Column(name="segment", words=SEGMENT),
        "account_manager": Column(name="account_manager"),
        "trading_name": Column(name="display_name"),
        "language": Column(name="preferred_locale"),
        "bill_to": Column(name="address"),
        "addresses": PartColumn(
            name="addresses",
            parts={
                "street": Column(name="line1"),
                "city": Column(name="city"),
                "country": Column(name="country"),
                "is_bill_to": Column(name="billing"),
            },
        ),
        "tax_id": Column(name="tax_number"),
        "tax_ids": PartColumn(
            name="tax_ids",
            parts={
                "country": Column(name="country"),
                "kind": Column(name="type"),
                "number": Column(name="value"),
            },
        ),
        "default_currency": Column(name="currency"),
        "payment_terms_days": Column(name="payment_terms"),
        "credit_status": Column(name="credit_state", words=CREDIT_STATUS),
    },
)

PROJECT = Binding(
    entity=Project,
    system=System.BILLING,
    resource="projects",
    table="public.projects",
    key="id",
    anchor_key="project_code",
    copies={
        "client_id": Column(name="customer"),
        "name": Column(name="name"),
        "status": Column(name="status", words=PROJECT_STATUS),
        "currency": Column(name="currency"),
        "method": Column(name="pricing"),
        "tax_region": Column(name="tax_region"),
        "po_number": Column(name="purchase_order"),
    },
)

LINES = PartColumn(
    name="lines",
    parts={
        "line": Column(name="number"),
        "description": Column(name="description"),
        "quantity": Column(name="quantity"),
        "unit": Column(name="unit"),
        "unit_price": MoneyColumns(amount="unit_amount", currency="currency"),
        "net": MoneyColumns(amount="amount", currency="currency"),
        "tax_code": Column(name="tax_code"),
    },
)
TAX_BREAKDOWN = PartColumn(
    name="tax_breakdown",
    parts={
        "code": Column(name="code"),
        "rate": Column(name="rate"),
        "base": MoneyColumns(amount="taxable", currency="currency"),
        "tax": MoneyColumns(amount="amount", currency="currency"),
    },
)
KINDS = {
    "invoice": InvoiceKind.INVOICE,
    "credit_note": InvoiceKind.CREDIT,
    "debit_note": InvoiceKind.DEBIT,
}

INVOICE = Binding(
    entity=Invoice,
    system=System.BILLING,
    resource="invoices",
    table="public.invoices",
    key="id",
    anchor_key="id",
    events=INVOICE_EVENTS,
    read_only=frozenset({"draft_status", "approved_by", "void_reason"}),
    owns={
        "client_id": Column(name="customer"),
        "project_id": Column(name="project_code", names=System.ERP),
        "legal_entity_id": Column(name="entity_code", names=System.ERP),
        "kind": Column(name="kind", words=KINDS),
        "refers_to_id": Column(name="corrects"),
        "currency": Column(name="currency"),
        "description": Column(name="description"),
        "lines": LINES,
        "net": MoneyColumns(amount="amount_net", currency="currency"),
        "issued_on": Column(name="issued_on"),
        "due_on": Column(name="due_on"),
        "draft_status": Column(
            name="status",
            words={
                "draft": InvoiceDraftStatus.DRAFT,
                "approved": InvoiceDraftStatus.APPROVED,
                "void": InvoiceDraftStatus.VOID,
            },
        ),
        "approved_by": Column(name="approved_by"),
        "void_reason": Column(name="void_comment"),
        "is_disputed": Column(name="disputed"),
        "disputes": PartColumn(
            name="disputes",
            parts={
                "opened_on": Column(name="opened_on"),
                "reason": Column(name="reason"),
                "amount": MoneyColumns(amount="amount", currency="currency"),
            },
        ),
    },
    copies={
        "number": Column(name="ledger_number"),
        "ledger_status": Column(name="ledger_status", words=LEDGER_STATUS),
        "posted_on": Column(name="posted_on"),
        "sent_on": Column(name="sent_on"),
        "tax": MoneyColumns(amount="tax_amount", currency="currency"),
        "tax_lines": TAX_BREAKDOWN,
    },
)

PAYMENT_STATUS = Binding(
    entity=PaymentStatus,
    system=System.BILLING,
    resource="invoices",
    table="public.invoices",
    key="id",
    anchor_key="id",
    events=INVOICE_EVENTS,
    found_by="invoice_id",
    is_part_of=Invoice,
    copies={
        "status": Column(name="payment_status", words=PAYMENT_STATE),
        "paid": MoneyColumns(amount="amount_paid", currency="currency"),
        "balance": MoneyColumns(amount="amount_open", currency="currency"),
        "written_off": MoneyColumns(amount="amount_written_off", currency="currency"),
        "dunning_level": Column(name="reminders"),
        "last_payment_on": Column(name="last_payment_on"),
    },
)
