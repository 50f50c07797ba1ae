"""What Tryton holds of the canonical types, and which of its tables tell that a record changed.

The columns named here are those of the rows that `tryton_erp_rows` makes of Tryton's records.
"""

from __future__ import annotations

from schema.entities.client import Client
from schema.entities.invoice import Invoice
from schema.entities.payment_status import PaymentState, PaymentStatus
from schema.entities.project import Project, ProjectStatus
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns, Touch
from sync.connectors.tryton_erp_documents import APPLICATIONS, FX, LINES, TAX_LINES
from sync.connectors.words import hours_of, ledger_status_of, minutes_of, payment_state_of

PROJECT_STATUS = {
    "Planned": ProjectStatus.REQUESTED,
    "In setup": ProjectStatus.PROVISIONING,
    "Setup failed": ProjectStatus.PROVISIONING_FAILED,
    "Winding up": ProjectStatus.CLOSING,
    "Open": ProjectStatus.ACTIVE,
    "On hold": ProjectStatus.SUSPENDED,
    "Done": ProjectStatus.CLOSED,
}
PAYMENT_WORDS = {
    "POSTED": PaymentState.OPEN,
    "PART_PAID": PaymentState.PARTIALLY_PAID,
    "PAID": PaymentState.PAID,
    "CANCELLED": PaymentState.CANCELLED,
}


_INVOICE_TOUCHES = (
    Touch(table="public.account_invoice", key="id", only={"type": "out"}),
    Touch(table="public.account_invoice_line", key="invoice"),
    Touch(table="public.account_invoice-account_move_line", key="invoice"),
)

CLIENT = Binding(
    entity=Client,
    system=System.ERP,
    resource="party.party",
    key="id",
    anchor_key="crm_account",
    touches=(
        Touch(table="public.party_party", key="id"),
        Touch(table="public.party_identifier", key="party"),
        Touch(table="public.party_address", key="party"),
        Touch(table="public.party_party_payment_term", key="party"),
    ),
    owns={
        "bill_to": Column(name="invoice_address"),
        "tax_id": Column(name="tax_code"),
        "payment_terms_days": Column(name="terms_days"),
    },
    copies={"name": Column(name="name")},
)

PROJECT = Binding(
    entity=Project,
    system=System.ERP,
    resource="project.work",
    key="number",
    anchor_key="number",
    touches=(Touch(table="public.project_work", key="number", only={"type": "project"}),),
    reference="hub_reference",
    read_only=frozenset({"code"}),
    owns={
        "code": Column(name="number"),
        "name": Column(name="name"),
        "client_id": Column(name="party"),
        "engagement_id": Column(name="crm_opportunity", names=System.CRM),
        "legal_entity_id": Column(name="company"),
        "currency": Column(name="currency"),
        "status": Column(name="status", words=PROJECT_STATUS),
        "starts_on": Column(name="start_on"),
        "ends_on": Column(name="end_on"),
        "budget": MoneyColumns(amount="budget_amount", currency="currency"),
        "budget_minutes": Column(name="budget_hours", read=minutes_of, write=hours_of),
    },
)

INVOICE = Binding(
    entity=Invoice,
    system=System.ERP,
    resource="account.invoice",
    key="id",
    anchor_key="reference",
    touches=_INVOICE_TOUCHES,
    read_only=frozenset(
        {"number", "ledger_status", "posted_on", "tax", "tax_lines", "gross", "fx_to_functional"}
    ),
    owns={
        "number": Column(name="number"),
        "ledger_status": Column(name="ledger_word", read=ledger_status_of),
        "posted_on": Column(name="posted_on"),
        "tax": MoneyColumns(amount="tax_amount", currency="currency"),
        "tax_lines": TAX_LINES,
        "gross": MoneyColumns(amount="gross_amount", currency="currency"),
        "fx_to_functional": FX,
    },
    copies={
        "client_id": Column(name="party"),
        "project_id": Column(name="project"),
        "legal_entity_id": Column(name="company"),
        "currency": Column(name="currency"),
        "lines": LINES,
        "net": MoneyColumns(amount="net_amount", currency="currency"),
    },
)

PAYMENT_STATUS = Binding(
    entity=PaymentStatus,
    system=System.ERP,
    resource="account.invoice",
    key="id",
    anchor_key="id",
    touches=_INVOICE_TOUCHES,
    read_only=frozenset(
        {"invoice_id", "status", "paid", "balance", "applications", "last_payment_on"}
    ),
    owns={
        "invoice_id": Column(name="reference", names=System.BILLING),
        "status": Column(name="ledger_word", words=PAYMENT_WORDS, read=payment_state_of),
        "paid": MoneyColumns(amount="paid_amount", currency="currency"),
        "balance": MoneyColumns(amount="open_amount", currency="currency"),
        "applications": APPLICATIONS,
        "last_payment_on": Column(name="last_payment_on"),
    },
)
