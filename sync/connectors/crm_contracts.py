"""The CRM's contract side: statements of work, their amendments, and the rates that price them.

A status moves only by an action; each is a call of its own with the CRM's names for its arguments.
"""

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
from sync.connectors.calls import Call, Calls
from sync.connectors.contract_words import (
    AMENDMENT_KIND,
    AMENDMENT_STATUS,
    BILL_METHOD,
    INCREMENT_RULE,
    MILESTONE_STATUS,
    RATE_UNIT,
    RATE_VERSION_STATUS,
    RETAINER_PERIOD,
    ROLLOVER,
    SOW_STATUS,
)
from sync.connectors.words import hours_of, minutes_of

RATE_CARD = Binding(
    entity=RateCard,
    system=System.CRM,
    resource="price-books",
    table="public.price_books",
    key="id",
    anchor_key="id",
    owns={
        "name": Column(name="book_name"),
        "currency": Column(name="currency_iso"),
        "client_id": Column(name="account_id"),
    },
)

RATE_CARD_VERSION = Binding(
    entity=RateCardVersion,
    system=System.CRM,
    resource="price-book-versions",
    table="public.price_book_versions",
    key="id",
    anchor_key="id",
    read_only=frozenset({"status", "published_at"}),
    owns={
        "rate_card_id": Column(name="price_book_id"),
        "number": Column(name="version_no"),
        "effective_from": Column(name="effective_date"),
        "published_at": Column(name="published_at"),
        "status": Column(name="status", words=RATE_VERSION_STATUS),
    },
)

RATE_LINE = Binding(
    entity=RateLine,
    system=System.CRM,
    resource="price-lines",
    table="public.price_lines",
    key="id",
    anchor_key="id",
    owns={
        "version_id": Column(name="price_book_version_id"),
        "role": Column(name="job_role"),
        "grade": Column(name="job_grade"),
        "region": Column(name="region"),
        "legal_entity_id": Column(name="entity_code", names=System.ERP),
        "service": Column(name="service_line"),
        "resource_id": Column(name="worker_no", names=System.HR),
        "rate": RateColumns(
            amount="unit_price", currency="currency_iso", per="price_unit", words=RATE_UNIT
        ),
        "min_increment": Column(name="billing_step_minutes"),
        "increment_rule": Column(name="billing_step_rule", words=INCREMENT_RULE),
        "overtime_factor": Column(name="overtime_multiplier"),
        "cap": MoneyColumns(amount="ceiling_amount", currency="currency_iso"),
    },
)

SOW = Binding(
    entity=Sow,
    system=System.CRM,
    resource="statements-of-work",
    table="public.statements_of_work",
    key="id",
    anchor_key="id",
    reference="external_ref",
    read_only=frozenset({"status", "approved_at", "approved_by", "decided_by", "decision_reason"}),
    owns={
        "engagement_id": Column(name="opportunity_id"),
        "number": Column(name="contract_no"),
        "version": Column(name="revision"),
        "title": Column(name="subject"),
        "method": Column(name="pricing_model", words=BILL_METHOD),
        "status": Column(name="status", words=SOW_STATUS),
        "cap": MoneyColumns(amount="ceiling_amount", currency="currency_iso"),
        "currency": Column(name="currency_iso"),
        "starts_on": Column(name="valid_from"),
        "ends_on": Column(name="valid_to"),
        "rate_card_version_id": Column(name="price_book_version_id"),
        "payment_terms_days": Column(name="payment_days"),
        "po_number": Column(name="customer_po"),
        "approved_at": Column(name="approved_at"),
        "approved_by": Column(name="approver_email"),
        "decided_by": Column(name="decider_email"),
        "decision_reason": Column(name="decision_note"),
        "document_hash": Column(name="document_sha256"),
    },
)

AMENDMENT = Binding(
    entity=Amendment,
    system=System.CRM,
    resource="change-orders",
    table="public.change_orders",
    key="id",
    anchor_key="id",
    reference="external_ref",
    read_only=frozenset({"status", "approved_by", "voided_by", "void_reason"}),
    owns={
        "sow_id": Column(name="sow_id"),
        "sequence": Column(name="sequence_no"),
        "kind": Column(name="change_type", words=AMENDMENT_KIND),
        "status": Column(name="status", words=AMENDMENT_STATUS),
        "effective_from": Column(name="effective_date"),
        "signed_at": Column(name="signed_at"),
        "approved_by": Column(name="approver_email"),
        "voided_by": Column(name="decider_email"),
        "void_reason": Column(name="decision_note"),
        "changes": PartColumn(
            name="changed_terms",
            parts={
                "term": Column(name="term"),
                "before": Column(name="old_value"),
                "after": Column(name="new_value"),
            },
        ),
        "reason": Column(name="rationale"),
        "supersedes_id": Column(name="replaces_id"),
    },
)

MILESTONE = Binding(
    entity=Milestone,
    system=System.CRM,
    resource="deliverables",
    table="public.deliverables",
    key="id",
    anchor_key="id",
    reference="external_ref",
    read_only=frozenset({"status", "accepted_at", "accepted_by", "evidence"}),
    owns={
        "sow_id": Column(name="sow_id"),
        "project_id": Column(name="erp_project_no", names=System.ERP),
        "sequence": Column(name="position_no"),
        "name": Column(name="deliverable_name"),
        "status": Column(name="status", words=MILESTONE_STATUS),
        "due_on": Column(name="due_date"),
        "amount": MoneyColumns(amount="fee_amount", currency="currency_iso"),
        "requires_acceptance": Column(name="needs_acceptance"),
        "accepted_at": Column(name="accepted_at"),
        "accepted_by": Column(name="accepted_by"),
        "evidence": Column(name="acceptance_link"),
    },
)

RETAINER = Binding(
    entity=Retainer,
    system=System.CRM,
    resource="retainer-plans",
    table="public.retainer_plans",
    key="id",
    anchor_key="id",
    owns={
        "sow_id": Column(name="sow_id"),
        "period": Column(name="billing_period", words=RETAINER_PERIOD),
        "starts_on": Column(name="first_day"),
        "amount": MoneyColumns(amount="period_fee", currency="currency_iso"),
        "included": Column(name="included_hours", read=minutes_of, write=hours_of),
        "rollover": Column(name="unused_rule", words=ROLLOVER),
        "balance": MoneyColumns(amount="remaining_amount", currency="currency_iso"),
        "balance_minutes": Column(name="remaining_hours", read=minutes_of, write=hours_of),
        "expires_on": Column(name="expires_on"),
    },
)

CONTRACTS = (RATE_CARD, RATE_CARD_VERSION, RATE_LINE, SOW, AMENDMENT, MILESTONE, RETAINER)


_SIGNED = {"by": "approver_email"}
_DECIDED = {"by": "decider_email", "reason": "decision_note"}
_ACCEPTED = {"by": "accepted_by", "evidence": "acceptance_link"}
CALLS: Calls = {
    (Sow, "submit"): Call(path="send-for-review"),
    (Sow, "approve"): Call(path="sign-off", names=_SIGNED),
    (Sow, "reject"): Call(path="turn-down", names=_DECIDED),
    (Sow, "activate"): Call(path="start"),
    (Sow, "suspend"): Call(path="pause"),
    (Sow, "resume"): Call(path="unpause"),
    (Sow, "complete"): Call(path="finish"),
    (Sow, "terminate"): Call(path="cancel", names=_DECIDED),
    (Amendment, "approve"): Call(path="sign-off", names=_SIGNED),
    (Amendment, "void"): Call(path="void", names=_DECIDED),
    (RateCardVersion, "publish"): Call(path="publish"),
    (Milestone, "complete"): Call(path="mark-done"),
    (Milestone, "accept"): Call(path="accept", names=_ACCEPTED),
    (Milestone, "cancel"): Call(path="drop"),
}
