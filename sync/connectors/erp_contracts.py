"""The ERP's copies of contracts; what revenue and receivables are planned by."""

from __future__ import annotations

from schema.entities.milestone import Milestone
from schema.entities.retainer import Retainer
from schema.entities.sow import Sow
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns
from sync.connectors.contract_words import (
    BILL_METHOD,
    MILESTONE_STATUS,
    RETAINER_PERIOD,
    SOW_STATUS,
)

SOW = Binding(
    entity=Sow,
    system=System.ERP,
    resource="contracts",
    table="public.contracts",
    key="contract_no",
    anchor_key="crm_contract",
    copies={
        "engagement_id": Column(name="crm_opportunity", names=System.CRM),
        "number": Column(name="contract_reference"),
        "version": Column(name="issue"),
        "title": Column(name="contract_text"),
        "method": Column(name="billing_type", words=BILL_METHOD),
        "status": Column(name="contract_status", words=SOW_STATUS),
        "cap": MoneyColumns(amount="limit_amount", currency="currency"),
        "currency": Column(name="currency"),
        "starts_on": Column(name="valid_from"),
        "ends_on": Column(name="valid_to"),
        "payment_terms_days": Column(name="terms_days"),
        "po_number": Column(name="customer_order_no"),
    },
)

MILESTONE = Binding(
    entity=Milestone,
    system=System.ERP,
    resource="billing-plan-lines",
    table="public.billing_plan_lines",
    key="id",
    anchor_key="crm_deliverable",
    copies={
        "sow_id": Column(name="contract_no"),
        "project_id": Column(name="project_no"),
        "sequence": Column(name="line_no"),
        "name": Column(name="line_text"),
        "status": Column(name="line_status", words=MILESTONE_STATUS),
        "due_on": Column(name="planned_on"),
        "amount": MoneyColumns(amount="amount", currency="currency"),
        "accepted_at": Column(name="accepted_at"),
    },
)

RETAINER = Binding(
    entity=Retainer,
    system=System.ERP,
    resource="periodic-plans",
    table="public.periodic_plans",
    key="id",
    anchor_key="crm_retainer",
    copies={
        "sow_id": Column(name="contract_no"),
        "period": Column(name="cycle", words=RETAINER_PERIOD),
        "starts_on": Column(name="first_period_on"),
        "amount": MoneyColumns(amount="period_amount", currency="currency"),
        "balance": MoneyColumns(amount="unearned_amount", currency="currency"),
        "expires_on": Column(name="last_day"),
    },
)

CONTRACTS = (SOW, MILESTONE, RETAINER)
