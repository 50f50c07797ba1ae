"""What the ERP holds of the canonical types, and in which columns and words."""

from __future__ import annotations

from typing import Any

from schema.entities.client import Client
from schema.entities.invoice import Invoice, InvoiceKind
from schema.entities.legal_entity import LegalEntity, PeriodState
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.resource import Resource
from schema.entities.sow import BillMethod
from schema.rounding import NetRounding, RoundingMode, TaxRounding
from schema.system import System
from sync.connectors.binding import (
    Binding,
    Column,
    FxColumns,
    MoneyColumns,
    PartColumn,
    Place,
    Touch,
)
from sync.connectors.words import (
    CREDIT_STATUS,
    EMPLOYMENT_STATUS,
    PROJECT_STATUS,
    SEGMENT,
    fraction_of,
    hours_of,
    ledger_status_of,
    minutes_of,
    payment_state_of,
    percent_of,
    spoken,
)

NET_LEVELS = {"LINE": NetRounding.LINE}
TAX_LEVELS = {"LINE": TaxRounding.LINE, "CATEGORY": TaxRounding.CATEGORY_DOCUMENT}
MODES = {"UP": RoundingMode.HALF_UP, "EVEN": RoundingMode.HALF_EVEN}
UNITS = {"HUR": "hour", "DAY": "day", "C62": "item"}
METHODS = {"BANK": "bank transfer", "CREDIT_NOTE": "credit note"}
SETTLEMENTS = {
    "TM": BillMethod.TIME_AND_MATERIALS,
    "FP": BillMethod.FIXED_PRICE,
    "MS": BillMethod.MILESTONE,
    "RT": BillMethod.RETAINER,
    "MX": BillMethod.MIXED,
}
KINDS = {"INV": InvoiceKind.INVOICE, "CRN": InvoiceKind.CREDIT, "DBN": InvoiceKind.DEBIT}


def _period_state(is_open: Any) -> PeriodState:
    return PeriodState.OPEN if is_open else PeriodState.CLOSED


def _is_open(state: PeriodState) -> bool:
    return state is PeriodState.OPEN


LEGAL_ENTITY = Binding(
    entity=LegalEntity,
    system=System.ERP,
    resource="entities",
    key="entity_code",
    anchor_key="entity_code",
    touches=(
        Touch(table="public.entities", key="entity_code"),
        Touch(table="public.periods", key="entity_code"),
    ),
    read_only=frozenset({"code", "periods"}),
    owns={
        "code": Column(name="entity_code"),
        "name": Column(name="registered_name"),
        "country": Column(name="country"),
        "functional_currency": Column(name="book_currency"),
        "time_zone": Column(name="time_zone"),
        "tax_registrations": PartColumn(
            name="tax_registrations",
            parts={
                "country": Column(name="country"),
                "kind": Column(name="tax_kind"),
                "number": Column(name="tax_number"),
            },
        ),
        "rounding": PartColumn(
            name="rounding",
            parts={
                "net": Column(name="net_at", words=NET_LEVELS),
                "tax": Column(name="tax_at", words=TAX_LEVELS),
                "mode": Column(name="half_goes", words=MODES),
                "precision": Column(name="step"),
            },
        ),
        "fiscal_year_start_month": Column(name="year_starts_in"),
        "invoice_series": Column(name="number_prefix"),
        "periods": PartColumn(
            name="periods",
            parts={
                "period": Column(name="period"),
                "state": Column(name="is_open", read=_period_state, write=_is_open),
            },
        ),
    },
)

TAX_NUMBERS = PartColumn(
    name="tax_numbers",
    parts={
        "country": Column(name="country"),
        "kind": Column(name="tax_kind"),
        "number": Column(name="tax_number"),
    },
)

CLIENT = Binding(
    entity=Client,
    system=System.ERP,
    resource="customers",
    table="public.customers",
    key="customer_no",
    anchor_key="crm_account",
    owns={
        "bill_to": Column(name="invoice_address"),
        "tax_id": Column(name="vat_id"),
        "addresses": PartColumn(
            name="addresses",
            parts={
                "street": Column(name="street"),
                "city": Column(name="town"),
                "country": Column(name="country"),
                "is_bill_to": Column(name="gets_invoices"),
            },
        ),
        "tax_ids": TAX_NUMBERS,
        "default_currency": Column(name="invoice_currency"),
        "payment_terms_days": Column(name="terms_days"),
        "credit_status": Column(name="credit_block", words=CREDIT_STATUS),
    },
    copies={
        "name": Column(name="customer_name"),
        "segment": Column(name="customer_group", words=SEGMENT),
        "account_manager": Column(name="rep_email"),
        "trading_name": Column(name="search_name"),
        "language": Column(name="language_key"),
        "parent_id": Column(name="head_office_no"),
    },
)

PROJECT = Binding(
    entity=Project,
    system=System.ERP,
    resource="projects",
    table="public.projects",
    key="project_no",
    anchor_key="project_no",
    reference="hub_reference",
    read_only=frozenset({"code", "status"}),
    owns={
        "code": Column(name="project_no"),
        "name": Column(name="description"),
        "client_id": Column(name="customer_no"),
        "engagement_id": Column(name="crm_opportunity", names=System.CRM),
        "sow_id": Column(name="crm_contract", names=System.CRM),
        "legal_entity_id": Column(name="entity_code"),
        "method": Column(name="settlement", words=SETTLEMENTS),
        "cost_centre": Column(name="cost_centre"),
        "region": Column(name="region"),
        "tax_region": Column(name="tax_area"),
        "po_number": Column(name="customer_po"),
        "currency": Column(name="currency"),
        "status": Column(name="project_status", words=PROJECT_STATUS),
        "starts_on": Column(name="start_on"),
        "ends_on": Column(name="end_on"),
        "budget": MoneyColumns(amount="budget_amount", currency="currency"),
        "budget_minutes": Column(name="budget_hours", read=minutes_of, write=hours_of),
    },
    copies={
        "completed_share": Column(name="delivery_percent", read=fraction_of, write=percent_of),
        "health": Column(name="delivery_health"),
        "manager_id": Column(name="delivery_manager", names=System.HR),
    },
)

RESOURCE = Binding(
    entity=Resource,
    system=System.ERP,
    resource="employees",
    table="public.employees",
    key="id",
    anchor_key="hr_number",
    copies={
        "name": Column(name="full_name"),
        "email": Column(name="email"),
        "employment_status": Column(name="status", words=EMPLOYMENT_STATUS),
        "country": Column(name="country"),
    },
)

POSITIONS = PartColumn(
    name="positions",
    parts={
        "line": Column(name="pos_no"),
        "description": Column(name="text"),
        "quantity": Column(name="qty"),
        "unit": spoken("uom", UNITS),
        "unit_price": MoneyColumns(amount="price", currency="currency"),
        "net": MoneyColumns(amount="amount", currency="currency"),
        "tax_code": Column(name="tax_category"),
    },
)
TAX_LINES = PartColumn(
    name="tax_lines",
    parts={
        "code": Column(name="category"),
        "rate": Column(name="rate"),
        "base": MoneyColumns(amount="base", currency="currency"),
        "tax": MoneyColumns(amount="tax", currency="currency"),
    },
)
FX = FxColumns(
    rate="fx_rate", base="currency", quote="book_currency", on="fx_date", source="fx_provider"
)
APPLICATIONS = PartColumn(
    name="applications",
    parts={
        "payment": Column(name="payment_no"),
        "applied_on": Column(name="applied_on"),
        "amount": MoneyColumns(amount="amount", currency="currency"),
        "method": spoken("method", METHODS),
        "fx": FX,
    },
)
WORKED_OUT: dict[str, Place] = {
    "number": Column(name="document_no"),
    "ledger_status": Column(name="document_status", read=ledger_status_of),
    "posted_on": Column(name="posted_on"),
    "cancellation_number": Column(name="cancelled_by_no"),
    "closing_reason": Column(name="status_reason"),
    "sent_on": Column(name="sent_on"),
    "tax": MoneyColumns(amount="tax_amount", currency="currency"),
    "tax_lines": TAX_LINES,
    "fx_to_functional": FX,
    "rounding_adjustment": MoneyColumns(amount="rounding_amount", currency="currency"),
    "gross": MoneyColumns(amount="gross_amount", currency="currency"),
}
"""What the ledger itself says of an invoice, by posting it and by what happens to it after."""

INVOICE = Binding(
    entity=Invoice,
    system=System.ERP,
    resource="ar-invoices",
    table="public.ar_invoices",
    key="doc_id",
    anchor_key="billing_ref",
    read_only=frozenset(WORKED_OUT),
    owns=WORKED_OUT,
    copies={
        "client_id": Column(name="customer_no"),
        "project_id": Column(name="project_no"),
        "legal_entity_id": Column(name="entity_code"),
        "kind": Column(name="doc_type", words=KINDS),
        "refers_to_id": Column(name="corrects_ref", names=System.BILLING),
        "currency": Column(name="currency"),
        "lines": POSITIONS,
        "net": MoneyColumns(amount="net_amount", currency="currency"),
        "due_on": Column(name="due_on"),
        "is_disputed": Column(name="in_dispute"),
    },
)

COLLECTED: dict[str, Place] = {
    "invoice_id": Column(name="billing_ref", names=System.BILLING),
    "status": Column(name="document_status", read=payment_state_of),
    "paid": MoneyColumns(amount="paid_amount", currency="currency"),
    "balance": MoneyColumns(amount="open_amount", currency="currency"),
    "applications": APPLICATIONS,
    "written_off": MoneyColumns(amount="written_off_amount", currency="currency"),
    "dunning_level": Column(name="dunning_level"),
    "last_payment_on": Column(name="last_payment_on"),
}

PAYMENT_STATUS = Binding(
    entity=PaymentStatus,
    system=System.ERP,
    resource="ar-invoices",
    table="public.ar_invoices",
    key="doc_id",
    anchor_key="doc_id",
    read_only=frozenset(COLLECTED),
    owns=COLLECTED,
)
