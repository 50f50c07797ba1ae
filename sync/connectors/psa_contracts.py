"""The PSA's copies of contracts and rates; only what planning and pricing of time need."""

from __future__ import annotations

from schema.entities.amendment import Amendment
from schema.entities.milestone import Milestone
from schema.entities.rate_card import RateCard
from schema.entities.rate_card_version import RateCardVersion
from schema.entities.rate_line import RateLine
from schema.entities.retainer import Retainer
from schema.entities.sow import Sow
from schema.system import System
from sync.connectors.binding import Binding, Column, MoneyColumns, RateColumns
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
    system=System.PSA,
    resource="rate-sheets",
    table="public.rate_sheets",
    key="id",
    anchor_key="crm_price_book_id",
    copies={
        "name": Column(name="label"),
        "currency": Column(name="currency"),
        "client_id": Column(name="client_id"),
    },
)

RATE_CARD_VERSION = Binding(
    entity=RateCardVersion,
    system=System.PSA,
    resource="rate-sheet-versions",
    table="public.rate_sheet_versions",
    key="id",
    anchor_key="crm_price_version_id",
    copies={
        "rate_card_id": Column(name="rate_sheet_id"),
        "number": Column(name="sheet_version"),
        "effective_from": Column(name="valid_from"),
        "published_at": Column(name="released_at"),
        "status": Column(name="state", words=RATE_VERSION_STATUS),
    },
)

RATE_LINE = Binding(
    entity=RateLine,
    system=System.PSA,
    resource="rates",
    table="public.rates",
    key="id",
    anchor_key="crm_price_line_id",
    copies={
        "version_id": Column(name="rate_sheet_version_id"),
        "role": Column(name="job_role"),
        "grade": Column(name="grade"),
        "region": Column(name="region"),
        "legal_entity_id": Column(name="office", names=System.ERP),
        "service": Column(name="service"),
        "resource_id": Column(name="user_id"),
        "rate": RateColumns(amount="amount", currency="currency", per="per", words=RATE_UNIT),
        "min_increment": Column(name="step_minutes"),
        "overtime_factor": Column(name="overtime_factor"),
        "cap": MoneyColumns(amount="limit_amount", currency="currency"),
    },
)

SOW = Binding(
    entity=Sow,
    system=System.PSA,
    resource="contracts",
    table="public.contracts",
    key="id",
    anchor_key="crm_contract_id",
    copies={
        "engagement_id": Column(name="engagement_id"),
        "number": Column(name="reference"),
        "version": Column(name="contract_version"),
        "title": Column(name="title"),
        "method": Column(name="pricing", words=BILL_METHOD),
        "status": Column(name="state", words=SOW_STATUS),
        "cap": MoneyColumns(amount="limit_amount", currency="currency"),
        "currency": Column(name="currency"),
        "starts_on": Column(name="start_date"),
        "ends_on": Column(name="finish_date"),
        "rate_card_version_id": Column(name="rate_sheet_version_id"),
    },
)

AMENDMENT = Binding(
    entity=Amendment,
    system=System.PSA,
    resource="contract-changes",
    table="public.contract_changes",
    key="id",
    anchor_key="crm_change_id",
    copies={
        "sow_id": Column(name="contract_id"),
        "sequence": Column(name="change_number"),
        "kind": Column(name="about", words=AMENDMENT_KIND),
        "status": Column(name="state", words=AMENDMENT_STATUS),
        "effective_from": Column(name="effective_date"),
        "reason": Column(name="summary"),
        "supersedes_id": Column(name="replaces_id"),
    },
)

MILESTONE = Binding(
    entity=Milestone,
    system=System.PSA,
    resource="milestones",
    table="public.milestones",
    key="id",
    anchor_key="crm_deliverable_id",
    copies={
        "sow_id": Column(name="contract_id"),
        "project_id": Column(name="project_id"),
        "sequence": Column(name="place"),
        "name": Column(name="title"),
        "status": Column(name="state", words=MILESTONE_STATUS),
        "due_on": Column(name="due_date"),
        "amount": MoneyColumns(amount="amount", currency="currency"),
        "requires_acceptance": Column(name="needs_acceptance"),
    },
)

RETAINER = Binding(
    entity=Retainer,
    system=System.PSA,
    resource="retainers",
    table="public.retainers",
    key="id",
    anchor_key="crm_retainer_id",
    copies={
        "sow_id": Column(name="contract_id"),
        "period": Column(name="cycle", words=RETAINER_PERIOD),
        "starts_on": Column(name="start_date"),
        "amount": MoneyColumns(amount="fee_amount", currency="currency"),
        "included": Column(name="included_minutes"),
        "rollover": Column(name="carry_over", words=ROLLOVER),
        "expires_on": Column(name="last_date"),
    },
)

CONTRACTS = (RATE_CARD, RATE_CARD_VERSION, RATE_LINE, SOW, AMENDMENT, MILESTONE, RETAINER)
