"""What billing holds of the canonical types, and in which columns and words."""

from __future__ import annotations

from schema.entities.client import Client
from schema.entities.invoice import Invoice, InvoiceStatus
from schema.entities.legal_entity import LegalEntity
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns
from sync.connectors.words import (
    CREDIT_STATUS,
    LEDGER_STATUS,
    PAYMENT_STATE,
    PROJECT_STATUS,
    SEGMENT,
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
        "bill_to": Column(name="address"),
        "tax_id": Column(name="tax_number"),
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
    },
)

INVOICE = Binding(
    entity=Invoice,
    system=System.BILLING,
    resource="invoices",
    table="public.invoices",
    key="id",
    anchor_key="id",
    owns={
        "client_id": Column(name="customer"),
        "project_id": Column(name="project_code", names=System.ERP),
        "legal_entity_id": Column(name="entity_code", names=System.ERP),
        "description": Column(name="description"),
        "net": MoneyColumns(amount="amount_net", currency="currency"),
        "issued_on": Column(name="issued_on"),
        "due_on": Column(name="due_on"),
        "draft_status": Column(
            name="status",
            words={
                "draft": InvoiceStatus.DRAFT,
                "approved": InvoiceStatus.APPROVED,
                "void": InvoiceStatus.VOID,
            },
        ),
    },
    copies={
        "number": Column(name="ledger_number"),
        "ledger_status": Column(name="ledger_status", words=LEDGER_STATUS),
        "posted_on": Column(name="posted_on"),
        "tax": MoneyColumns(amount="tax_amount", currency="currency"),
    },
)

PAYMENT_STATUS = Binding(
    entity=PaymentStatus,
    system=System.BILLING,
    resource="invoices",
    table="public.invoices",
    key="id",
    anchor_key="id",
    found_by="invoice_id",
    is_part_of=Invoice,
    copies={
        "state": Column(name="payment_status", words=PAYMENT_STATE),
        "paid": MoneyColumns(amount="amount_paid", currency="currency"),
        "balance": MoneyColumns(amount="amount_open", currency="currency"),
        "last_payment_on": Column(name="last_payment_on"),
    },
)
