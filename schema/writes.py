"""What may be written through the graph: the fields a create takes, and those an update may change.

The status of a type with a lifecycle is missing on purpose: it moves by its actions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schema.entities.amendment import Amendment
from schema.entities.assignment import Assignment
from schema.entities.billing_hold import BillingHold
from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.expense_item import ExpenseItem
from schema.entities.invoice import Invoice
from schema.entities.milestone import Milestone
from schema.entities.project import Project
from schema.entities.resource import Resource
from schema.entities.sow import Sow
from schema.entities.time_entry import TimeEntry
from schema.entity import owned_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """The fields a create needs, and those it may also set; all are the anchor's."""

    needs: tuple[str, ...]
    takes: tuple[str, ...]
    verb: str = "create"


CREATES: Mapping[type, Creation] = {
    Engagement: Creation(
        needs=("client_id", "name"),
        takes=(
            *("stage", "expected_value", "probability", "starts_on", "ends_on"),
            *("account_manager", "legal_entity_id"),
        ),
    ),
    Sow: Creation(
        needs=("engagement_id", "number", "title", "method", "currency", "starts_on"),
        takes=(
            *("version", "cap", "ends_on", "rate_card_version_id", "payment_terms_days"),
            *("po_number", "document_hash"),
        ),
    ),
    Amendment: Creation(
        needs=("sow_id", "sequence", "kind", "effective_from", "changes"),
        takes=("signed_at", "reason", "supersedes_id"),
        verb="draft",
    ),
    Milestone: Creation(
        needs=("sow_id", "sequence", "name", "due_on", "amount"),
        takes=("project_id", "requires_acceptance"),
    ),
    Project: Creation(
        needs=("name", "client_id"),
        takes=(
            *("engagement_id", "sow_id", "legal_entity_id", "currency", "method", "starts_on"),
            *("ends_on", "budget", "budget_minutes", "cost_centre", "region", "tax_region"),
            "po_number",
        ),
    ),
    Assignment: Creation(
        needs=("project_id", "starts_on", "ends_on"),
        takes=("resource_id", "role", "minutes_per_day", "is_billable", "rate_override"),
    ),
    TimeEntry: Creation(
        needs=("resource_id", "project_id", "work_date", "worked"),
        takes=("assignment_id", "task", "time_zone", "is_billable", "activity", "note"),
    ),
    ExpenseItem: Creation(
        needs=("resource_id", "project_id", "incurred_on", "category", "amount"),
        takes=(
            *("tax", "is_tax_recoverable", "is_billable", "is_reimbursable", "receipt_hash"),
            *("fx_to_functional", "billing_fx"),
        ),
    ),
    BillingHold: Creation(
        needs=("effect", "reason", "review_by"),
        takes=(
            *("client_id", "engagement_id", "project_id", "invoice_id", "billing_event_id"),
            "placed_by",
        ),
        verb="place",
    ),
}

UPDATES: Mapping[type, tuple[str, ...]] = {
    Client: tuple(owned_fields(Client)),
    Engagement: (
        *("name", "stage", "expected_value", "probability", "starts_on", "ends_on"),
        *("account_manager", "legal_entity_id"),
    ),
    Sow: (
        *("title", "cap", "starts_on", "ends_on", "rate_card_version_id", "payment_terms_days"),
        *("po_number", "document_hash"),
    ),
    Project: (
        *("name", "engagement_id", "sow_id", "starts_on", "ends_on", "budget", "budget_minutes"),
        *("cost_centre", "region", "tax_region", "po_number"),
        *("completed_share", "health", "manager_id", "team_ids"),
    ),
    Amendment: ("effective_from", "signed_at", "changes", "reason"),
    Milestone: ("project_id", "name", "due_on", "amount", "requires_acceptance"),
    Resource: ("role", "skills"),
    Assignment: (
        *("resource_id", "role", "starts_on", "ends_on", "minutes_per_day", "is_billable"),
        "rate_override",
    ),
    TimeEntry: ("task", "work_date", "worked", "is_billable", "activity", "note"),
    ExpenseItem: (
        *("category", "amount", "tax", "is_billable", "markup", "receipt_hash"),
        *("fx_to_functional", "billing_fx"),
    ),
    BillingHold: ("reason", "review_by"),
    Invoice: ("description", "due_on", "is_disputed", "disputes"),
}
