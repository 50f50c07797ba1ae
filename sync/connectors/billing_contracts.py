"""Billing's copies of contracts and rates: the rules that invoices follow."""

from __future__ import annotations

from schema.entities.amendment import Amendment
from schema.entities.milestone import Milestone
from schema.entities.rate_card import RateCard
from schema.entities.rate_card_version import RateCardVersion
from schema.entities.rate_line import RateLine
from schema.entities.retainer import Retainer
from schema.entities.sow import Sow
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns, PartColumn, RateColumns
from sync.connectors.contract_words import (
    AMENDMENT_KIND,
    AMENDMENT_STATUS,
    BILL_METHOD,
    MILESTONE_STATUS,
    RATE_UNIT,
    RATE_VERSION_STATUS,
    RETAINER_PERIOD,
    ROLLOVER,
    SOW_STATUS,
)

RATE_CARD = Binding(
    entity=RateCard,
    system=System.BILLING,
    resource="price-lists",
    table="public.price_lists",
    key="id",
    anchor_key="crm_price_book",
    copies={
        "name": Column(name="name"),
        "currency": Column(name="currency"),
        "client_id": Column(name="customer"),
    },
)

RATE_CARD_VERSION = Binding(
    entity=RateCardVersion,
    system=System.BILLING,
    resource="price-list-versions",
    table="public.price_list_versions",
    key="id",
    anchor_key="crm_price_version",
    copies={
        "rate_card_id": Column(name="price_list"),
        "number": Column(name="number"),
        "effective_from": Column(name="active_from"),
        "published_at": Column(name="published_at"),
        "status": Column(name="status", words=RATE_VERSION_STATUS),
    },
)

RATE_LINE = Binding(
    entity=RateLine,
    system=System.BILLING,
    resource="prices",
    table="public.prices",
    key="id",
    anchor_key="crm_price_line",
    copies={
        "version_id": Column(name="price_list_version"),
        "role": Column(name="role"),
        "grade": Column(name="grade"),
        "region": Column(name="region"),
        "legal_entity_id": Column(name="entity_code", names=System.ERP),
        "service": Column(name="service"),
        "resource_id": Column(name="worker", names=System.HR),
        "rate": RateColumns(amount="unit_amount", currency="currency", per="unit", words=RATE_UNIT),
        "min_increment": Column(name="increment_minutes"),
        "overtime_factor": Column(name="overtime_factor"),
        "cap": MoneyColumns(amount="cap_amount", currency="currency"),
    },
)

SOW = Binding(
    entity=Sow,
    system=System.BILLING,
    resource="contracts",
    table="public.contracts",
    key="id",
    anchor_key="crm_contract",
    copies={
        "number": Column(name="number"),
        "version": Column(name="revision"),
        "title": Column(name="description"),
        "method": Column(name="billing_scheme", words=BILL_METHOD),
        "status": Column(name="status", words=SOW_STATUS),
        "cap": MoneyColumns(amount="cap_amount", currency="currency"),
        "currency": Column(name="currency"),
        "starts_on": Column(name="starts_on"),
        "ends_on": Column(name="ends_on"),
        "rate_card_version_id": Column(name="price_list_version"),
        "payment_terms_days": Column(name="payment_terms"),
        "po_number": Column(name="purchase_order"),
    },
)

AMENDMENT = Binding(
    entity=Amendment,
    system=System.BILLING,
    resource="contract-changes",
    table="public.contract_changes",
    key="id",
    anchor_key="crm_change_order",
    copies={
        "sow_id": Column(name="contract"),
        "sequence": Column(name="number"),
        "kind": Column(name="type", words=AMENDMENT_KIND),
        "status": Column(name="status", words=AMENDMENT_STATUS),
        "effective_from": Column(name="effective_on"),
        "changes": PartColumn(
            name="terms",
            parts={
                "term": Column(name="name"),
                "before": Column(name="from"),
                "after": Column(name="to"),
            },
        ),
        "reason": Column(name="reason"),
        "supersedes_id": Column(name="replaces"),
    },
)

MILESTONE = Binding(
    entity=Milestone,
    system=System.BILLING,
    resource="milestones",
    table="public.milestones",
    key="id",
    anchor_key="crm_deliverable",
    copies={
        "sow_id": Column(name="contract"),
        "project_id": Column(name="project"),
        "sequence": Column(name="number"),
        "name": Column(name="name"),
        "status": Column(name="status", words=MILESTONE_STATUS),
        "due_on": Column(name="due_on"),
        "amount": MoneyColumns(amount="amount", currency="currency"),
        "requires_acceptance": Column(name="needs_acceptance"),
        "accepted_at": Column(name="accepted_at"),
    },
)

RETAINER = Binding(
    entity=Retainer,
    system=System.BILLING,
    resource="retainers",
    table="public.retainers",
    key="id",
    anchor_key="crm_retainer",
    copies={
        "sow_id": Column(name="contract"),
        "period": Column(name="cadence", words=RETAINER_PERIOD),
        "starts_on": Column(name="starts_on"),
        "amount": MoneyColumns(amount="amount", currency="currency"),
        "included": Column(name="included_minutes"),
        "rollover": Column(name="rollover", words=ROLLOVER),
        "balance": MoneyColumns(amount="balance", currency="currency"),
        "expires_on": Column(name="expires_on"),
    },
)

CONTRACTS = (RATE_CARD, RATE_CARD_VERSION, RATE_LINE, SOW, AMENDMENT, MILESTONE, RETAINER)
