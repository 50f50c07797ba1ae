"""What Tryton's sales modules hold of the canonical types, and which tables tell of a change.

The columns named here are those of the rows that `tryton_crm_rows` makes of Tryton's records. The
tables know a record by Tryton's own number, other systems by its code: touches name the `id`.
"""

from __future__ import annotations

from schema.entities.amendment import Amendment
from schema.entities.client import Client, Segment
from schema.entities.engagement import Engagement
from schema.entities.sow import Sow
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns, PartColumn, Touch
from sync.connectors.contract_words import (
    AMENDMENT_KIND,
    AMENDMENT_STATUS,
    BILL_METHOD,
    SOW_STATUS,
)
from sync.connectors.words import ENGAGEMENT_STAGE

SEGMENT = {
    "Enterprise": Segment.ENTERPRISE,
    "Midmarket": Segment.MIDMARKET,
    "Small": Segment.SMALL,
}

CLIENT = Binding(
    entity=Client,
    system=System.CRM,
    resource="party.party",
    key="code",
    anchor_key="code",
    touches=(
        Touch(table="public.party_party", key="id"),
        Touch(table="public.party_party-party_category", key="party"),
        Touch(table="public.party_identifier", key="party"),
        Touch(table="public.party_address", key="party"),
        Touch(table="public.party_party_payment_term", key="party"),
    ),
    touched_by="id",
    owns={
        "name": Column(name="name"),
        "segment": Column(name="segment", words=SEGMENT),
    },
    copies={
        "bill_to": Column(name="invoice_address"),
        "tax_id": Column(name="tax_code"),
        "payment_terms_days": Column(name="terms_days"),
    },
)

ENGAGEMENT = Binding(
    entity=Engagement,
    system=System.CRM,
    resource="sale.opportunity",
    key="number",
    anchor_key="number",
    touches=(Touch(table="public.sale_opportunity", key="id"),),
    touched_by="id",
    reference="reference",
    read_only=frozenset({"stage"}),
    owns={
        "client_id": Column(name="account"),
        "name": Column(name="title"),
        "stage": Column(name="stage", words=ENGAGEMENT_STAGE),
        "expected_value": MoneyColumns(amount="amount", currency="currency"),
        "probability": Column(name="win_chance"),
        "starts_on": Column(name="starts_on"),
        "account_manager": Column(name="owner_email"),
        "legal_entity_id": Column(name="company", names=System.ERP),
    },
)

SOW = Binding(
    entity=Sow,
    system=System.CRM,
    resource="sale.sale",
    key="number",
    anchor_key="number",
    touches=(
        Touch(table="public.sale_sale", key="id"),
        Touch(table="public.sale_line", key="sale"),
    ),
    touched_by="id",
    read_only=frozenset({"engagement_id", "number", "version", "status", "currency"}),
    owns={
        "engagement_id": Column(name="opportunity"),
        "number": Column(name="contract_no"),
        "version": Column(name="revision"),
        "title": Column(name="subject"),
        "method": Column(name="pricing_model", words=BILL_METHOD),
        "status": Column(name="status", words=SOW_STATUS),
        "cap": MoneyColumns(amount="ceiling_amount", currency="currency"),
        "currency": Column(name="currency"),
        "starts_on": Column(name="starts_on"),
        "payment_terms_days": Column(name="payment_days"),
        "po_number": Column(name="customer_po"),
    },
)

AMENDMENT = Binding(
    entity=Amendment,
    system=System.CRM,
    resource="sale.amendment",
    key="change_no",
    anchor_key="change_no",
    touches=(
        Touch(table="public.sale_amendment", key="id"),
        Touch(table="public.sale_amendment_line", key="amendment"),
    ),
    touched_by="id",
    read_only=frozenset({"sow_id", "sequence", "kind", "status", "changes"}),
    owns={
        "sow_id": Column(name="sow"),
        "sequence": Column(name="sequence_no"),
        "kind": Column(name="change_type", read=AMENDMENT_KIND.get),
        "status": Column(name="status", words=AMENDMENT_STATUS),
        "effective_from": Column(name="effective_on"),
        "changes": PartColumn(
            name="changed_terms",
            parts={
                "term": Column(name="term"),
                "before": Column(name="old_value"),
                "after": Column(name="new_value"),
            },
        ),
        "reason": Column(name="rationale"),
    },
)
