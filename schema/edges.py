"""The edges of the graph as data: from which entity, by which key, to which entity.

An edge to one record is there for every field that holds an id, of a part too, and is described by
it. The edges to many are declared here. Resolvers and loaders derive from this list; so can a
planner.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from typing import Any

from schema.canon import BY_ID_TYPE, ENTITIES
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
from schema.entity import bare_type, edge_name, one_of, owned_fields
from schema.groups import FieldGroup
from schema.part import is_part, part_fields


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

    @property
    def group(self) -> FieldGroup:
        """The group of the field that holds the key: its owner says what the edge leads to."""
        holder = self.source if self.load is EdgeLoad.BY_ID else self.target
        return owned_fields(holder)[self.key].group


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


_DECLARED: tuple[GraphEdge, ...] = (
    _many(Client, "children", Client, "parent_id", "The clients that belong to it."),
    _many(Client, "engagements", Engagement, "client_id", "Work sold or being sold to the client."),
    _many(Client, "projects", Project, "client_id", "Every project of the client."),
    _many(Client, "invoices", Invoice, "client_id", "Every invoice to the client."),
    _many(Client, "rate_cards", RateCard, "client_id", "Prices agreed with the client."),
    _many(Client, "billing_holds", BillingHold, "client_id", "Holds on everything of the client."),
    _large(LegalEntity, "engagements", Engagement, "legal_entity_id", "What it contracts."),
    _large(LegalEntity, "projects", Project, "legal_entity_id", "What it delivers."),
    _large(LegalEntity, "invoices", Invoice, "legal_entity_id", "What it issues."),
    _large(LegalEntity, "resources", Resource, "legal_entity_id", "Whom it employs."),
    _many(Engagement, "sows", Sow, "engagement_id", "The contracts of the engagement."),
    _many(Engagement, "projects", Project, "engagement_id", "The projects that deliver it."),
    _many(Engagement, "billing_holds", BillingHold, "engagement_id", "Holds on the engagement."),
    _many(Sow, "amendments", Amendment, "sow_id", "Its amendments."),
    _many(Sow, "milestones", Milestone, "sow_id", "Its milestones."),
    _many(Sow, "retainers", Retainer, "sow_id", "Its retainers."),
    _many(Sow, "projects", Project, "sow_id", "The projects that work under it."),
    _many(RateCard, "versions", RateCardVersion, "rate_card_id", "Its versions."),
    _many(RateCardVersion, "lines", RateLine, "version_id", "Its prices."),
    _many(Project, "invoices", Invoice, "project_id", "The invoices for its work."),
    _many(Project, "milestones", Milestone, "project_id", "What it delivers."),
    _large(Project, "assignments", Assignment, "project_id", "Who is planned on it."),
    _large(Project, "time_entries", TimeEntry, "project_id", "The time booked on it."),
    _large(Project, "expense_items", ExpenseItem, "project_id", "The expenses booked on it."),
    _large(Project, "billing_events", BillingEvent, "project_id", "What it may bill."),
    _many(Project, "billing_holds", BillingHold, "project_id", "Holds on the project."),
    _several(Project, "team_ids", Resource, "team", "The people on the project."),
    _many(Resource, "reports", Resource, "manager_id", "The people the person manages."),
    _large(Resource, "managed_projects", Project, "manager_id", "The projects the person runs."),
    _large(Resource, "assignments", Assignment, "resource_id", "Where the person is planned."),
    _large(Resource, "time_entries", TimeEntry, "resource_id", "The person's time."),
    _large(Resource, "expense_items", ExpenseItem, "resource_id", "The person's expenses."),
    _large(Assignment, "time_entries", TimeEntry, "assignment_id", "The time booked under it."),
    _several(BillingEvent, "time_entry_ids", TimeEntry, "time_entries", "The time it bills."),
    _several(
        BillingEvent, "expense_item_ids", ExpenseItem, "expense_items", "The expenses it bills."
    ),
    _several(BillingEvent, "billing_hold_ids", BillingHold, "billing_holds", "The holds on it."),
    _many(Invoice, "billing_holds", BillingHold, "invoice_id", "Holds on the invoice."),
    GraphEdge(
        source=Invoice,
        name="payment_status",
        target=PaymentStatus,
        key="invoice_id",
        load=EdgeLoad.BY_KEY,
        is_many=False,
        description="How far it has been paid; null until the ledger knows it.",
    ),
    _several(BillingEvent, "invoice_ids", Invoice, "invoices", "The invoices that took it."),
    _many(Invoice, "billing_events", BillingEvent, "invoice_ids", "What it took."),
    _many(TimeEntry, "billing_events", BillingEvent, "time_entry_ids", "What bills it."),
    _many(ExpenseItem, "billing_events", BillingEvent, "expense_item_ids", "What bills it."),
    _many(Milestone, "billing_events", BillingEvent, "milestone_id", "What bills it."),
    _many(Retainer, "billing_events", BillingEvent, "retainer_id", "What bills its periods."),
)


def _leaving(source: type) -> Iterator[GraphEdge]:
    owned = owned_fields(source).values()
    yield from _named_by(source, ((o.name, o.type, o.description) for o in owned))
    yield from (edge for edge in _DECLARED if edge.source is source)


def _named_by(source: type, told: Iterable[tuple[str, Any, str]]) -> Iterator[GraphEdge]:
    """The one record that each id of the source names: `client_id` leads to `client`.

    `told` are name, type and description of its fields.
    """
    for name, kind, said in told:
        target = BY_ID_TYPE.get(bare_type(kind))
        if target is not None:
            yield GraphEdge(
                source=source,
                name=edge_name(name),
                target=target,
                key=name,
                load=EdgeLoad.BY_ID,
                is_many=False,
                description=said,
            )


@cache
def edges_of_part(part_type: type) -> tuple[GraphEdge, ...]:
    """The edges that leave a part: to the records it names."""
    kinds = part_fields(part_type)
    told = ((f.name, kinds[f.name], f.metadata.get("description", "")) for f in fields(part_type))
    return tuple(_named_by(part_type, told))


@cache
def leading_parts(entity: type) -> dict[str, type]:
    """The fields whose parts name records, and the type of those parts."""
    kinds = {name: one_of(owned.type) for name, owned in owned_fields(entity).items()}
    return {name: kind for name, kind in kinds.items() if is_part(kind) and edges_of_part(kind)}


EDGES: tuple[GraphEdge, ...] = tuple(edge for source in ENTITIES for edge in _leaving(source))


@cache
def edges_of(source: type) -> tuple[GraphEdge, ...]:
    """The edges that leave a type: to the records it names, then to those declared here."""
    return tuple(edge for edge in EDGES if edge.source is source)
