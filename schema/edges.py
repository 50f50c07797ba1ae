"""The edges of the graph as data: from which entity, by which key, to which entity.

Resolvers and loaders derive from this list; so can a planner.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.invoice import Invoice
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.resource import Resource


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


def _has_many(source: type, name: str, target: type, key: str, description: str) -> GraphEdge:
    return GraphEdge(
        source=source,
        name=name,
        target=target,
        key=key,
        load=EdgeLoad.BY_KEY,
        is_many=True,
        description=description,
    )


def _refers_to(source: type, name: str, target: type, key: str, description: str) -> GraphEdge:
    return GraphEdge(
        source=source,
        name=name,
        target=target,
        key=key,
        load=EdgeLoad.BY_ID,
        is_many=False,
        description=description,
    )


CLIENT_ENGAGEMENTS = _has_many(
    Client, "engagements", Engagement, "client_id", "Work sold or being sold to the client."
)
CLIENT_PROJECTS = _has_many(
    Client, "projects", Project, "client_id", "Every project of the client."
)
CLIENT_INVOICES = _has_many(
    Client, "invoices", Invoice, "client_id", "Every invoice to the client."
)
ENGAGEMENT_CLIENT = _refers_to(Engagement, "client", Client, "client_id", "The buying client.")
ENGAGEMENT_PROJECTS = _has_many(
    Engagement, "projects", Project, "engagement_id", "The projects that deliver it."
)
PROJECT_CLIENT = _refers_to(Project, "client", Client, "client_id", "The client.")
PROJECT_ENGAGEMENT = _refers_to(
    Project, "engagement", Engagement, "engagement_id", "The engagement it delivers."
)
PROJECT_INVOICES = _has_many(
    Project, "invoices", Invoice, "project_id", "The invoices for its work."
)
PROJECT_MANAGER = _refers_to(Project, "manager", Resource, "manager_id", "The project manager.")
PROJECT_TEAM = GraphEdge(
    source=Project,
    name="team",
    target=Resource,
    key="team_ids",
    load=EdgeLoad.BY_ID,
    is_many=True,
    description="The people on the project.",
)
INVOICE_CLIENT = _refers_to(Invoice, "client", Client, "client_id", "The debtor.")
INVOICE_PROJECT = _refers_to(Invoice, "project", Project, "project_id", "The invoiced project.")
INVOICE_PAYMENT_STATUS = GraphEdge(
    source=Invoice,
    name="payment_status",
    target=PaymentStatus,
    key="invoice_id",
    load=EdgeLoad.BY_KEY,
    is_many=False,
    description="How far it has been paid; null until the ledger knows it.",
)
PAYMENT_STATUS_INVOICE = _refers_to(PaymentStatus, "invoice", Invoice, "invoice_id", "The invoice.")

EDGES: tuple[GraphEdge, ...] = (
    CLIENT_ENGAGEMENTS,
    CLIENT_PROJECTS,
    CLIENT_INVOICES,
    ENGAGEMENT_CLIENT,
    ENGAGEMENT_PROJECTS,
    PROJECT_CLIENT,
    PROJECT_ENGAGEMENT,
    PROJECT_INVOICES,
    PROJECT_MANAGER,
    PROJECT_TEAM,
    INVOICE_CLIENT,
    INVOICE_PROJECT,
    INVOICE_PAYMENT_STATUS,
    PAYMENT_STATUS_INVOICE,
)
