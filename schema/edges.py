"""The edges of the graph as data: from which entity, by which key, to which entity.

Resolvers and loaders derive from this list; so can a planner.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache

from schema.entities.amendment import Amendment
from schema.entities.assignment import Assignment
from schema.entities.billing_event import BillingEvent
from schema.entities.billing_hold import BillingHold
from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.expense_item import ExpenseItem
from schema.entities.invoice import Invoice
from schema.entities.legal_entity import LegalEntity
from schema.entities.milestone import Milestone
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.rate_card import RateCard
from schema.entities.rate_card_version import RateCardVersion
from schema.entities.rate_line import RateLine
from schema.entities.resource import Resource
from schema.entities.retainer import Retainer
from schema.entities.sow import Sow
from schema.entities.time_entry import TimeEntry


class EdgeLoad(Enum):
    """How the far end is loaded, once per level for all near ends together."""

    BY_ID = "by_id"
    """The near record holds the far ids in `key`."""
    BY_KEY = "by_key"
    """The far record holds the near id in `key`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphEdge:
    """`source.name` leads to `target`, found by `key`."""

    source: type
    name: str
    target: type
    key: str
    load: EdgeLoad
    is_many: bool
    description: str
    is_large: bool = False
    """It may lead to thousands of records: its pages are cut in the projection, by id."""


def _many(
    source: type, name: str, target: type, key: str, description: str, *, is_large: bool = False
) -> GraphEdge:
    """Every `target` whose `key` holds the source's id."""
    return GraphEdge(
        source=source,
        name=name,
        target=target,
        key=key,
        load=EdgeLoad.BY_KEY,
        is_many=True,
        description=description,
        is_large=is_large,
    )


def _large(source: type, name: str, target: type, key: str, description: str) -> GraphEdge:
    return _many(source, name, target, key, description, is_large=True)


def _one(source: type, key: str, target: type, description: str) -> GraphEdge:
    """The one `target` whose id the source holds in `key`; the edge is `key` without its `_id`."""
    return GraphEdge(
        source=source,
        name=key.removesuffix("_id"),
        target=target,
        key=key,
        load=EdgeLoad.BY_ID,
        is_many=False,
        description=description,
    )


def _several(source: type, key: str, target: type, name: str, description: str) -> GraphEdge:
    """Every `target` whose id is in the source's list `key`."""
    return GraphEdge(
        source=source,
        name=name,
        target=target,
        key=key,
        load=EdgeLoad.BY_ID,
        is_many=True,
        description=description,
    )


PROJECT_TEAM = _several(Project, "team_ids", Resource, "team", "The people on the project.")
INVOICE_PAYMENT_STATUS = GraphEdge(
    source=Invoice,
    name="payment_status",
    target=PaymentStatus,
    key="invoice_id",
    load=EdgeLoad.BY_KEY,
    is_many=False,
    description="How far it has been paid; null until the ledger knows it.",
)

EDGES: tuple[GraphEdge, ...] = (
    _many(Client, "engagements", Engagement, "client_id", "Work sold or being sold to the client."),
    _many(Client, "projects", Project, "client_id", "Every project of the client."),
    _many(Client, "invoices", Invoice, "client_id", "Every invoice to the client."),
    _many(Client, "rate_cards", RateCard, "client_id", "Prices agreed with the client."),
    _many(Client, "holds", BillingHold, "client_id", "Holds on everything of the client."),
    _one(Client, "parent_id", Client, "The client it belongs to."),
    _one(Engagement, "client_id", Client, "The buying client."),
    _one(Engagement, "legal_entity_id", LegalEntity, "The contracting legal entity."),
    _many(Engagement, "sows", Sow, "engagement_id", "The contracts of the engagement."),
    _many(Engagement, "projects", Project, "engagement_id", "The projects that deliver it."),
    _many(Engagement, "holds", BillingHold, "engagement_id", "Holds on the engagement."),
    _one(Sow, "engagement_id", Engagement, "The engagement it sells."),
    _one(Sow, "rate_card_version_id", RateCardVersion, "The rates it is priced with."),
    _many(Sow, "amendments", Amendment, "sow_id", "Its amendments."),
    _many(Sow, "milestones", Milestone, "sow_id", "Its milestones."),
    _many(Sow, "retainers", Retainer, "sow_id", "Its retainers."),
    _many(Sow, "projects", Project, "sow_id", "The projects that work under it."),
    _one(Amendment, "sow_id", Sow, "What it amends."),
    _one(Amendment, "supersedes_id", Amendment, "The amendment it replaces."),
    _one(RateCard, "client_id", Client, "The client it was agreed with."),
    _many(RateCard, "versions", RateCardVersion, "rate_card_id", "Its versions."),
    _one(RateCardVersion, "rate_card_id", RateCard, "The card."),
    _many(RateCardVersion, "lines", RateLine, "version_id", "Its prices."),
    _one(RateLine, "version_id", RateCardVersion, "The version it belongs to."),
    _one(RateLine, "legal_entity_id", LegalEntity, "The delivering legal entity."),
    _one(RateLine, "resource_id", Resource, "The person priced apart."),
    _one(Project, "client_id", Client, "The client."),
    _one(Project, "engagement_id", Engagement, "The engagement it delivers."),
    _one(Project, "sow_id", Sow, "The contract it works under."),
    _one(Project, "legal_entity_id", LegalEntity, "The delivering legal entity."),
    _many(Project, "invoices", Invoice, "project_id", "The invoices for its work."),
    _many(Project, "milestones", Milestone, "project_id", "What it delivers."),
    _large(Project, "assignments", Assignment, "project_id", "Who is planned on it."),
    _large(Project, "time_entries", TimeEntry, "project_id", "The time booked on it."),
    _large(Project, "expenses", ExpenseItem, "project_id", "The expenses booked on it."),
    _large(Project, "billing_events", BillingEvent, "project_id", "What it may bill."),
    _many(Project, "holds", BillingHold, "project_id", "Holds on the project."),
    _one(Project, "manager_id", Resource, "The project manager."),
    PROJECT_TEAM,
    _one(Milestone, "sow_id", Sow, "The contract that promises it."),
    _one(Milestone, "project_id", Project, "The project that delivers it."),
    _one(Retainer, "sow_id", Sow, "The contract it is part of."),
    _one(Resource, "legal_entity_id", LegalEntity, "The employing legal entity."),
    _one(Resource, "manager_id", Resource, "The line manager."),
    _large(Resource, "assignments", Assignment, "resource_id", "Where the person is planned."),
    _large(Resource, "time_entries", TimeEntry, "resource_id", "The person's time."),
    _large(Resource, "expenses", ExpenseItem, "resource_id", "The person's expenses."),
    _one(Assignment, "project_id", Project, "The project."),
    _one(Assignment, "resource_id", Resource, "The person."),
    _one(Assignment, "replaced_by_id", Assignment, "Its successor."),
    _one(TimeEntry, "resource_id", Resource, "Who worked."),
    _one(TimeEntry, "project_id", Project, "On what."),
    _one(TimeEntry, "assignment_id", Assignment, "Under which assignment."),
    _one(TimeEntry, "rate_line_id", RateLine, "The rate line the price came from."),
    _one(ExpenseItem, "resource_id", Resource, "Who spent it."),
    _one(ExpenseItem, "project_id", Project, "On what."),
    _one(BillingEvent, "project_id", Project, "The project."),
    _several(BillingEvent, "time_entry_ids", TimeEntry, "time_entries", "The time it bills."),
    _several(BillingEvent, "expense_ids", ExpenseItem, "expenses", "The expenses it bills."),
    _one(BillingEvent, "milestone_id", Milestone, "The milestone it bills."),
    _one(BillingEvent, "retainer_id", Retainer, "The retainer whose period it bills."),
    _several(BillingEvent, "hold_ids", BillingHold, "holds", "The holds on it."),
    _one(BillingHold, "client_id", Client, "The client it is on."),
    _one(BillingHold, "engagement_id", Engagement, "The engagement it is on."),
    _one(BillingHold, "project_id", Project, "The project it is on."),
    _one(BillingHold, "invoice_id", Invoice, "The invoice it is on."),
    _one(Invoice, "client_id", Client, "The debtor."),
    _one(Invoice, "project_id", Project, "The invoiced project."),
    _one(Invoice, "legal_entity_id", LegalEntity, "The issuing legal entity."),
    _one(Invoice, "refers_to_id", Invoice, "The invoice it corrects."),
    _many(Invoice, "holds", BillingHold, "invoice_id", "Holds on the invoice."),
    INVOICE_PAYMENT_STATUS,
    _one(PaymentStatus, "invoice_id", Invoice, "The invoice."),
)


@cache
def edges_of(source: type) -> tuple[GraphEdge, ...]:
    """The edges that leave a type, in declaration order."""
    return tuple(edge for edge in EDGES if edge.source is source)
